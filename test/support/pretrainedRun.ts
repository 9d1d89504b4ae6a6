/** @file Tests. A small text and a prepared pretraining on it: a real stored text, for real worker processes. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildVocabulary } from '../../main/data/vocabulary.ts';
import { WordsTokenizer } from '../../main/data/wordsTokenizer.ts';
import { bookConfig } from '../../main/model/config.ts';
import { TextService } from '../../main/studio/texts.ts';
import { tokenizerRecord, writeTokenizer } from '../../main/studio/tokenizerOfRun.ts';
import type { DeviceName } from '../../shared/devices.ts';
import type { EngineName } from '../../shared/engines.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import { PRETRAINING_DEFAULTS } from '../../shared/pretraining.ts';
import type { RunConfig } from '../../shared/runs.ts';
import { NEXT_SENTENCE_LABELS } from '../../shared/texts.ts';
import type { PreparedRun } from './trainedRun.ts';

/** Paragraphs of four sentences that share a topic of their own: what follows can be told from what does not. */
export function topicalText(paragraphs: number): string {
  const topics = ['boat', 'storm', 'garden', 'train', 'piano', 'bridge', 'forest', 'market'];
  return Array.from({ length: paragraphs }, (_, at) => {
    const topic = topics[(at * 5) % topics.length]!;
    return [
      `The ${topic} was old.`,
      `Many people came to the ${topic} in the morning.`,
      `Nobody saw the ${topic} at night.`,
      `So the ${topic} stayed.`,
    ].join(' ');
  }).join('\n\n');
}

/** Stores a text below `folder` and prepares a run on it. `enginesOf`: the data directory whose engines are used, if any. */
export async function preparePretraining(
  folder: string,
  changes: Readonly<Record<string, unknown>>,
  {
    paragraphs = 60,
    engine = 'wasm' as EngineName,
    enginesOf = null as string | null,
    devices = ['cpu'] as readonly DeviceName[],
  } = {},
): Promise<PreparedRun> {
  if (enginesOf !== null) symlinkSync(join(enginesOf, 'engines'), join(folder, 'engines'));
  const path = join(folder, 'topics.txt');
  writeFileSync(path, topicalText(paragraphs));
  const texts = new TextService(folder);
  const { name, contentHash } = await texts.add(path, null);
  const hyperparameters = hyperparametersSchema.parse({
    ...PRETRAINING_DEFAULTS,
    ...{ hidden: 16, heads: 2, feedForward: 24, maxLen: 32, minFreq: 1, batchSize: 32, epochs: 2 },
    ...changes,
  });
  const tokenizer = new WordsTokenizer(
    buildVocabulary(texts.open(contentHash).wordCounts(), hyperparameters.minFreq),
  );
  const config: RunConfig = {
    kind: 'pretraining',
    dataset: { id: 0, name, contentHash, labels: NEXT_SENTENCE_LABELS },
    hyperparameters,
    model: bookConfig(hyperparameters, tokenizer.size, NEXT_SENTENCE_LABELS.length),
    ...tokenizerRecord(tokenizer),
    ...{ engine, startFrom: null },
  };
  const runDirectory = join(folder, 'run');
  mkdirSync(runDirectory);
  writeTokenizer(runDirectory, tokenizer);
  const place = {
    runDirectory,
    dataDirectory: folder,
    engine,
    threads: 2,
    cachePath: join(folder, 'cache.db'),
  };
  const attempt = { devices, resumeFrom: null, trainedOn: null };
  return { config, job: { ...place, runId: 'r1', config, ...attempt } };
}
