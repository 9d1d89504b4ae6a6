/** @file Runs anywhere. Curves and evaluations as a run file keeps them, read strictly. */
import { z } from 'zod';
import { SPLITS } from '../../../shared/datasets.ts';
import { type EvaluationRecord, METRICS, type MetricName } from '../../../shared/runs.ts';
import type { MetricCurve } from '../metrics/curves.ts';
import { badRunFile } from './runFile.ts';

const MOST_POINTS = 20_000_000;
const numbers = z.array(z.number()).max(MOST_POINTS);
const number = z.number().nullable();

const metricsSchema = z.strictObject({
  format: z.literal('entail-metrics'),
  version: z.literal(1),
  run: z.string(),
  name: z.string(),
  metrics: z.partialRecord(
    z.enum(METRICS),
    z.strictObject({
      step: z.array(z.number().int().min(0)).max(MOST_POINTS),
      epoch: numbers,
      timeMs: numbers,
      value: z.array(number).max(MOST_POINTS),
    }),
  ),
});

const evaluationSchema = z.strictObject({
  split: z.enum(SPLITS),
  step: z.number().int().min(0),
  epoch: z.number(),
  loss: number,
  accuracy: number,
  macroF1: number,
  confusion: z.array(z.array(z.number().int().min(0)).max(100)).max(100),
  perClass: z
    .array(
      z.strictObject({
        label: z.string(),
        precision: z.number(),
        recall: z.number(),
        f1: z.number(),
        support: z.number().int().min(0),
      }),
    )
    .max(100),
  pairs: z.number().int().min(0),
  pairsPerSecond: number,
});

/** @throws StudioError BAD_FILE. */
export function parseCurves(json: string, path: string): MetricCurve[] {
  const { metrics } = parsed(metricsSchema, json, path, 'metrics.json');
  return Object.entries(metrics).map(([metric, { step, epoch, timeMs, value }]) => {
    if ([epoch, timeMs, value].some((column) => column.length !== step.length))
      throw badRunFile(path, `the columns of ${metric} in its metrics.json are of different lengths`);
    return {
      metric: metric as MetricName,
      steps: Int32Array.from(step),
      epochs: Float64Array.from(epoch),
      values: Float64Array.from(value, (one) => one ?? Number.NaN),
      atMs: Float64Array.from(timeMs),
    };
  });
}

/** @throws StudioError BAD_FILE. */
export function parseEvaluations(json: string, path: string): EvaluationRecord[] {
  const read = parsed(z.array(evaluationSchema).max(100_000), json, path, 'evaluations.json');
  return read.map(({ loss, accuracy, macroF1, pairsPerSecond, ...rest }) => ({
    ...rest,
    loss: loss ?? Number.NaN,
    accuracy: accuracy ?? Number.NaN,
    macroF1: macroF1 ?? Number.NaN,
    pairsPerSecond: pairsPerSecond ?? Number.NaN,
  }));
}

function parsed<Value>(schema: z.ZodType<Value>, json: string, path: string, entry: string): Value {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw badRunFile(path, `its ${entry} is not JSON`);
  }
  const { data, error } = schema.safeParse(value);
  if (data !== undefined) return data;
  const [issue] = error!.issues;
  throw badRunFile(path, `its ${entry} is wrong at ${issue?.path.join('.').slice(0, 80)}: ${issue?.message}`);
}
