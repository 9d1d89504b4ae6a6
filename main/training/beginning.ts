/** @file Runs in the training worker. Where a run begins: random weights, those of another run, or a checkpoint. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { EngineRecord } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import { type RunConfig, runKind, type WorkerReport } from '../../shared/runs.ts';
import type { EncodedSplit } from '../data/encoding.ts';
import { readError } from '../files/fileErrors.ts';
import { decodeSafetensors } from '../files/safetensors.ts';
import type { NamedTensor } from '../files/tensorTypes.ts';
import {
  initialValues,
  type ParameterShape,
  parameterShapes,
  pretrainingShapes,
} from '../model/parameters.ts';
import { type Checkpoint, newestCheckpoint } from './checkpoints.ts';
import { importedTensors, valuesOfShape } from './importedWeights.ts';
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

/** Settings that a record has only where they are not these. */
const UNSAID: Readonly<Record<string, string>> = { devices: '1' };

/** What makes a resumed run differ in its last bits from one that was never stopped: another processor, most of all. */
function changeOfEngine(before: EngineRecord | null, now: EngineRecord): string | null {
  if (before === null) return null;
  const names = [...new Set([...Object.keys(before.pinned), ...Object.keys(now.pinned)])];
  const settingOf = ({ pinned }: EngineRecord, name: string) => pinned[name] ?? UNSAID[name] ?? 'none';
  const changes = names
    .map((name) => ({ name, was: settingOf(before, name), is: settingOf(now, name) }))
    .filter(({ was, is }) => was !== is)
    .map(({ name, was, is }) => `${name} ${was} before, ${is} now`);
  if (changes.length === 0) return null;
  return `The engine is not what it was (${changes.join('; ')}): from here on the last bits may differ from a run without a stop.`;
}

/** Layers that a model may lack, or have for other labels: they begin at random then, and nothing else may. */
const HEAD = /^(hidden|output|mlm|nsp)\./;
const OUTPUT = /^output\./;

/**
 * Random weights by the seed, or those of a safetensors file, of which the head may be missing. What begins at random
 * although all else does not is said.
 * @throws StudioError BAD_FILE, CHECKSUM_MISMATCH, NOT_FOUND for weights that are not there or not what they were
 */
export function firstWeights(
  { config }: TrainingJob,
  report: (report: WorkerReport) => void,
): (shape: ParameterShape, position: number) => OptimizerState {
  const { seed, embeddingScale } = config.hyperparameters;
  const random = (shape: ParameterShape, position: number): OptimizerState => {
    const value = initialValues(shape, position, seed);
    const isTable = shape.depth < 0 && shape.beginning.kind === 'normal';
    if (isTable) for (let at = 0; at < value.length; at++) value[at]! *= embeddingScale;
    return { value, first: null, second: null };
  };
  if (config.startFrom === null) return random;
  const source = config.startFrom;
  const tensors = tensorsOf(config, source);
  const valuesOf = (shape: ParameterShape) =>
    config.freshHead === true && OUTPUT.test(shape.name) ? null : valuesOfShape(tensors, shape);
  const shapes = runKind(config) === 'pretraining' ? pretrainingShapes : parameterShapes;
  const fresh = shapes(config.model)
    .filter((shape) => valuesOf(shape) === null)
    .map(({ name }) => name);
  const missing = fresh.find((name) => !HEAD.test(name));
  if (missing !== undefined)
    throw new StudioError('BAD_FILE', `The weights have no fitting parameter ${missing}.`, {
      place: { file: source },
      nextStep: 'Start from weights of the same size and vocabulary.',
    });
  report({ kind: 'log', level: 'info', text: beginningText(config, fresh) });
  return (shape, position) => {
    const value = valuesOf(shape);
    return value === null ? random(shape, position) : { value, first: null, second: null };
  };
}

function beginningText({ base, startFrom }: RunConfig, fresh: readonly string[]): string {
  const from = base === undefined ? startFrom : `the model ${base.name}`;
  return fresh.length === 0
    ? `It begins with all weights of ${from}, its head among them.`
    : `It begins with the weights of ${from}; ${fresh.join(', ')} begin at random.`;
}

function tensorsOf({ base }: RunConfig, source: string): ReadonlyMap<string, NamedTensor> {
  if (base !== undefined) return importedTensors(dirname(source), base);
  try {
    return decodeSafetensors(readFileSync(source), { source }).tensors;
  } catch (thrown) {
    throw readError(thrown, source);
  }
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
