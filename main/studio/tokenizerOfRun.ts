/** @file Runs under Node. The tokenizer that a run was made with: what its folder keeps, and what its record says. */
import { join } from 'node:path';
import type { RunConfig } from '../../shared/runs.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import { writeFileAtomic } from '../files/atomicWrite.ts';

export function writeTokenizer(folder: string, tokenizer: PairTokenizer): void {
  for (const [name, bytes] of tokenizer.files()) writeFileAtomic(join(folder, name), bytes);
}

export function tokenizerRecord({
  kind,
  hash,
}: PairTokenizer): Pick<RunConfig, 'tokenizer' | 'vocabularyHash'> {
  return { tokenizer: kind, vocabularyHash: hash };
}
