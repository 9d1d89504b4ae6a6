/**
 * @file Runs in the exporting child. The parity gate of a job: the studio's model is loaded once, answers once, and every
 * export is compared with it (parity/bars.ts says what each must keep to).
 */
import { join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import type { ParityReport } from '../../shared/exports.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import { openEngine } from '../engines/registry.ts';
import type { OpenExportedModel } from '../export/exportedModel.ts';
import { ExportFolder } from '../export/exportFolder.ts';
import type { ModelRunner } from '../export/modelRunner.ts';
import { barsOf, failuresOf } from '../export/parity/bars.ts';
import { paddedBatch } from '../export/parity/paddedBatches.ts';
import { nodeFileSystem } from '../files/fileSystem.ts';
import { ParameterSet } from '../model/parameters.ts';
import { firstDivergence } from './divergence.ts';
import { FORMATS, type FormatContext } from './formats.ts';
import { compareAnswers, compareNumbers, type GateOptions, StudioLogits } from './gate.ts';
import { type GateExamples, gateExamples } from './gateExamples.ts';
import type { ExportProgress, ModelExportJob, ModelTarget } from './job.ts';
import { StudioModel } from './studioModel.ts';
import { tokenizerTrip } from './tokenizerTrip.ts';

export interface GateSetting {
  readonly job: ModelExportJob;
  readonly model: OpenExportedModel;
  readonly tokenizer: PairTokenizer;
}

export interface GateLinks {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ExportProgress) => void;
  readonly beat: () => void;
}

/** The share of the comparison of numbers in a comparison; answers are the rest. */
const NUMBERS_SHARE = 0.25;

/** In the place of what computed the export's answers. */
const NO_DATA = "not asked: the run's data set is not here; import it and export again";
const STOPPED = 'not asked: it was stopped before';

interface Studio {
  readonly model: StudioModel;
  readonly logits: StudioLogits;
  readonly examples: GateExamples;
}

export class ParityGate {
  readonly #setting: GateSetting;
  #studio: Studio | null = null;
  #runtime: string;

  constructor(setting: GateSetting) {
    this.#setting = setting;
    this.#runtime = setting.job.engine;
  }

  /** What computes the studio's answers; complete once something has been compared. */
  get studioRuntime(): string {
    return this.#runtime;
  }

