/** @file Tests. Bad models, imported as a person imports them: each a named error, little memory, and nothing left anywhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importModel } from '../../main/models/store/importModel.ts';
import { BAD_MODELS, GOOD_MODEL, writeModel } from '../fixtures/bad/badModels.ts';
import { studioRejectionOf } from '../support/studioErrorOf.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const CHOICES = { heads: 2, layers: null, labels: null, sentences: 2, origin: null, licence: null } as const;
/** The largest of the files has 17 MB. */
const ROOM_BYTES = 128 << 20;

function prepared(files: ReadonlyMap<string, Uint8Array>) {
  const around = temporaryFolder();
  const path = writeModel(join(around, 'theirs'), files);
  return { around, path, store: join(around, 'studio', 'models') };
}

/** Name and text of every file. */
const contentsOf = (folder: string) =>
  readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'latin1')]);

it('the model that the bad ones are made from is imported', async () => {
  const { path, store } = prepared(GOOD_MODEL);
  expect(await importModel(store, { ...CHOICES, path, name: 'good' })).toMatchObject({ name: 'good' });
});

describe('a bad model is refused', () => {
  it.each(BAD_MODELS.map((model) => [model.name, model] as const))('%s', async (_, { files, words }) => {
    const { around, path, store } = prepared(files);
    const before = contentsOf(join(around, 'theirs'));
    const beforeBytes = process.memoryUsage().rss;
    const error = await studioRejectionOf(importModel(store, { ...CHOICES, path, name: 'bad' }));
    expect(['BAD_FILE', 'NOT_FOUND', 'CHECKSUM_MISMATCH']).toContain(error.code);
    expect(error.message).toContain(words);
    expect(error.message.length).toBeLessThan(600);
    expect(error.nextStep).not.toBe('');
    expect(process.memoryUsage().rss - beforeBytes).toBeLessThan(ROOM_BYTES);
    expect(contentsOf(join(around, 'theirs'))).toEqual(before);
    expect(readdirSync(around).sort()).toEqual(['studio', 'theirs']);
    expect(readdirSync(join(around, 'studio'))).toEqual(['models']);
    expect(readdirSync(store)).toEqual([]);
  });
});
