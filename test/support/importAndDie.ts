/**
 * @file Tests, in a process of its own. Imports and encodes a data set, and kills itself (SIGKILL) right after the
 * k-th row that it writes to cache.db. Arguments: cache path, source path, k, workers. Prints how many rows it wrote
 * when it comes to the end.
 */
import { openCache } from '../../main/data/cache.ts';
import { encodeSplit } from '../../main/data/encodedSplits.ts';
import { importDataset } from '../../main/data/importDataset.ts';
import { vocabularyOf } from '../../main/data/vocabulary.ts';
import { WordsTokenizer } from '../../main/data/wordsTokenizer.ts';

const [cachePath = '', sourcePath = '', killAfter = '0', workers = '0'] = process.argv.slice(2);
const cache = openCache(cachePath);
let written = 0;
cache.database.function('note_write', () => {
  written += 1;
  if (written === Number(killAfter)) process.kill(process.pid, 'SIGKILL');
  return null;
});
for (const change of [
  'INSERT ON example_blocks',
  'INSERT ON word_counts',
  'UPDATE ON datasets',
  'INSERT ON token_caches',
  'INSERT ON token_chunks',
  'UPDATE ON token_caches',
]) {
  const name = change.toLowerCase().replaceAll(' ', '_');
  cache.database.exec(`CREATE TEMP TRIGGER ${name} AFTER ${change} BEGIN SELECT note_write(); END`);
}
const dataset = await importDataset(cache, { path: sourcePath, name: 'pairs' });
const tokenizer = new WordsTokenizer(vocabularyOf(cache, dataset.id, 1));
const settings = { maxLen: 64, truncation: 'longer-first', workers: Number(workers) } as const;
await encodeSplit(cache, { dataset, split: 'train', tokenizer, ...settings });
cache.close();
process.stdout.write(`${written}\n`);
