/** @file Tests. `models download` and `datasets download` as processes of their own: a hub that the environment names. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hubServer } from '../../support/hubServer.ts';
import { BERT, BERT_CONFIG, safetensorsFolder } from '../../support/huggingFaceFolders.ts';
import { pairsParquet } from '../../support/parquetBytes.ts';
import { jsonLines, runEntail } from '../../support/runEntail.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const TOKEN = 'hf_secret';
const WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', 'man', 'sleeps', '.', '##s'];

/** Without the person's own token and proxies. */
const environmentOf = (home: string, origin: string) => ({
  ...{ HF_ENDPOINT: origin, HF_HOME: home, HF_TOKEN: TOKEN, HF_HUB_OFFLINE: '', HF_TOKEN_PATH: '' },
  ...{ NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' },
});

describe('from a hub', () => {
  it('a private model comes by its token, which is never shown', async () => {
    const weights = readFileSync(join(safetensorsFolder(BERT_CONFIG, BERT), 'model.safetensors'));
    const server = await hubServer({
      repository: 'owner/tiny-bert',
      files: {
        'config.json': JSON.stringify(BERT_CONFIG),
        'model.safetensors': weights,
        'vocab.txt': `${WORDS.join('\n')}\n`,
      },
      large: ['model.safetensors'],
      card: { license: 'mit' },
      ...{ access: 'private', token: TOKEN },
    });
    const home = temporaryFolder();
    const environment = environmentOf(home, server.origin);
    const words = ['models', 'download', 'hf:owner/tiny-bert'];
    const refused = await runEntail(words, { home, environment: { ...environment, HF_TOKEN: 'hf_other' } });
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain('has no hf:owner/tiny-bert, or does not show it to you');
    const { code, stdout, stderr } = await runEntail(words, { home, environment });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^hf:owner\/tiny-bert@[0-9a-f]{40}, [\d.]+ kB, licence mit$/m);
    expect(stdout).toMatch(/^model\.safetensors +[\d.]+ kB$/m);
    expect(stdout).toContain('model tiny-bert');
    expect(stdout).toContain('train --dataset NAME --model tiny-bert');
    expect(stdout + stderr + refused.stderr).not.toContain('secret');
    expect(server.store.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    const offline = await runEntail([...words, '--name', 'again'], {
      home,
      environment: { ...environment, HF_HUB_OFFLINE: '1' },
    });
    expect(offline.stderr).toContain('HF_HUB_OFFLINE');
  });

  it('a data set comes with its plan, its progress and its report as JSON', async () => {
    const pairs = Array.from({ length: 30 }, (_, at) => ({
      premise: `Man ${at} sleeps.`,
      hypothesis: 'He rests.',
      label: at % 3,
    }));
    const table = pairsParquet(pairs, { names: ['entailment', 'neutral', 'contradiction'] });
    const server = await hubServer({
      repository: 'datasets/owner/nli',
      files: { 'data/train-00000-of-00001.parquet': table, 'data/extra.parquet': table },
    });
    const home = temporaryFolder();
    const environment = environmentOf(home, server.origin);
    const { code, stdout } = await runEntail(['datasets', 'download', 'hf:owner/nli', '--json'], {
      home,
      environment,
    });
    expect(code).toBe(0);
    const events = jsonLines(stdout);
    expect(events[0]).toMatchObject({
      event: 'progress',
      step: 'plan',
      plan: { config: 'default', splits: ['train'], leftOut: ['extra'], files: 1, totalBytes: table.length },
    });
    expect(events.at(-1)).toMatchObject({ event: 'result', dataset: { name: 'nli', rows: { train: 30 } } });
    const named = await runEntail(
      [
        'datasets',
        'download',
        'hf:owner/nli',
        '--split',
        'extra',
        '--name',
        'more',
        '--labels',
        '0=yes,1=perhaps,2=no',
      ],
      { home, environment },
    );
    expect(named.stdout).toContain('labels: 0 -> yes, 1 -> perhaps, 2 -> no');
    const wrong = await runEntail(['datasets', 'download', 'snli', '--config', 'x'], { home, environment });
    expect(wrong.code).toBe(2);
  });
});
