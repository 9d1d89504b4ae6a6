/** @file Runs in tests. Golden tests on every engine: present ones run, an absent one is skipped and says so. */
import { describe, it } from 'vitest';
import { openEngine } from '../../main/engines/registry.ts';
import { listInstallations } from '../../main/engines/tensorflow/installation.ts';
import type { AdamVariableFactory } from '../../main/model/adam.ts';
import { chooseDataDirectory } from '../../main/studio/dataDirectory.ts';
import { ENGINE_NAMES, type EngineName } from '../../shared/engines.ts';

export interface GoldenEngine {
  readonly name: EngineName;
  /** Whether dropout masks are defined by place here; else they are the engine's own (architecture.md). */
  readonly masksByPlace: boolean;
  /** How far Adam's moments may be from PyTorch's; the parameters themselves must be within 1e-6 everywhere. */
  readonly momentTolerance: number;
  /** Makes the engine current and returns its Adam. */
  readonly open: () => Promise<AdamVariableFactory>;
}

/** Where TensorFlow is installed for tests: ENTAIL_HOME, else the person's own data directory. */
const dataDirectory = chooseDataDirectory(null, process.env);

/** Its kernel computes 1 - 0.999 in single precision, 1.3e-5 off; the engine's step size makes up for it. */
const TENSORFLOW_MOMENTS = 2e-5;

function goldenEngine(name: EngineName): GoldenEngine {
  const open = async () => (await openEngine(name, { dataDirectory })).adamVariables;
  const own = name === 'tensorflow';
  return { name, masksByPlace: !own, momentTolerance: own ? TENSORFLOW_MOMENTS : 1e-6, open };
}

/** A broken installation is not an absent one: its tests run, and fail. */
function isAbsent(name: EngineName): boolean {
  return name === 'tensorflow' && listInstallations(dataDirectory).length === 0;
}

/** A group of tests for each engine; with CI=true an absent engine fails instead of being skipped. */
export function describeEngines(title: string, body: (engine: GoldenEngine) => void): void {
  for (const name of ENGINE_NAMES) {
    describe(`${title} on ${name}`, () => {
      if (isAbsent(name)) {
        it('needs the engine', ({ skip }) => {
          const reason = `engine ${name} is not installed (npx --no entail engines install ${name})`;
          if (process.env['CI'] === 'true') throw new Error(`With CI=true nothing is skipped: ${reason}.`);
          skip(reason);
        });
      } else body(goldenEngine(name));
    });
  }
}
