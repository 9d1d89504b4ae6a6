/** @file Runs anywhere. What the child that tests an engine is told, and what it answers. */
import type { DeviceName } from '../../shared/devices.ts';
import type { ComparedPrecision, EngineName, EngineRecord } from '../../shared/engines.ts';
import type { GoldenRow, TrainedSteps } from '../../shared/engineTest.ts';
import type { ErrorData } from '../../shared/errors.ts';

export interface EngineTestOrder {
  readonly kind: 'test';
  readonly engine: EngineName;
  readonly dataDirectory: string;
  readonly device: DeviceName;
  /** Null means as many as there are processors. */
  readonly threads: number | null;
  readonly precision: ComparedPrecision;
}

export type EngineTestAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'opened'; readonly record: EngineRecord; readonly notice: string | null }
  /** Of the whole test, 0 to 1, and what is compared now. */
  | { readonly kind: 'progress'; readonly fraction: number; readonly note: string }
  | { readonly kind: 'compared'; readonly row: GoldenRow }
  | { readonly kind: 'trained'; readonly row: GoldenRow; readonly training: TrainedSteps | null }
  | {
      readonly kind: 'finished';
      readonly peakMemoryBytes: number;
      readonly deviceMemoryBytes: number | null;
    }
  | { readonly kind: 'failed'; readonly error: ErrorData };
