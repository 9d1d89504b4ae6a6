/** @file Tests. What a person reads after an import: left-out files, and a data set without a training split. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { importReportLines, nextStepLine } from '../../../main/cli/importReport.ts';
import { openCache } from '../../../main/data/cache.ts';
import { importDataset } from '../../../main/data/importDataset.ts';
import type { Dataset } from '../../../shared/datasets.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const plain = { paint: (_style: unknown, text: string) => text };

async function importedFolder(names: readonly string[]): Promise<Dataset> {
  const folder = temporaryFolder();
  for (const name of names) writeFileSync(join(folder, name), 'text,label\ngood food,yes\nbad food,no\n');
  const cache = openCache(join(temporaryFolder(), 'cache.db'));
  onTestFinished(() => cache.close());
  return importDataset(cache, { path: folder, name: 'food' });
}

test('files that were left out are named, and stay in the report', async () => {
  const dataset = await importedFolder(['train.csv', 'test.csv', 'more.csv']);
  expect(dataset.report.ignoredFiles).toEqual(['more.csv']);
  const text = importReportLines(dataset, plain).join('\n');
  expect(text).toContain('left out 1 file beside those that were read: more.csv');
  expect(text).toMatch(/does not know: test [\d.]+ %$/);
  expect(nextStepLine(dataset)).toBe('Train on it: npx --no entail train --dataset food');
});

test.each([
  ['dev.csv', 'dev'],
  ['test.csv', 'test'],
])('a data set of %s alone is for evaluation, and has no vocabulary to speak of', async (name, split) => {
  const dataset = await importedFolder([name, 'README.txt']);
  expect(dataset.report.ignoredFiles).toBeUndefined();
  expect(importReportLines(dataset, plain).join('\n')).not.toContain('vocabulary');
  expect(nextStepLine(dataset)).toContain('no training split');
  expect(nextStepLine(dataset)).toContain(`evaluate RUN --dataset food --split ${split}`);
  expect(nextStepLine(dataset)).not.toContain('Train on it');
});
