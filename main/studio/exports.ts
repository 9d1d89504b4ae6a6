/** @file Runs under Node. Exports of runs: prepared here, written and compared in a child, recorded when they are in place. */
import { join } from 'node:path';
import type { EngineName } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import type { ExportPrecision, ExportRecord, MetricFileFormat, ModelFormat } from '../../shared/exports.ts';
import { type CheckpointRecord, METRICS, type RunRecord } from '../../shared/runs.ts';
import { readExamples } from '../data/exampleBlocks.ts';
import { listEvaluations } from '../db/evaluations.ts';
import { findExport, forgetExport, insertExport, listExports } from '../db/exports.ts';
import { metricSeries } from '../db/metrics.ts';
import { predictedSplits, predictions } from '../db/predictions.ts';
import { findRun } from '../db/runs.ts';
import type { Entries } from '../entries.ts';
import type { Licences } from '../export/card/facts.ts';
import { destinationFolder, settlePlace } from '../export/destination.ts';
import { isExportPresent, requireNoExport, requireReplaceable } from '../export/exportManifest.ts';
import type { MetricCurve } from '../export/metrics/curves.ts';
import type { RunFileParts } from '../export/runFile/runFile.ts';
import { superviseExport } from '../exporting/exportSupervisor.ts';
import type { ExportOrder, ExportProgress, FinishedExport, GateData } from '../exporting/job.ts';
import { checkpointsFolder } from '../training/checkpoints.ts';
import { type CheckpointChoice, chosenCheckpoint, sealedWeights, WEIGHTS_FILE } from './chosenCheckpoint.ts';
import type { Databases } from './databases.ts';
import { datasetOfRun } from './datasetOfRun.ts';
import type { EngineService } from './engines.ts';
import { cardFacts } from './exportFacts.ts';
import { requireClassifier } from './preparedRun.ts';

export interface ExportRequest {
  /** An id, or the beginning of one. */
  readonly run: string;
  readonly to: readonly ModelFormat[];
  readonly precision: ExportPrecision;
  /** Of one format it becomes the export; of several each gets a folder in it. */
  readonly folder: string;
  readonly checkpoint: CheckpointChoice;
  readonly licences: Licences;
  /** What computes the studio's answers; null is the best that works. */
  readonly engine: EngineName | null;
  readonly threads: number | null;
}

export interface MetricsExportRequest {
  readonly run: string;
  readonly fileFormat: MetricFileFormat;
  readonly folder: string;
}

export interface ExportWatch {
  readonly signal: AbortSignal;
  readonly kill?: AbortSignal;
  readonly onProgress: (progress: ExportProgress) => void;
  /** One export is in its place and recorded: it stays, whatever becomes of the others. */
  readonly onExported?: (record: ExportRecord) => void;
}

export interface ExportSetting {
  readonly databases: Databases;
  readonly entries: Entries;
  readonly engines: EngineService;
  readonly version: string;
  /** -> the folder of the program of exported pages, built where it can be. */
  readonly preparePage: () => Promise<string>;
}

const FINAL: ReadonlySet<RunRecord['state']> = new Set(['completed', 'stopped', 'failed', 'interrupted']);

export class ExportService {
  readonly #setting: ExportSetting;

  constructor(setting: ExportSetting) {
    this.#setting = setting;
  }

