/** @file Tests. A data set of SNLI's full size goes through import, encoding and a second opening, in bounded memory. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const BENCH = join(import.meta.dirname, '..', '..', 'bench', 'importBench.ts');

test('549,367 training rows take less than 400 MB in each process', () => {
  const result = JSON.parse(execFileSync(process.execPath, [BENCH], { encoding: 'utf8' }));
  expect(result.import.rows).toBe(549_367 + 9842 + 9824);
  expect(result.again.tokens).toBe(result.encode.tokens);
  expect(result.maxRssMb).toBeLessThan(400);
  // Speed is for the benchmark: a test that looks at the clock fails on a busy machine.
});
