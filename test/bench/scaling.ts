/** @file Benchmarks. How a step of `native` grows with threads, pairs in a batch, length of a pair, and width. */
import { join } from 'node:path';
import type { Precision } from '../../main/engines/native/binding.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import { measureEngine } from './measure.ts';
import { median, printAligned } from './tables.ts';
import { WORKS, writeBatch, writeEvenBatch } from './works.ts';

/** Tokens of a batch while lengths vary: as many as 512 pairs of SNLI have. */
const TOKENS = 13_312;
const PAIRS = [32, 128, 512, 2048];
const LENGTHS = [16, 32, 64, 128, 256, 512];
const WIDTHS = [128, 256, 512, 768];
const WIDTH_OF_A_HEAD = 64;

interface Point {
  /** What varies, and its value. */
  readonly axis: string;
  readonly value: number;
  readonly model: ModelConfig;
  readonly threads: number;
  /** Path of the batch file. */
  readonly batch: string;
  readonly tokens: number;
}

export interface ScalingOptions {
  readonly threads: number;
  readonly steps: number;
  readonly rounds: number;
  readonly precisions: readonly Precision[];
  readonly dataDirectory: string;
}

export interface ScalingRow {
  readonly axis: string;
  readonly value: number;
  readonly precision: Precision;
  /** Medians over the rounds. */
  readonly pairsPerSecond: number;
  readonly stepMs: number;
  readonly tokensPerSecond: number;
}

/** Every point in every round, so that a machine whose speed drifts is unfair to all alike. */
export async function measureScaling(
  options: ScalingOptions,
  folder: string,
  say: (line: string) => void,
): Promise<ScalingRow[]> {
  const { threads, steps, rounds, precisions, dataDirectory } = options;
  const points = await pointsOf(threads, folder);
  const found = new Map<string, { point: Point; precision: Precision; stepsMs: number[]; pairs: number }>();
  for (let round = 1; round <= rounds; round++) {
    for (const [at, point] of points.entries()) {
      for (const precision of precisions) {
        const { model, batch } = point;
        const common = { engine: 'native', microBatchTokens: null, profile: false } as const;
        const request = { ...common, dataDirectory, precision, model, batch, steps, threads: point.threads };
        const { stepMs, pairsPerSecond } = await measureEngine(request);
        const pairs = Math.round((pairsPerSecond * stepMs) / 1000);
        const key = `${at} ${precision}`;
        const before = found.get(key)?.stepsMs ?? [];
        found.set(key, { point, precision, pairs, stepsMs: [...before, stepMs] });
        say(`round ${round}: ${point.axis} ${point.value} ${precision} ${stepMs.toFixed(1)} ms`);
      }
    }
  }
  return [...found.values()].map(({ point, precision, stepsMs, pairs }) => {
    const stepMs = median(stepsMs);
    const perSecond = (count: number) => (count / stepMs) * 1000;
    const { axis, value, tokens } = point;
    const speeds = { pairsPerSecond: perSecond(pairs), tokensPerSecond: perSecond(tokens) };
    return { axis, value, precision, stepMs, ...speeds };
  });
}

async function pointsOf(threads: number, folder: string): Promise<Point[]> {
  const { model } = WORKS.book;
  const points: Point[] = [];
  const real = async (pairs: number) => {
    const batch = join(folder, `pairs-${pairs}.json`);
    return { batch, tokens: (await writeBatch(batch, pairs)).tokens };
  };
  const usual = await real(512);
  for (let count = 1; count <= threads; count *= 2)
    points.push({ axis: 'threads', value: count, model, threads: count, ...usual });
  for (const pairs of PAIRS)
    points.push({ axis: 'pairs', value: pairs, model, threads, ...(await real(pairs)) });
  for (const length of LENGTHS) {
    const batch = join(folder, `length-${length}.json`);
    const pairs = Math.round(TOKENS / length);
    writeEvenBatch(batch, pairs, length);
    points.push({ axis: 'length', value: length, model, threads, batch, tokens: pairs * length });
  }
  for (const hidden of WIDTHS) {
    const heads = hidden / WIDTH_OF_A_HEAD;
    const wide = { ...model, hidden, heads, feedForward: 2 * hidden };
    points.push({ axis: 'width', value: hidden, model: wide, threads, ...usual });
  }
  return points;
}

export function printScaling(rows: readonly ScalingRow[]): void {
  printAligned([
    ['what varies', 'value', 'precision', 'ms a step', 'pairs/s', 'tokens/s'],
    ...rows.map(({ axis, value, precision, stepMs, pairsPerSecond, tokensPerSecond }) => [
      ...[axis, `${value}`, precision, stepMs.toFixed(1)],
      ...[pairsPerSecond.toFixed(0), tokensPerSecond.toFixed(0)],
    ]),
  ]);
}
