/**
 * @file Runs in workers. A run's checkpoints: weights and moments as safetensors, state, configuration and tokenizer,
 * sealed by a manifest. The random state needs no file: everything random is decided by (seed, place, step).
 */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { StudioError } from '../../shared/errors.ts';
import type { CheckpointRecord, RunConfig } from '../../shared/runs.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import { writeError } from '../files/fileErrors.ts';
import { decodeSafetensors, encodeSafetensors } from '../files/safetensors.ts';
import { removeSealedFolder, sweepTemporary, writeSealedFolder } from '../files/sealedFolder.ts';
import { newestValid, readSealedFolder } from '../files/sealedFolderReading.ts';
import type { ParameterShape } from '../model/parameters.ts';
import type { ClassifierTask } from './classifierTask.ts';
import type { LoopState } from './loopState.ts';
import type { OptimizerState } from './optimizer.ts';

const FORMAT = 1;
/** Beside the best one; one more than needed, should the newest be damaged. */
const KEPT = 2;

const nullableNumber = z.number().nullable();
const stateSchema = z.strictObject({
  format: z.literal(FORMAT),
  step: z.number().int().min(0),
  epoch: z.number().int().min(0),
  stepInEpoch: z.number().int().min(0),
  epochLoss: z.number(),
  epochCorrect: z.number(),
  epochPairs: z.number(),
  epochSeconds: z.number(),
  trainSeconds: z.number(),
  trainPairs: z.number(),
  evaluatedAtStep: z.number().int(),
  bestAccuracy: nullableNumber,
  evaluationsSinceBest: z.number().int(),
  lastTrainLoss: nullableNumber,
  lastTrainAccuracy: nullableNumber,
});

export interface Checkpoint {
  readonly folder: string;
  readonly state: LoopState;
  /** Value and moments of a parameter; throws BAD_FILE when it is missing or has another shape. */
  readonly parameter: (shape: ParameterShape) => OptimizerState;
}

/** Folder of a run's checkpoints; `latest` ones are named by step, the best one says so. */
export const checkpointsFolder = (runDirectory: string) => join(runDirectory, 'checkpoints');
const folderName = (step: number, kind: 'last' | 'best') =>
  `step-${String(step).padStart(8, '0')}${kind === 'best' ? '-best' : ''}`;
const NAME = /^step-(\d{8,})(-best)?$/;

export interface Writing {
  readonly runDirectory: string;
  readonly config: RunConfig;
  readonly tokenizer: PairTokenizer;
  /** Called as reading the weights moves on. */
  readonly beat: () => void;
}

/** Writes a checkpoint, then removes what it replaces. -> its record and the folders that went. */
export async function writeCheckpoint(
  task: ClassifierTask,
  state: LoopState,
  kind: 'last' | 'best',
  { runDirectory, config, tokenizer, beat }: Writing,
): Promise<{ record: CheckpointRecord; removed: string[] }> {
  const values = new Map<string, { dtype: 'F32'; shape: number[]; values: Float32Array }>();
  const moments = new Map<string, { dtype: 'F32'; shape: number[]; values: Float32Array }>();
  for (const { name, shape } of task.shapes) {
    const common = { dtype: 'F32' as const, shape: [...shape] };
    values.set(name, { ...common, values: (await task.get(name).data()) as Float32Array });
    const { first, second } = await task.moments(name);
    beat();
    moments.set(`first.${name}`, { ...common, values: first });
    moments.set(`second.${name}`, { ...common, values: second });
  }
  const json = (value: object) => Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
  const stored = {
    ...state,
    lastTrainLoss: finite(state.lastTrainLoss),
    lastTrainAccuracy: finite(state.lastTrainAccuracy),
  };
  const files = new Map<string, readonly Uint8Array[]>([
    ['weights.safetensors', encodeSafetensors(values, { format: 'pt' })],
    ['optimizer.safetensors', encodeSafetensors(moments)],
    ['state.json', [json({ format: FORMAT, ...stored })]],
    ['config.json', [json(config)]],
  ]);
  for (const [name, bytes] of tokenizer.files()) files.set(name, [bytes]);
  const parent = checkpointsFolder(runDirectory);
  const folder = folderName(state.step, kind);
  try {
    mkdirSync(parent, { recursive: true });
    // A run that resumed from an older checkpoint comes by here again; only the measured seconds differ then.
    const { sizeBytes, manifestSha256 } = writeSealedFolder(parent, folder, files, { replace: true });
    const record = { step: state.step, epoch: state.epoch, folder, sizeBytes, kind, manifestSha256 };
    return { record, removed: prune(parent, kind, folder) };
  } catch (thrown) {
    throw checkpointError(thrown, parent);
  }
}

