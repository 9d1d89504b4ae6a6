/** @file Runs under Node as a program. Writes the built-in sample into resources/sample. */
import { writeFileSync } from 'node:fs';
import { SPLITS } from '../../../shared/datasets.ts';
import { generateSample, SAMPLE_PLAN } from './generate.ts';
import { sampleFile, sampleFileName } from './snliLayout.ts';

const folder = new URL('../../../resources/sample/', import.meta.url);
const sample = generateSample(SAMPLE_PLAN);
for (const split of SPLITS) {
  const name = sampleFileName(split);
  writeFileSync(new URL(name, folder), sampleFile(split, sample[split]));
  process.stdout.write(`${name}: ${sample[split].length} pairs\n`);
}
