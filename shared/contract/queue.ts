/** @file Runs anywhere. Contract: the queue of runs, and what a run would cost before it is started. */
import { z } from 'zod';
import type { DeviceBlock, DeviceName, DevicesWish } from '../devices.ts';
import type { EngineName } from '../engines.ts';
import type { ErrorData } from '../errors.ts';
import type { TokenizerKind } from '../runs.ts';
import { noInput, runId, runRequestSchema } from './inputs.ts';
import { answers } from './route.ts';

export interface QueuedRun {
  readonly id: string;
  readonly name: string | null;
  readonly dataset: string;
  readonly engine: EngineName | null;
  readonly devices: DevicesWish;
  /** What it waits for, when it is not the queue; as it was seen last, and empty in a paused queue. */
  readonly waitsFor: readonly DeviceBlock[];
  /** True when it starts beside a program that is no Entail, rather than wait for it. */
  readonly besidePrograms: boolean;
  readonly addedAtMs: number;
  /** True when it goes on from a checkpoint. */
  readonly resumes: boolean;
}

export interface QueueState {
  /** A paused queue starts nothing; what trains goes on. */
  readonly paused: boolean;
  /** Whether the next run starts after one has failed. */
  readonly continueAfterError: boolean;
  /** Set when the queue paused itself: the failed run and why. */
  readonly pausedBy: { readonly run: string; readonly message: string } | null;
  /** In the order in which they start. */
  readonly waiting: readonly QueuedRun[];
  /** What trains now, side by side on different devices, of whichever process. */
  readonly running: readonly RunAtWork[];
}

export interface RunAtWork {
  readonly run: string;
  /** A worker each. */
  readonly devices: readonly DeviceName[];
  /** True when this studio trains it, false for another process. */
  readonly here: boolean;
  /** What keeps a paused one waiting until it goes on by itself, such as a full disk; null otherwise. */
  readonly waitsFor: ErrorData | null;
}

export interface EstimateCheck {
  readonly verdict: 'good' | 'warning' | 'bad';
  readonly text: string;
}

/** What can be told at once; time and memory are measured by a probe. */
export interface Estimate {
  readonly engine: EngineName;
  readonly trainPairs: number;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  readonly parameters: number;
  readonly tokenizer: TokenizerKind;
  readonly vocabularySize: number;
  /** Longest pair of the data set in words, special tokens included; WordPiece makes more tokens of it. */
  readonly longestPair: number;
  readonly checkpointBytes: number;
  /** Checkpoints that are kept at once, times their size. */
  readonly diskBytes: number;
  readonly freeDiskBytes: number;
  readonly checks: readonly EstimateCheck[];
}

const MOST_RUNS = 1000;

export const queueRoutes = {
  'queue/show': answers<QueueState>()(noInput),
  /** Makes runs in state "queued". `front` runs them before all others ("start"). */
  'queue/add': answers<{ readonly ids: readonly string[] }>()(
    z.strictObject({
      requests: z.array(runRequestSchema).min(1).max(MOST_RUNS),
      place: z.enum(['front', 'back']),
    }),
  ),
  /** Puts a waiting run before the one that stands at `to` among the others (counted from 0). */
  'queue/move': answers<QueueState>()(z.strictObject({ run: runId, to: z.number().int().min(0) })),
  /** Takes a waiting run out: a new one is deleted, a resumed one is what it was before. */
  'queue/remove': answers<QueueState>()(z.strictObject({ run: runId })),
  /** A waiting run starts beside a program that is no Entail, rather than wait for it; also after a restart. */
  'queue/besidePrograms': answers<QueueState>()(z.strictObject({ run: runId })),
  'queue/pause': answers<QueueState>()(z.strictObject({ paused: z.boolean() })),
  'queue/continueAfterError': answers<QueueState>()(z.strictObject({ value: z.boolean() })),
  /** @throws USAGE, NOT_FOUND: what is wrong with the request. */
  'estimate/show': answers<Estimate>()(z.strictObject({ request: runRequestSchema })),
  /** Trains a few steps and throws them away; a job with a ProbeResult. Refused (LOCKED) while a run trains. */
  'estimate/probe': answers<{ readonly job: string }>()(z.strictObject({ request: runRequestSchema })),
};
