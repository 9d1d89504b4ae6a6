/** @file Node. The doctor's look at `wasm`: whether this Node runs the instructions that its two modules use. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { DoctorFinding, DoctorReport } from '../../shared/engines.ts';
import { KERNEL_FILE } from './wasm/kernelModule.ts';

export function wasmReport(): DoctorReport {
  const findings = [
    runtimeFinding(),
    moduleFinding('tfjs-backend-wasm-simd.wasm (npm)', tfjsModule, 'Run npm ci.'),
    moduleFinding(
      'kernels.wasm (Entail)',
      () => KERNEL_FILE,
      'It needs relaxed SIMD, which Node 22 and later have.',
    ),
  ];
  const ready = findings.every(({ found }) => found);
  return {
    engine: 'wasm',
    verdict: ready ? 'ready' : 'broken',
    summary: ready
      ? 'Works on one thread, with nothing to install.'
      : 'A part of it is missing or not understood here.',
    findings,
    deterministic: { value: true, why: 'one thread, one order of additions' },
    nextStep: ready ? '' : 'Run npm ci, and start Entail with Node 24: npx --no entail does.',
  };
}

function runtimeFinding(): DoctorFinding {
  return {
    what: 'Node',
    found: true,
    detail: `${process.versions.node} on ${process.platform} ${process.arch}`,
    required: true,
  };
}

function tfjsModule(): string {
  return createRequire(import.meta.url).resolve(
    '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
  );
}

/** Validation checks every instruction of a module, so a missing extension of WebAssembly shows here. */
function moduleFinding(what: string, locate: () => string | URL, missing: string): DoctorFinding {
  try {
    const found = WebAssembly.validate(readFileSync(locate()));
    return {
      what,
      found,
      detail: found ? 'valid for this Node' : `this Node does not take it. ${missing}`,
      required: true,
    };
  } catch {
    return { what, found: false, detail: `the file cannot be read. ${missing}`, required: true };
  }
}
