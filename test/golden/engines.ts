/** @file Runs in tests. Every engine that golden tests run on. */
import { registerCpu } from '../../main/engines/cpu.ts';
import { registerWasm } from '../../main/engines/wasm.ts';
import { type AdamVariableFactory, plainAdamVariable } from '../../main/model/adam.ts';
import type { EngineName } from '../../shared/engines.ts';

export interface GoldenEngine {
  readonly name: EngineName;
  /** Whether dropout masks are defined by place here; else they are the engine's own (architecture.md). */
  readonly masksByPlace: boolean;
  /** Makes the engine current and returns its Adam. */
  readonly open: () => Promise<AdamVariableFactory>;
}

export const GOLDEN_ENGINES: readonly GoldenEngine[] = [
  {
    name: 'cpu',
    masksByPlace: true,
    open: async () => {
      await registerCpu();
      return plainAdamVariable;
    },
  },
  { name: 'wasm', masksByPlace: true, open: registerWasm },
];