/** A folder that went away while it was written to, at whichever call, is told from a disk that refuses. */
function checkpointError(thrown: unknown, parent: string): StudioError {
  const error = writeError(thrown, parent);
  if (error.code === 'DISK_FULL' || isFolder(parent)) return error;
  return new StudioError('WRITE_FAILED', error.message, {
    nextStep:
      'The folder of the run was removed or replaced while it trained: put it back and resume the run, or clone it.',
    place: { file: parent },
    cause: thrown,
  });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

const finite = (value: number) => (Number.isFinite(value) ? value : null);

/** The newest ones of a kind stay, older ones go; a new best replaces the old. */
function prune(parent: string, kind: 'last' | 'best', newest: string): string[] {
  const same = listFolders(parent).filter((name) => name.endsWith('-best') === (kind === 'best'));
  const gone = same.filter((name) => name !== newest).slice(kind === 'best' ? 0 : KEPT - 1);
  for (const name of gone) removeSealedFolder(parent, name);
  return gone;
}

/** Checkpoint folders, newest first; the temporary ones of a dead process are swept. */
export function listFolders(parent: string): string[] {
  if (!existsSync(parent)) return [];
  sweepTemporary(parent);
  const stepOf = (name: string) => Number(NAME.exec(name)![1]);
  return readdirSync(parent)
    .filter((name) => NAME.test(name))
    .sort((a, b) => stepOf(b) - stepOf(a) || a.length - b.length);
}

/** The newest undamaged checkpoint; null when there is none. What was passed over is in `damaged`. */
export function newestCheckpoint(runDirectory: string): {
  checkpoint: Checkpoint | null;
  damaged: readonly StudioError[];
} {
  const parent = checkpointsFolder(runDirectory);
  const { found, damaged } = newestValid(parent, listFolders(parent));
  const errors = damaged.map(({ error }) => error);
  if (found === null) return { checkpoint: null, damaged: errors };
  return { checkpoint: openCheckpoint(found.name, found.files, join(parent, found.name)), damaged: errors };
}

/**
 * The weights that a run stands for: the best checkpoint where the best ones are kept, else the newest. A damaged one is
 * not replaced by an older one in silence: the stored figures would belong to other weights.
 * @throws NOT_FOUND when there is none, CHECKSUM_MISMATCH or BAD_FILE when it is damaged
 */
export function weightsToUse(runDirectory: string, keep: 'last' | 'best'): Checkpoint {
  const parent = checkpointsFolder(runDirectory);
  const folders = listFolders(parent);
  const best = folders.find((name) => name.endsWith('-best'));
  const folder = keep === 'best' && best !== undefined ? best : folders[0];
  if (folder === undefined) {
    throw new StudioError('NOT_FOUND', 'This run has no checkpoint.', {
      nextStep: 'Let the run finish an epoch, or resume it.',
    });
  }
  const path = join(parent, folder);
  return openCheckpoint(folder, readSealedFolder(path), path);
}

function openCheckpoint(folder: string, files: ReadonlyMap<string, Buffer>, path: string): Checkpoint {
  const part = (name: string): Buffer => {
    const bytes = files.get(name);
    if (bytes === undefined)
      throw new StudioError('BAD_FILE', `The checkpoint has no ${name}.`, { place: { file: path } });
    return bytes;
  };
  const tensorsOf = (name: string) => {
    const { tensors, nonFinite } = decodeSafetensors(part(name), { source: join(path, name) });
    if (nonFinite.length === 0) return tensors;
    throw new StudioError(
      'BAD_FILE',
      `The checkpoint's ${nonFinite[0]} has values that are not finite numbers.`,
      {
        place: { file: join(path, name) },
        nextStep: 'Nothing can be trained from it: use an older checkpoint.',
      },
    );
  };
  const weights = tensorsOf('weights.safetensors');
  const moments = tensorsOf('optimizer.safetensors');
  const values = (tensors: typeof weights, name: string, shape: readonly number[]): Float32Array => {
    const tensor = tensors.get(name);
    if (tensor === undefined || !(tensor.values instanceof Float32Array) || `${tensor.shape}` !== `${shape}`)
      throw new StudioError('BAD_FILE', `The checkpoint has no parameter ${name} of shape [${shape}].`, {
        place: { file: path },
      });
    return tensor.values;
  };
  return {
    folder,
    state: parseState(part('state.json').toString('utf8'), path),
    parameter: ({ name, shape }) => ({
      value: values(weights, name, shape),
      first: values(moments, `first.${name}`, shape),
      second: values(moments, `second.${name}`, shape),
    }),
  };
}

function parseState(text: string, path: string): LoopState {
  const { success, data, error } = stateSchema.safeParse(JSON.parse(text));
  if (!success)
    throw new StudioError(
      'BAD_FILE',
      `The checkpoint's state is of another version or damaged: ${z.prettifyError(error)}.`,
      {
        place: { file: join(path, 'state.json') },
      },
    );
  const { format: _, ...state } = data;
  return {
    ...state,
    lastTrainLoss: state.lastTrainLoss ?? Number.NaN,
    lastTrainAccuracy: state.lastTrainAccuracy ?? Number.NaN,
  };
}
