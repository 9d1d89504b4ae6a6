/**
 * @file Benchmarks. What a measured program says, a JSON object a line: it is ready, how a round went, where its time
 * goes. Its parent writes "round SECONDS" and "profile" to its input, and closes it when no more is wanted.
 */
import { z } from 'zod';

const roundSchema = z.object({
  kind: z.literal('round'),
  steps: z.number().int().positive(),
  /** Pairs in a step. */
  pairs: z.number().int().positive(),
  /** From the first step's beginning until the device had done the last one. */
  ms: z.number().positive(),
  /** Of the GPU where the program trains on it, of the process else; null where it is not known. */
  peakMegabytes: z.number().nullable(),
  /** Milliseconds a step of the host alone: making the batch, and recording commands until the step is on its way. */
  batchingMs: z.number().nullable(),
  recordingMs: z.number().nullable(),
  /** Mean loss of a pair over the round: a network that learns nothing was not measured well. */
  loss: z.number().nullable(),
});

const profileSchema = z.object({
  kind: z.literal('profile'),
  /** Milliseconds a step by kernel, the longest first. */
  kernels: z.record(z.string(), z.number()),
  /** How often each was started a step. */
  starts: z.record(z.string(), z.number()),
  /** A whole step, with the clocks. */
  stepMs: z.number(),
});

const answerSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('ready'),
    /** Such as "webgpu:0 NVIDIA H200 (vulkan)". */
    device: z.string(),
    stepMs: z.number().positive(),
  }),
  roundSchema,
  profileSchema,
  z.object({ kind: z.literal('failed'), reason: z.string() }),
]);

export type Answer = z.infer<typeof answerSchema>;
export type RoundAnswer = z.infer<typeof roundSchema>;
export type ProfileAnswer = z.infer<typeof profileSchema>;

/** Null for a line that is not an answer, such as a library's greeting. */
export function parseAnswer(line: string): Answer | null {
  if (!line.startsWith('{')) return null;
  try {
    return answerSchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
