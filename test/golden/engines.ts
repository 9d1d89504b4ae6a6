/** @file Runs in tests. Every engine that golden tests run on, and why one is left out. */
import { registerCpu } from '../../main/engines/cpu.ts';
import type { EngineName } from '../../shared/engines.ts';

export interface GoldenEngine {
  readonly name: EngineName;
  /** Whether dropout masks are defined by place here; else they are the engine's own (architecture.md). */
  readonly masksByPlace: boolean;
  readonly open: () => Promise<void>;
}

export const GOLDEN_ENGINES: readonly GoldenEngine[] = [
  { name: 'cpu', masksByPlace: true, open: registerCpu },
];
