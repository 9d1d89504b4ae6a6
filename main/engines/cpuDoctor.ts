/** @file Node. The doctor's word on `cpu`, which exists for tests only. */
import type { DoctorReport } from '../../shared/engines.ts';

export function cpuReport(): DoctorReport {
  return {
    engine: 'cpu',
    verdict: 'ready',
    summary: 'Plain JavaScript, for tests: hundreds of times slower than the others.',
    findings: [{ what: 'JavaScript', found: true, detail: `Node ${process.versions.node}`, required: true }],
    deterministic: { value: true, why: 'one thread, one order of additions' },
    nextStep: '',
  };
}
