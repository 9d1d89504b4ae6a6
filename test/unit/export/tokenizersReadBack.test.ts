/** @file Tests. The tokenizer that leaves with weights, opened again: the same ids for the same texts, on every network. */
import { expect, it } from 'vitest';
import { encodePair } from '../../../main/data/encoding.ts';
import { openPairTokenizer } from '../../../main/data/openPairTokenizer.ts';
import type { PairTokenizer } from '../../../main/data/pairTokenizer.ts';
import { WordPiecePairs } from '../../../main/data/wordpiece/wordPiecePairs.ts';
import { WordsTokenizer } from '../../../main/data/wordsTokenizer.ts';
import { writeHuggingFace } from '../../../main/export/writeHuggingFace.ts';
import { writeTorch } from '../../../main/export/writeTorch.ts';
import { emptyExportFolder, NETWORKS, randomModel } from '../../support/exportedModels.ts';

const TEXTS = ['The dog sleeps, not outside!', 'A WALKING cat', 'naïve café 漢字', '', 'the <unk> [SEP] man'];
const WRITERS = [
  ['PyTorch', writeTorch],
  ['Hugging Face', writeHuggingFace],
] as const;
const CASES = NETWORKS.flatMap(([name, config]) =>
  WRITERS.map(([to, write]) => [name, to, config, write] as const),
);

it.each(CASES)('of %s reads alike in a folder for %s', async (_, __, config, write) => {
  const model = await randomModel(config);
  const { tokenizer } = model;
  const studio: PairTokenizer =
    tokenizer.kind === 'words'
      ? new WordsTokenizer(tokenizer.vocabulary)
      : new WordPiecePairs(tokenizer.tokenizer);
  const folder = emptyExportFolder();
  await write(model, folder);
  const written = openPairTokenizer(folder.path);
  const settings = { maxLen: 40, truncation: 'longer-first' } as const;
  for (const premise of TEXTS) {
    const pair = { premise, hypothesis: 'a man runs' };
    expect(encodePair(pair, written, settings)).toEqual(encodePair(pair, studio, settings));
  }
  await model.close();
});
