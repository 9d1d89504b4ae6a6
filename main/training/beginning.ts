/** @file Runs in the training worker. Where a run begins: random weights, those of another run, or a checkpoint. */
import { readFileSync } from 'node:fs';
import type { EngineRecord } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import type { WorkerReport } from '../../shared/runs.ts';
import type { EncodedSplit } from '../data/encoding.ts';
import { readError } from '../files/fileErrors.ts';
import { decodeSafetensors } from '../files/safetensors.ts';
import { initialValues, type ParameterShape } from '../model/parameters.ts';
import { type Checkpoint, newestCheckpoint } from './checkpoints.ts';
import type { TrainingJob } from './jobs.ts';
import type { OptimizerState } from './optimizer.ts';

/** The newest undamaged checkpoint; a damaged one is passed over aloud. */
export function resumePoint(
  job: TrainingJob,
  engine: EngineRecord,
  report: (report: WorkerReport) => void,
): Checkpoint | null {
  const { checkpoint, damaged } = newestCheckpoint(job.runDirectory);
  for (const error of damaged)
    report({ kind: 'log', level: 'warning', text: `${error.message} An older checkpoint is used.` });
  if (checkpoint === null && damaged.length > 0) throw damaged[0]!;
  const change = checkpoint === null ? null : changeOfEngine(job.trainedOn, engine);
  if (change !== null) report({ kind: 'log', level: 'warning', text: change });
  return checkpoint;
}

/** What makes a resumed run differ in its last bits from one that was never stopped: another processor, most of all. */
function changeOfEngine(before: EngineRecord | null, now: EngineRecord): string | null {
  if (before === null) return null;
  const names = [...new Set([...Object.keys(before.pinned), ...Object.keys(now.pinned)])];
  const changes = names
    .filter((name) => before.pinned[name] !== now.pinned[name])
    .map((name) => `${name} ${before.pinned[name] ?? 'none'} before, ${now.pinned[name] ?? 'none'} now`);
  if (changes.length === 0) return null;
  return `The engine is not what it was (${changes.join('; ')}): from here on the last bits may differ from a run without a stop.`;
}

function readWeights(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (thrown) {
    throw readError(thrown, path);
  }
}

/** Layers of a task's own: what weights of another task do not have, or have for other classes. */
const HEADS = ['output.', 'mlm.', 'nsp.'];

/** Random weights by the seed, or those of a safetensors file; heads that it does not have begin anew. */
export function firstWeights({
  config,
}: TrainingJob): (shape: ParameterShape, position: number) => OptimizerState {
  const { seed, embeddingScale } = config.hyperparameters;
  const random = (shape: ParameterShape, position: number): OptimizerState => {
    const value = initialValues(shape, position, seed);
    const isTable = shape.depth < 0 && shape.beginning.kind === 'normal';
    if (isTable) for (let at = 0; at < value.length; at++) value[at]! *= embeddingScale;
    return { value, first: null, second: null };
  };
  if (config.startFrom === null) return random;
  const source = config.startFrom;
  const { tensors } = decodeSafetensors(readWeights(source), { source });
  return (shape, position) => {
    const tensor = tensors.get(shape.name);
    const fits =
      tensor !== undefined && tensor.values instanceof Float32Array && `${tensor.shape}` === `${shape.shape}`;
    if (fits) return { value: tensor.values as Float32Array, first: null, second: null };
    if (HEADS.some((head) => shape.name.startsWith(head))) return random(shape, position);
    throw new StudioError(
      'BAD_FILE',
      `The weights have no parameter ${shape.name} of shape [${shape.shape}].`,
      {
        place: { file: source },
        nextStep: 'Start from weights of the same size and vocabulary.',
      },
    );
  };
}

/** `balanced`: N / (C · N_c), as scikit-learn has it; a class without examples weighs 1. */
export function classWeightsOf({ config }: TrainingJob, train: EncodedSplit): readonly number[] | null {
  const { classWeights } = config.hyperparameters;
  const { classes } = config.model;
  if (classWeights === 'none') return null;
  if (classWeights !== 'balanced') {
    if (classWeights.length === classes) return classWeights;
    throw new StudioError('USAGE', `There are ${classWeights.length} class weights for ${classes} classes.`);
  }
  const counts = new Array<number>(classes).fill(0);
  for (const label of train.labels) counts[label]!++;
  return counts.map((count) => (count === 0 ? 1 : train.pairs / (classes * count)));
}
