/** @file Runs in the engine test's child. Everything that an engine is compared in, one row a fixture and kind. */

import type { ComparedPrecision, EngineName, EngineRecord } from '../../shared/engines.ts';
import type { GoldenRow, TrainedSteps } from '../../shared/engineTest.ts';
import type { AdamVariableFactory } from '../model/adam.ts';
import { compareAdam } from './adamChecks.ts';
import { type Compare, Comparisons, isWithin } from './comparison.ts';
import { isForTests, masksByPlace, momentToleranceOf } from './engineTraits.ts';
import {
  type EngineFixtures,
  NETWORKS_WITH_DROPOUT,
  PLAIN_NETWORKS,
  PLAIN_PRETRAINING,
  PRETRAINING_WITH_DROPOUT,
  readGolden,
} from './fixtures.ts';
import { compareGradients, compareLayers, compareLosses, comparePrediction, PLANS } from './networkChecks.ts';
import { comparePretrainingFigures, comparePretrainingGradients } from './pretrainingChecks.ts';
import { compareSteps } from './stepChecks.ts';
import { trainSteps } from './trainingSteps.ts';

/** An engine that is open, and tfjs' current backend. */
export interface EngineUnderTest {
  readonly engine: EngineName;
  readonly factory: AdamVariableFactory;
}

export interface GoldenCheck {
  readonly golden: keyof EngineFixtures;
  readonly compared: string;
  readonly run: (compare: Compare) => Promise<void>;
}

/** The comparisons for an engine: networks, pretraining, Adam, whole steps. */
export function goldenChecks({ engine, factory }: EngineUnderTest): GoldenCheck[] {
  const dropout = masksByPlace(engine);
  const networks = [...PLAIN_NETWORKS, ...(dropout ? NETWORKS_WITH_DROPOUT : [])];
  const pretraining = [...PLAIN_PRETRAINING, ...(dropout ? PRETRAINING_WITH_DROPOUT : [])];
  return [
    ...networks.flatMap(networkChecks),
    ...pretraining.flatMap(pretrainingChecks),
    ...adamChecks({ engine, factory }),
    ...stepChecks(factory),
  ];
}

type NetworkFile = (typeof PLAIN_NETWORKS | typeof NETWORKS_WITH_DROPOUT)[number];
type PretrainingFile = (typeof PLAIN_PRETRAINING | typeof PRETRAINING_WITH_DROPOUT)[number];

const isPlain = (file: NetworkFile | PretrainingFile) =>
  [...PLAIN_NETWORKS, ...PLAIN_PRETRAINING].some((plain) => plain === file);

function networkChecks(golden: NetworkFile): GoldenCheck[] {
  const forward = async (compare: Compare) => {
    const fixture = readGolden(golden);
    await compareLayers(fixture, compare);
    if (!isPlain(golden)) return;
    await comparePrediction(fixture, compare);
    await compareLosses(fixture, compare);
  };
  const backward = async (compare: Compare) => {
    const fixture = readGolden(golden);
    for (const lastLayer of ['all', 'first'] as const)
      for (const { parts } of PLANS) await compareGradients(fixture, { lastLayer, parts }, compare);
  };
  return [
    { golden, compared: 'every layer, logits, losses', run: forward },
    { golden, compared: 'loss and every gradient', run: backward },
  ];
}

function pretrainingChecks(golden: PretrainingFile): GoldenCheck[] {
  const run = async (compare: Compare) => {
    const fixture = readGolden(golden);
    for (const { parts } of PLANS) await comparePretrainingGradients(fixture, parts, compare);
    if (isPlain(golden)) await comparePretrainingFigures(fixture, compare);
  };
  return [{ golden, compared: 'losses and every gradient', run }];
}

function adamChecks({ engine, factory }: EngineUnderTest): GoldenCheck[] {
  const momentTolerance = momentToleranceOf(engine);
  const fixture = readGolden('adam.json');
  return fixture.cases.map((one) => ({
    golden: 'adam.json',
    compared: one.name,
    run: (compare) => compareAdam(fixture, one, { factory, momentTolerance, compare }),
  }));
}

function stepChecks(factory: AdamVariableFactory): GoldenCheck[] {
  const fixture = readGolden('steps.json');
  return fixture.variants.map((variant) => ({
    golden: 'steps.json',
    compared: variant.name,
    run: async (compare) => {
      for (const plan of ['whole', 'split'] as const)
        await compareSteps(fixture, { variant, plan, factory }, compare);
    },
  }));
}

/** Never rejects: what a kernel throws becomes the row's error. */
export async function rowOf(
  { golden, compared, run }: GoldenCheck,
  precision: ComparedPrecision = 'fp32',
): Promise<GoldenRow> {
  const comparisons = new Comparisons(precision);
  let error: string | null = null;
  try {
    await run(comparisons.compare);
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
  }
  const { count, farthest } = comparisons;
  return {
    ...{ golden, compared, comparisons: count, farthest: farthest?.name ?? '' },
    ...{ relativeError: farthest?.relativeError ?? null, tolerance: farthest?.tolerance ?? 0 },
    passes: error === null && farthest !== null && isWithin(farthest),
    error,
  };
}

/** The network of the book's size; the small one where that would take hours. */
export async function trainingRow(
  { engine, factory }: EngineUnderTest,
  {
    record,
    onStep,
    precision = 'fp32',
  }: {
    readonly record: EngineRecord;
    readonly onStep: (fraction: number) => void;
    readonly precision?: ComparedPrecision;
  },
): Promise<{ readonly row: GoldenRow; readonly training: TrainedSteps | null }> {
  const wanted = isForTests(record) ? 'small' : 'book';
  const one = readGolden('training.json').cases.find(({ name }) => name === wanted)!;
  let training: TrainedSteps | null = null;
  const check: GoldenCheck = {
    golden: 'training.json',
    compared: `losses of ${one.steps} steps of ${one.batchSize} pairs`,
    run: async (compare) => {
      training = await trainSteps(one, { engine, factory, compare, onStep });
    },
  };
  const row = await rowOf(check, precision);
  return { row, training };
}
