/** @file Tests. A passed test in half precision lets runs use it, a wrong number takes that back, and nothing else does. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { triedAdapters } from '../../../main/engines/webgpu/triedAdapters.ts';
import { keepHalfPrecision } from '../../../main/studio/halfPrecisionKept.ts';
import type { EngineRecord } from '../../../shared/engines.ts';
import type { GoldenRow } from '../../../shared/engineTest.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const CARD = { adapter: 'NVIDIA H200', driver: 'driver 570.1' };
const engine: EngineRecord = {
  ...{ engine: 'webgpu', versions: {}, device: 'webgpu:0 NVIDIA H200', threads: 1, deterministic: true },
  pinned: { ...CARD, precision: 'fp16' },
};
const right: GoldenRow = {
  ...{ golden: 'steps.json', compared: 'steps', comparisons: 3, farthest: 'loss' },
  ...{ relativeError: 1e-3, tolerance: 0.02, passes: true, error: null },
};
const wrong: GoldenRow = { ...right, relativeError: 0.5, passes: false };
const lost: GoldenRow = { ...right, passes: false, error: 'The GPU was lost.' };
const testedAt = '2026-11-28T12:00:00.000Z';

let dataDirectory: string;
beforeEach(() => {
  dataDirectory = temporaryFolder();
});
const tested = (...goldens: GoldenRow[]) =>
  keepHalfPrecision(dataDirectory, { engine, goldens, testedAt, passes: goldens.every((row) => row.passes) });

it('is kept when it passes, and goes when a number is wrong', () => {
  expect(tested(right)).toBeNull();
  expect(triedAdapters(dataDirectory)).toMatchObject([CARD]);
  expect(tested(right, wrong)).toBeNull();
  expect(triedAdapters(dataDirectory)).toEqual([]);
});

it('stays when the device was lost: it has computed nothing wrong', () => {
  tested(right);
  expect(tested(right, lost, lost)).toBeNull();
  expect(triedAdapters(dataDirectory)).toMatchObject([CARD]);
});

it('that cannot be written is told, and the report is not lost', () => {
  mkdirSync(join(dataDirectory, 'engines'));
  writeFileSync(join(dataDirectory, 'engines', 'webgpu'), 'a file in the way');
  expect(tested(right)).toContain('could not be kept');
});
