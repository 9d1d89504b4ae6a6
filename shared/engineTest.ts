/** @file Runs anywhere. What a test of an engine on a person's own device found, compared with numbers made by PyTorch. */
import type { DoctorFinding, EngineRecord } from './engines.ts';
import type { ErrorData } from './errors.ts';
import type { Environment } from './runs.ts';

/** One golden fixture, and the number of it that came out farthest from PyTorch's. */
export interface GoldenRow {
  /** "model_book.json" */
  readonly golden: string;
  /** "loss and every gradient" */
  readonly compared: string;
  readonly comparisons: number;
  /** The farthest: "gradient of encoder.blks.0.ffn.dense1.weight"; "" when nothing came of it. */
  readonly farthest: string;
  /** Relative to the largest expected value of that tensor; null where a number was none. */
  readonly relativeError: number | null;
  readonly tolerance: number;
  readonly passes: boolean;
  /** Why it could not be compared, or null. */
  readonly error: string | null;
}

/** Twenty training steps of a network of the book's size, or of a small one on an engine that is made for tests. */
export interface TrainedSteps {
  readonly network: 'book' | 'small';
  readonly steps: number;
  readonly pairsPerStep: number;
  /** Mean losses of the first batch: before the first step, after the last one, and what PyTorch has then. */
  readonly lossBefore: number;
  readonly lossAfter: number;
  readonly expectedLossAfter: number;
  /** Warm: without the first steps. */
  readonly pairsPerSecond: number;
}

export interface EngineTestReport {
  readonly format: 1;
  readonly testedAt: string;
  readonly engine: EngineRecord;
  /** What a person should know of what was computed on, such as that the GPU cannot be used and why; or null. */
  readonly notice: string | null;
  readonly environment: Environment;
  readonly goldens: readonly GoldenRow[];
  /** Null when it did not come to it. */
  readonly training: TrainedSteps | null;
  /** Largest resident memory of the testing process; null when it did not live to tell. */
  readonly peakMemoryBytes: number | null;
  /** Memory of the device that the process held at the end; null where that is not known. */
  readonly deviceMemoryBytes: number | null;
  /** What the doctor found: driver, GPU, libraries, limits. */
  readonly findings: readonly DoctorFinding[];
  /** What ended the test before its end, or null. */
  readonly failure: ErrorData | null;
  /** Everything was compared, and all of it is within its tolerance. */
  readonly passes: boolean;
}
