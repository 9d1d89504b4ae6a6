/** @file Runs in tests. Golden tests on every engine: present ones run, an absent one is skipped and says so. */
import { describe, it } from 'vitest';
import { openEngine } from '../../main/engines/registry.ts';
import { masksByPlace, momentToleranceOf } from '../../main/golden/engineTraits.ts';
import type { AdamVariableFactory } from '../../main/model/adam.ts';
import { ENGINE_NAMES, type EngineName } from '../../shared/engines.ts';
import { dataDirectoryForTests, reasonToSkip, whyAbsent } from '../support/enginesForTests.ts';

export interface GoldenEngine {
  readonly name: EngineName;
  /** Whether dropout masks are defined by place here; else they are the engine's own (architecture.md). */
  readonly masksByPlace: boolean;
  /** How far Adam's moments may be from PyTorch's; the parameters themselves must be within 1e-6 everywhere. */
  readonly momentTolerance: number;
  /** Makes the engine current and returns its Adam. */
  readonly open: () => Promise<AdamVariableFactory>;
}

function goldenEngine(name: EngineName): GoldenEngine {
  const open = async () => {
    const { adamVariables } = await openEngine(name, { dataDirectory: dataDirectoryForTests() });
    return adamVariables;
  };
  return { name, masksByPlace: masksByPlace(name), momentTolerance: momentToleranceOf(name), open };
}

/** In software `webgpu` compiles every program at its first use, slowly. */
const SOFTWARE_TIMEOUT_MS = 600_000;
/** The others compute on processors that may have other work; `cpu` is plain JavaScript. */
const SLOWEST_MS = 300_000;
const timeoutOf = (name: EngineName) => ({
  timeout: name === 'webgpu' ? SOFTWARE_TIMEOUT_MS : SLOWEST_MS,
});

/** A group of tests for each engine; with CI=true an absent engine fails instead of being skipped. */
export function describeEngines(title: string, body: (engine: GoldenEngine) => void): void {
  for (const name of ENGINE_NAMES) {
    describe(`${title} on ${name}`, timeoutOf(name), () => {
      if (whyAbsent(name) === null) body(goldenEngine(name));
      else it('needs the engine', ({ skip }) => skip(reasonToSkip(name)!));
    });
  }
}
