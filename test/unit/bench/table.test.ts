/** @file Runs in tests. The table of a benchmark on a GPU, from findings that are complete, and from ones that are not. */
import { describe, expect, it } from 'vitest';
import { profileText } from '../../bench/gpu/profileTable.ts';
import type { Findings, ProgramResult } from '../../bench/gpu/results.ts';
import { tableText } from '../../bench/gpu/table.ts';

const HOST = { peakMegabytes: 900, batchingMs: 0.5, recordingMs: 1, loss: 1.1 };
/** Of 512 pairs, one a number of milliseconds a step. */
const rounds = (...stepMs: number[]) =>
  stepMs.map((ms) => ({ kind: 'round' as const, steps: 10, pairs: 512, ms: ms * 10, ...HOST }));

const program = (title: string, changes: Partial<ProgramResult> = {}): ProgramResult => ({
  ...{ name: title, title, size: 'small', device: 'x', preparedInSeconds: 7, trouble: null, rounds: [] },
  ...{ profile: null, ...changes },
});

const findings = (programs: ProgramResult[]): Findings => ({
  machine: null,
  vulkan: null,
  checks: [],
  programs,
});

/** Cells of the row that has this program, by the head's words. */
function rowOf(text: string, title: string): Record<string, string> {
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const head = rows.find((cells) => cells.includes('program'))!;
  const row = rows.find((cells) => cells.includes(title))!;
  return Object.fromEntries(head.map((name, at) => [name, row[at]!]));
}

describe('the table', () => {
  it('has medians of rounds, and ratios to PyTorch on the same network', () => {
    const text = tableText(
      findings([
        program('webgpu, fp32', { rounds: rounds(4, 2, 1) }),
        program('PyTorch as the book does it', { rounds: rounds(20) }),
        program('PyTorch at its best', { rounds: rounds(1) }),
        program('PyTorch at its best', { size: 'base', rounds: rounds(0.1) }),
      ]),
    );
    expect(rowOf(text, 'webgpu, fp32')).toMatchObject({
      'pairs/s': '256,000',
      'least – most': '128,000 – 512,000',
      '× book on 2 GPUs': '29.16',
      '× torch as the book': '10.00',
      '× torch at best': '0.50',
      ...{ 'ms a step': '2.000', 'host ms': '1.500', 'peak MB': '900', 'ready after s': '7' },
    });
  });

  it('tells why a program has no figure', () => {
    const text = tableText(findings([program('webgpu, fp16', { trouble: 'has no half precision' })]));
    expect(rowOf(text, 'webgpu, fp16')).toMatchObject({ 'pairs/s': '–', '× torch at best': '–' });
    expect(text).toContain('- bert.small, webgpu, fp16: has no half precision');
  });

  it('keeps what a check said in its cell', () => {
    const checks = [
      { name: 'g', title: 'goldens', outcome: 'failed' as const, seconds: 2, lastWords: 'one | two\nthree' },
    ];
    expect(tableText({ ...findings([]), checks })).toMatch(/\| goldens \| failed {2}\| one \/ two three \|/);
  });
});

describe('the profile', () => {
  it('tells shares of kernels and what a step spends outside them', () => {
    const profile = {
      ...{ kind: 'profile' as const, stepMs: 3, starts: { linear: 12, adam: 1 } },
      kernels: { linear: 0.75, adam: 0.25 },
    };
    const text = profileText(findings([program('webgpu, fp32', { rounds: rounds(2), profile })]));
    expect(text).toContain('2.000 ms a step, 1.000 of them in 13 kernels one by one, 1.000 outside');
    expect(text).toMatch(/\| linear \| +750\.0 \| +12\.0 \| 75\.0 % \|/);
  });
});
