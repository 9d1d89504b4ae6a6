/**
 * @file Runs in the exporting child. One model into one format after another: written beside its place, compared with the
 * studio, described, and renamed into its place, or beside it when it failed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StudioError } from '../../shared/errors.ts';
import type { ModelFormat, ParityReport } from '../../shared/exports.ts';
import { openPairTokenizer } from '../data/openPairTokenizer.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import { Vocabulary } from '../data/vocabulary.ts';
import { WordPieceTokenizer } from '../data/wordpiece/wordPieceTokenizer.ts';
import { WordPieceVocabulary } from '../data/wordpiece/wordPieceVocabulary.ts';
import { modelCard } from '../export/card/modelCard.ts';
import { PendingFolder } from '../export/destination.ts';
import {
  type ExportedTokenizer,
  type OpenExportedModel,
  openExportedModel,
} from '../export/exportedModel.ts';
import { ExportFolder } from '../export/exportFolder.ts';
import { EXPORT_MANIFEST, exportManifestText } from '../export/exportManifest.ts';
import { wrongness } from '../files/fileSums.ts';
import { FORMATS, type FormatContext } from './formats.ts';
import type { ExportProgress, FinishedExport, ModelExportJob, ModelPlace, ModelTarget } from './job.ts';
import { ParityGate } from './parityGate.ts';

export const PARITY_FILE = 'parity.json';
const CARD_FILE = 'README.md';
/** Of a target's work; the rest is the comparison. */
const WRITING_SHARE = 0.3;

export interface ExportLinks {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ExportProgress) => void;
  readonly onExported: (finished: FinishedExport) => void;
  /** Called as work moves on. */
  readonly beat: () => void;
}

/** @throws StudioError CANCELLED while it writes; USAGE, ALREADY_EXISTS, DISK_FULL, WRITE_FAILED, BAD_FILE. */
export async function exportModel(job: ModelExportJob, links: ExportLinks): Promise<void> {
  const tokenizer = openPairTokenizer(job.model.tokenizerFolder);
  const model = await openModel(job.model, tokenizer);
  const gate = new ParityGate({ job, model, tokenizer });
  try {
    await requireSum(job.model);
    for (const [at, target] of job.targets.entries()) {
      const ofTarget: ExportLinks = {
        ...links,
        onProgress: ({ fraction, note }) =>
          links.onProgress({ fraction: (at + fraction) / job.targets.length, note: `${target.to}: ${note}` }),
      };
      links.onExported(await exportTarget(target, { job, model, gate, links: ofTarget }));
    }
  } finally {
    await gate.close();
    await model.close();
  }
}

async function openModel(place: ModelPlace, tokenizer: PairTokenizer): Promise<OpenExportedModel> {
  const { tokenizerFolder: _, weightsSha256: __, truncation, ...rest } = place;
  return await openExportedModel({ ...rest, tokenizer: exportedTokenizer(tokenizer, truncation) });
}

function exportedTokenizer(
  tokenizer: PairTokenizer,
  truncation: ModelPlace['truncation'],
): ExportedTokenizer {
  const data = tokenizer.toData();
  const source = 'of the model';
  if (data.kind === 'words')
    return { kind: 'words', vocabulary: new Vocabulary(data.tokens, source), truncation };
  const { tokens, lowercase, stripAccents } = data;
  const vocabulary = new WordPieceVocabulary(tokens, source);
  return {
    kind: 'wordpiece',
    tokenizer: new WordPieceTokenizer(vocabulary, { lowercase, stripAccents }),
    truncation,
  };
}

/** Every byte of the weights is compared with what was sealed, before one leaves. */
async function requireSum({ weightsPath, weightsSha256 }: ModelPlace): Promise<void> {
  const wrong = await wrongness(weightsPath, { sha256: weightsSha256 });
  if (wrong === null) return;
  throw new StudioError('CHECKSUM_MISMATCH', `${weightsPath} is damaged: ${wrong}.`, {
    nextStep: 'Export another checkpoint.',
    place: { file: weightsPath },
  });
}

interface TargetWork {
  readonly job: ModelExportJob;
  readonly model: OpenExportedModel;
  readonly gate: ParityGate;
  readonly links: ExportLinks;
}

async function exportTarget(
  target: ModelTarget,
  { job, model, gate, links }: TargetWork,
): Promise<FinishedExport> {
  const { to, precision, destination } = target;
  const pending = new PendingFolder(destination, to);
  try {
    const context: FormatContext = {
      model,
      precision,
      runFile: job.runFile,
      page: job.page,
      studioRuntime: gate.studioRuntime,
    };
    const folder = new ExportFolder(pending.path, {
      signal: links.signal,
      onBytes: writingProgress(model, links),
    });
    await FORMATS[to].write(folder, context);
    await nextTurn();
    // From here on a person who cancels keeps what was written, unverified.
    const parity = await gate.compare(pending.path, target, context, {
      ...links,
      onProgress: ({ fraction, note }) =>
        links.onProgress({ fraction: WRITING_SHARE + (1 - WRITING_SHARE) * fraction, note }),
    });
    const sizeBytes = await describe(pending.path, { to, parity, job, written: folder.files });
    const place = pending.publish(parity.state === 'failed' ? 'failed' : 'good');
    return { to, precision, folder: place, state: parity.state, sizeBytes, parity };
  } finally {
    pending.discard();
  }
}

function writingProgress({ weights }: OpenExportedModel, { onProgress, beat }: ExportLinks) {
  const weightBytes = weights.shapes.reduce(
    (sum, { shape }) => sum + 4 * shape.reduce((product, size) => product * size, 1),
    0,
  );
  return (bytes: number): void => {
    beat();
    onProgress({ fraction: WRITING_SHARE * Math.min(1, bytes / weightBytes), note: 'writing' });
  };
}

/** The report, the card, and last the manifest, which makes it an export. @returns the size of the folder */
async function describe(
  path: string,
  {
    to,
    parity,
    job,
    written,
  }: { to: ModelFormat; parity: ParityReport; job: ModelExportJob; written: ExportFolder['files'] },
): Promise<number> {
  // Not stopped by a person any more: it takes a moment.
  const folder = new ExportFolder(path);
  await folder.writeJson(PARITY_FILE, parity);
  await folder.writeText(CARD_FILE, modelCard(job.facts, { parity, files: written }));
  const files = [...written, ...folder.files];
  await folder.writeText(EXPORT_MANIFEST, exportManifestText(to, files));
  return [...written, ...folder.files].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