  /** @param path the written folder, not yet in its place. @throws StudioError when it cannot be opened at all. */
  async compare(
    path: string,
    target: ModelTarget,
    context: FormatContext,
    links: GateLinks,
  ): Promise<ParityReport> {
    const { data } = this.#setting.job;
    if (data === null || data.rows === 0)
      return this.#report(target, context, { exportRuntime: NO_DATA, state: 'unverified' });
    if (links.signal.aborted)
      return this.#report(target, context, { exportRuntime: STOPPED, state: 'unverified' });
    links.onProgress({ fraction: 0, note: "loading the studio's model" });
    const studio = await this.#open();
    try {
      const exported = await FORMATS[target.to].open(path, { ...context, studioRuntime: this.#runtime });
      try {
        return await this.#compared({ path, target, context, links, studio, exported });
      } finally {
        await exported.close();
      }
    } catch (thrown) {
      return this.#unasked(thrown, target, context);
    }
  }

  /** What cannot be run on this machine is unverified here; what nobody can read has failed. */
  #unasked(thrown: unknown, target: ModelTarget, context: FormatContext): ParityReport {
    if (!(thrown instanceof StudioError)) throw thrown;
    const { code, message } = thrown;
    const exportRuntime = `not asked: ${message}`;
    if (code === 'NOT_AVAILABLE' || code === 'ENGINE_FAILED')
      return this.#report(target, context, { exportRuntime, state: 'unverified' });
    if (code !== 'BAD_FILE') throw thrown;
    return this.#report(target, context, { exportRuntime, state: 'failed', failures: [message] });
  }

  async close(): Promise<void> {
    await this.#studio?.model.close();
    this.#studio = null;
  }

  async #open(): Promise<Studio> {
    if (this.#studio !== null) return this.#studio;
    const { job, model, tokenizer } = this.#setting;
    const { dataDirectory, engine, threads, data } = job;
    const { record } = await openEngine(engine, {
      ...{ dataDirectory, precision: 'fp32' },
      ...(threads === null ? {} : { threads }),
    });
    this.#runtime = `${record.engine}, ${record.device}`;
    const values = new Map<string, Float32Array>();
    for (const { name } of model.weights.shapes) values.set(name, await model.weights.read(name));
    const parameters = new ParameterSet(model.weights.shapes, ({ name }) => values.get(name)!);
    const studio = new StudioModel(model.config, parameters, this.#runtime);
    const text = { tokenizer, settings: this.#settings, sentencesPerExample: model.sentencesPerExample };
    this.#studio = {
      model: studio,
      logits: new StudioLogits(studio, model.config.classes),
      examples: gateExamples(data!, text),
    };
    return this.#studio;
  }

  get #settings() {
    const { maxLen, truncation } = this.#setting.job.model;
    return { maxLen, truncation };
  }

  async #compared({ path, target, context, links, studio, exported }: Comparing): Promise<ParityReport> {
    const { job, model, tokenizer } = this.#setting;
    const { examples, logits } = studio;
    const options = (from: number, to: number): GateOptions => ({
      ...{ examples, classes: model.config.classes, padId: padIdOf(model), signal: links.signal },
      onProgress: (fraction, note) => {
        links.beat();
        links.onProgress({ fraction: from + (to - from) * fraction, note });
      },
    });
    const exportRuntime = exported.runtime;
    const compared = await compareNumbers(logits, exported, options(0, NUMBERS_SHARE));
    if (compared === null) return this.#report(target, context, { exportRuntime, state: 'unverified' });
    const { numbers, worstPair } = compared;
    const agreement = await compareAnswers(logits, exported, {
      ...options(NUMBERS_SHARE, 1),
      ...{ labels: model.labels, rowsInSplit: job.data!.rows },
    });
    const trip = tokenizerTrip(path, target.to, {
      tokenizer,
      settings: this.#settings,
      sentences: examples.sentences,
    });
    const failures = failuresOf({ numbers, agreement, tokenizer: trip }, barsOf(target.to, target.precision));
    const complete = agreement.endedBy !== 'cancelled';
    const state = failures.length > 0 ? 'failed' : complete ? 'verified' : 'unverified';
    const worst = agreement.differing[0];
    const place = worst === undefined ? worstPair : examples.indices.indexOf(worst.index);
    const divergence =
      state === 'failed' ? await this.#divergence({ path, target, context, studio, exported, place }) : null;
    return this.#report(target, context, {
      ...{ exportRuntime, state, numbers, agreement, tokenizer: trip, failures },
      firstDivergence: divergence,
    });
  }

  /** Asks a copy that tells its layers. The logits themselves differ when no layer before them does. */
  async #divergence({
    path,
    target,
    context,
    studio,
    exported,
    place,
  }: Omit<Comparing, 'links'> & { readonly place: number }): Promise<ParityReport['firstDivergence']> {
    const format = FORMATS[target.to];
    const batch = paddedBatch(studio.examples.encoded, [place], padIdOf(this.#setting.model));
    const ours = await studio.model.layers(batch);
    const ofLogits = async () => {
      const [one, other] = [await studio.model.run(batch), await exported.run(batch)];
      const differences = one.logits.map((value, at) => Math.abs(value - other.logits[at]!));
      const maxDifference = differences.reduce((most, value) => (value > most ? value : most), 0);
      return { place: 'logits', maxDifference, scale: Math.max(...one.logits.map(Math.abs)) };
    };
    if (exported instanceof StudioModel)
      return firstDivergence(ours, await exported.layers(batch), batch) ?? (await ofLogits());
    if (format.writeDiagnostic === null) return await ofLogits();
    const diagnostic = join(path, '.layers');
    nodeFileSystem.makeFolder(diagnostic);
    try {
      await format.writeDiagnostic(new ExportFolder(diagnostic), context);
      const runner: ModelRunner = await format.open(diagnostic, context);
      try {
        const { layers } = await runner.run(batch);
        return firstDivergence(ours, layers, batch) ?? (await ofLogits());
      } finally {
        await runner.close();
      }
    } finally {
      nodeFileSystem.remove(diagnostic);
    }
  }

  #report(
    { to, precision }: ModelTarget,
    context: FormatContext,
    found: Pick<ParityReport, 'exportRuntime' | 'state'> & Partial<ParityReport>,
  ): ParityReport {
    const { job } = this.#setting;
    const { dataset = 'none', contentHash = '', split = 'test' } = job.data ?? {};
    return {
      format: 'entail-parity',
      version: 1,
      export: { to, precision, file: FORMATS[to].file(context) },
      checkedAt: new Date().toISOString(),
      entail: job.entail,
      weightsSha256: job.model.weightsSha256,
      studioRuntime: this.#runtime,
      data: { dataset, contentHash, split },
      bars: barsOf(to, precision),
      ...{ numbers: null, agreement: null, tokenizer: null, failures: [], firstDivergence: null },
      ...found,
    };
  }
}

interface Comparing {
  readonly path: string;
  readonly target: ModelTarget;
  readonly context: FormatContext;
  readonly links: GateLinks;
  readonly studio: Studio;
  readonly exported: ModelRunner;
}

function padIdOf({ tokenizer }: OpenExportedModel): number {
  return tokenizer.kind === 'words' ? tokenizer.vocabulary.pad : tokenizer.tokenizer.vocabulary.pad;
}