  /** Newest first. */
  list(run: string | null): ExportRecord[] {
    return listExports(this.#setting.databases.store(), run).map(withPresence);
  }

  /** @throws StudioError NOT_FOUND. */
  find(id: number): ExportRecord {
    return withPresence(findExport(this.#setting.databases.store(), id));
  }

  /** Takes it out of the list; the folder stays. @throws StudioError NOT_FOUND. */
  forget(id: number): void {
    forgetExport(this.#setting.databases.store(), id);
  }

  /** What can be told before anything is made. @throws StudioError NOT_FOUND, USAGE, ALREADY_EXISTS. */
  check(request: ExportRequest): void {
    const run = findRun(this.#setting.databases.store(), request.run);
    requireClassifier(run, 'there are no answers to export');
    chosenCheckpoint(this.#setting.databases, run, request.checkpoint);
    if (request.to.length > 1) requireNoExport(destinationFolder(request.folder));
    for (const { to, destination } of targetsOf(request)) requireReplaceable(destination, to);
  }

  /**
   * Every format in turn. A format that fails its comparison is no error: its record says so.
   * @throws StudioError as `exportModel`, CHECKSUM_MISMATCH for a damaged checkpoint, NOT_FOUND
   */
  async export(request: ExportRequest, watch: ExportWatch): Promise<ExportRecord[]> {
    const { engines, databases, version } = this.#setting;
    this.check(request);
    const run = findRun(databases.store(), request.run);
    const checkpoint = chosenCheckpoint(databases, run, request.checkpoint);
    const folder = join(checkpointsFolder(this.#folderOf(run)), checkpoint.folder);
    const weights = sealedWeights(folder, checkpoint);
    const engine = await engines.choose(request.engine);
    const { config } = run;
    const data = gateData(databases, run);
    const order: ExportOrder = {
      kind: 'exportModel',
      job: {
        ...{ dataDirectory: databases.places.root, engine, threads: request.threads, entail: version },
        model: {
          name: run.name ?? run.id,
          config: config.model,
          labels: config.dataset.labels,
          sentencesPerExample: config.dataset.sentencesPerExample ?? 2,
          maxLen: config.hyperparameters.maxLen,
          truncation: config.hyperparameters.truncation,
          tokenizerFolder: folder,
          weightsPath: join(folder, WEIGHTS_FILE),
          weightsSha256: weights.sha256,
        },
        data,
        facts: await cardFacts(databases, run, { checkpoint, licences: request.licences }),
        targets: targetsOf(request),
        runFile: request.to.includes('run') ? this.#runFile(run, checkpoint) : null,
        page: {
          programFolder: request.to.includes('web') ? await this.#setting.preparePage() : '',
          examples: pageExamples(databases, data),
        },
      },
    };
    const environment = await engines.workerEnvironment(engine, {
      threads: request.threads,
      device: await engines.deviceOf(engine),
    });
    return await this.#carryOut(order, { run: run.id, step: checkpoint.step }, { ...watch, environment });
  }

  /** @throws StudioError NOT_FOUND, USAGE, and as `exportMetrics`. */
  async exportMetrics(request: MetricsExportRequest, watch: ExportWatch): Promise<ExportRecord> {
    const run = findRun(this.#setting.databases.store(), request.run);
    const job = {
      ...{ name: run.name ?? run.id, runId: run.id, fileFormat: request.fileFormat },
      destination: destinationFolder(request.folder),
      curves: this.#curves(run.id),
    };
    if (job.curves.length === 0)
      throw new StudioError('NOT_FOUND', `Run ${run.id} has no metrics yet.`, {
        nextStep: 'Let it train a while.',
      });
    const order: ExportOrder = { kind: 'exportMetrics', job };
    const [record] = await this.#carryOut(order, { run: run.id, step: null }, { ...watch, environment: {} });
    return record!;
  }

  async #carryOut(
    order: Extract<ExportOrder, { kind: 'exportModel' | 'exportMetrics' }>,
    of: { readonly run: string; readonly step: number | null },
    watch: ExportWatch & { readonly environment: Readonly<Record<string, string>> },
  ): Promise<ExportRecord[]> {
    const records: ExportRecord[] = [];
    const onExported = ({ to, precision, folder, state, sizeBytes, parity }: FinishedExport) => {
      const one = { ...of, to, precision, folder, state, sizeBytes, parity };
      const record = this.find(insertExport(this.#setting.databases.store(), one));
      records.push(record);
      watch.onExported?.(record);
    };
    const entry = this.#setting.entries.path('export');
    await superviseExport(order, { ...watch, entry, onExported });
    return records;
  }

  #folderOf({ id }: RunRecord): string {
    return join(this.#setting.databases.places.runs, id);
  }

  #curves(runId: string): MetricCurve[] {
    const store = this.#setting.databases.store();
    const curves = METRICS.map((metric) => ({ metric, ...metricSeries(store, runId, metric) }));
    return curves.filter(({ steps }) => steps.length > 0);
  }

  #runFile(run: RunRecord, checkpoint: CheckpointRecord): RunFileParts {
    const store = this.#setting.databases.store();
    const { archived: _, progress: __, error: ___, ...portable } = run;
    const blocks = predictedSplits(store, run.id).map(({ split }) => predictions(store, run.id, split)!);
    return {
      // A run that goes on here is one that was left there.
      run: { ...portable, state: FINAL.has(run.state) ? run.state : 'interrupted' },
      curves: this.#curves(run.id),
      evaluations: listEvaluations(store, run.id),
      predictions: blocks,
      checkpoint,
      runDirectory: this.#folderOf(run),
    };
  }
}

function withPresence(stored: Omit<ExportRecord, 'present'>): ExportRecord {
  if (stored.to !== 'metrics') settlePlace(stored.folder);
  return { ...stored, present: stored.to === 'metrics' || isExportPresent(stored.folder) };
}

/** @throws StudioError USAGE. */
function targetsOf({ to, precision, folder }: ExportRequest) {
  const root = destinationFolder(folder);
  return to.map((format) => ({
    to: format,
    // Only formats that have a choice; the others are what the studio has.
    precision: precisionOf(format, precision),
    destination: to.length === 1 ? root : join(root, format),
  }));
}

/** ONNX has all three; what runs on TensorFlow.js halves its weights at most; the others are what the studio has. */
function precisionOf(format: ModelFormat, asked: ExportPrecision): ExportPrecision {
  if (format === 'onnx' || asked === 'fp32') return asked;
  return format === 'web' || format === 'tfjs' ? 'fp16' : 'fp32';
}

const PAGE_EXAMPLES = 6;

/** Some of the split, to begin with on an exported page. */
function pageExamples(databases: Databases, data: GateData | null) {
  if (data === null) return [];
  const { datasetId, split } = data;
  const examples = readExamples(databases.cache(), datasetId, split, { from: 0, count: PAGE_EXAMPLES });
  return examples.map(({ premise, hypothesis }) => ({
    premise: premise.raw,
    hypothesis: hypothesis?.raw ?? null,
  }));
}

/** The split that the run was judged by; null where its data set is gone. */
function gateData(databases: Databases, run: RunRecord): GateData | null {
  try {
    const dataset = datasetOfRun(databases.cache(), run);
    const split = (['test', 'dev', 'train'] as const).find((one) => dataset.rows[one] > 0) ?? 'test';
    return {
      cachePath: databases.places.cacheDatabase,
      datasetId: dataset.id,
      dataset: dataset.name,
      contentHash: dataset.contentHash,
      split,
      rows: dataset.rows[split],
    };
  } catch (thrown) {
    if (thrown instanceof StudioError && (thrown.code === 'NOT_FOUND' || thrown.code === 'CHECKSUM_MISMATCH'))
      return null;
    throw thrown;
  }
}
