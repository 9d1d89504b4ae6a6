/** @file Tests. The store of imported models: what it keeps, what it refuses, what it makes of damage. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors } from '../../../../main/files/safetensors.ts';
import { readSealedFolder } from '../../../../main/files/sealedFolderReading.ts';
import { openHuggingFaceFolder } from '../../../../main/models/huggingFaceFolder.ts';
import { importModel, previewModel } from '../../../../main/models/store/importModel.ts';
import { labelModel } from '../../../../main/models/store/labelModel.ts';
import {
  deleteImportedModel,
  findImportedModel,
  listImportedModels,
  modelFolder,
  requireImportedModel,
} from '../../../../main/models/store/modelStore.ts';
import { bookArchive, goldenFolder, importOf } from '../../../support/importableModels.ts';
import { studioErrorOf, studioRejectionOf } from '../../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { wholeModel } from '../../../support/wholeModel.ts';

const CLASSIFIER = goldenFolder('hf_bert_classifier');
const UNNAMED = goldenFolder('hf_bert_classifier', { LABEL_0: true });
const newStore = () => join(temporaryFolder(), 'models');
const namesOf = (store: string) => listImportedModels(store).models.map(({ name }) => name);
const weightsIn = (store: string, name: string) => {
  const source = join(modelFolder(store, name), 'weights.safetensors');
  return decodeSafetensors(readFileSync(source), { source }).tensors;
};

describe('an imported model', () => {
  it('has the numbers of its source under our names, and its tokenizer byte for byte', async () => {
    const store = newStore();
    const model = await importModel(store, importOf(CLASSIFIER, 'nli'));
    const source = await wholeModel(openHuggingFaceFolder(CLASSIFIER, { classes: 3, meanings: null }));
    expect(new Map([...weightsIn(store, 'nli')].sort())).toEqual(new Map([...source.tensors].sort()));
    const files = readSealedFolder(modelFolder(store, 'nli'));
    expect(files.get('vocab.txt')).toEqual(readFileSync(join(CLASSIFIER, 'vocab.txt')));
    expect(model).toMatchObject({
      family: 'bert',
      head: { labels: ['entailment', 'contradiction', 'neutral'], classes: 3, sentences: 2 },
      tokenizer: { kind: 'wordpiece', tokens: 24, lowercase: true },
      fresh: [],
      licence: null,
      origin: { source: CLASSIFIER, revision: null },
    });
    expect(model.origin.files.map(({ name }) => name)).toEqual(['config.json', 'model.safetensors']);
    expect(requireImportedModel(store, 'nli')).toEqual(model);
  });

  it('whose vocabulary has far fewer words than its table rows is noted as such', async () => {
    const folder = goldenFolder('hf_bert_classifier');
    const path = join(folder, 'vocab.txt');
    const tokens = readFileSync(path, 'utf8').trimEnd().split('\n');
    writeFileSync(path, `${tokens.slice(0, -4).join('\n')}\n`);
    const { notes } = await importModel(newStore(), importOf(folder, 'cut-off'));
    expect(notes).toEqual([
      'Its tokenizer has 20 tokens for a table of 24 rows: see that the vocabulary is whole.',
    ]);
    expect((await importModel(newStore(), importOf(CLASSIFIER, 'whole'))).notes).toEqual([]);
  });

  it('tells its progress up to the end', async () => {
    const told: number[] = [];
    await importModel(newStore(), importOf(CLASSIFIER, 'nli'), { onProgress: (share) => told.push(share) });
    expect(told).toEqual(told.toSorted((one, other) => one - other));
    expect(told.at(-1)).toBe(1);
  });

  it('keeps the licence that its README states, and what was said where it states none', async () => {
    const store = newStore();
    const folder = goldenFolder('hf_bert_classifier');
    const said = await importModel(store, importOf(folder, 'said', { licence: 'mit' }));
    writeFileSync(join(folder, 'README.md'), '---\nlanguage: en\nlicense: apache-2.0\n---\n# A model\n');
    const stated = await importModel(store, importOf(folder, 'stated', { licence: 'mit' }));
    expect([said.licence, stated.licence]).toEqual(['mit', 'apache-2.0']);
  });

  it('is found as long as its folder is there, whoever moves it', async () => {
    const store = newStore();
    expect(listImportedModels(store)).toEqual({ models: [], damaged: [] });
    await importModel(store, importOf(CLASSIFIER, 'nli'));
    const elsewhere = join(temporaryFolder(), 'nli');
    renameSync(modelFolder(store, 'nli'), elsewhere);
    expect([namesOf(store), findImportedModel(store, 'nli')]).toEqual([[], null]);
    renameSync(elsewhere, modelFolder(store, 'found-again'));
    expect(namesOf(store)).toEqual(['found-again']);
  });

  it('that is damaged is listed as such, and can be deleted', async () => {
    const store = newStore();
    await importModel(store, importOf(CLASSIFIER, 'cut'));
    await importModel(store, importOf(CLASSIFIER, 'sound'));
    truncateSync(join(modelFolder(store, 'cut'), 'weights.safetensors'), 100);
    mkdirSync(join(store, 'not a model'));
    const { models, damaged } = listImportedModels(store);
    expect([models.map(({ name }) => name), damaged.map(({ name, error }) => [name, error.code])]).toEqual([
      ['sound'],
      [['cut', 'CHECKSUM_MISMATCH']],
    ]);
    deleteImportedModel(store, 'cut');
    expect(listImportedModels(store).damaged).toEqual([]);
    expect(studioErrorOf(() => deleteImportedModel(store, 'cut')).code).toBe('NOT_FOUND');
    expect(studioErrorOf(() => deleteImportedModel(store, '../sound')).code).toBe('NOT_FOUND');
    expect(readdirSync(store).sort()).toEqual(['not a model', 'sound']);
  });
});

describe('an import leaves nothing', () => {
  const leavesNothing = async (store: string, importing: Promise<unknown>) => {
    const error = await studioRejectionOf(importing);
    expect(namesOf(store)).toEqual([]);
    expect(readdirSync(store)).toEqual([]);
    return error;
  };

  it('when it is cancelled, however far it is', async () => {
    for (const after of [0, 0.3, 0.6, 0.99]) {
      const store = newStore();
      const cancel = new AbortController();
      const onProgress = (share: number) => {
        if (share > after) cancel.abort();
      };
      const error = await leavesNothing(
        store,
        importModel(store, importOf(CLASSIFIER, 'nli'), { signal: cancel.signal, onProgress }),
      );
      expect(error.code).toBe('CANCELLED');
    }
  });

  it('when weights are missing, or its tokenizer has more tokens than rows', async () => {
    const store = newStore();
    const folder = goldenFolder('hf_bert_classifier');
    writeFileSync(join(folder, 'vocab.txt'), `${readFileSync(join(folder, 'vocab.txt'), 'utf8')}zebra\n`);
    expect((await leavesNothing(store, importModel(store, importOf(folder, 'nli')))).message).toContain(
      '25 tokens, but the token table only 24 rows',
    );
    rmSync(join(folder, 'model.safetensors'));
    writeFileSync(join(folder, 'vocab.txt'), readFileSync(join(CLASSIFIER, 'vocab.txt')));
    expect((await leavesNothing(store, importModel(store, importOf(folder, 'nli')))).code).toBe('NOT_FOUND');
  });

  it('of a name that is taken, in whatever case', async () => {
    const store = newStore();
    await importModel(store, importOf(CLASSIFIER, 'nli'));
    for (const name of ['nli', 'NLI'])
      expect((await studioRejectionOf(importModel(store, importOf(UNNAMED, name)))).code).toBe(
        'ALREADY_EXISTS',
      );
    expect(namesOf(store)).toEqual(['nli']);
  });

  it('of what is no model', async () => {
    const store = newStore();
    mkdirSync(store);
    const error = await leavesNothing(store, importModel(store, importOf(temporaryFolder(), 'x')));
    expect(error.message).toContain('holds no model');
  });
});

describe('a head that says LABEL_0', () => {
  it('is asked about before it is imported, and takes names in the order of its file', async () => {
    const store = newStore();
    expect((await previewModel(store, UNNAMED)).asks).toEqual(['labels']);
    const labels = ['contradiction', 'neutral', 'entailment'];
    const named = await importModel(store, importOf(UNNAMED, 'named', { labels }));
    const itself = await importModel(store, importOf(CLASSIFIER, 'itself'));
    expect(named.head).toEqual(itself.head);
    expect(weightsIn(store, 'named')).toEqual(weightsIn(store, 'itself'));
  });

  it('takes them later too, and is then the same', async () => {
    const store = newStore();
    const before = await importModel(store, importOf(UNNAMED, 'later'));
    expect(before.head).toEqual({ labels: null, classes: 3, sentences: 2 });
    const labels = ['contradiction', 'neutral', 'entailment'];
    const after = await labelModel(store, { name: 'later', labels });
    await importModel(store, importOf(UNNAMED, 'at-once', { labels }));
    expect(after.head).toEqual(requireImportedModel(store, 'at-once').head);
    expect(weightsIn(store, 'later')).toEqual(weightsIn(store, 'at-once'));
    const again = await studioRejectionOf(labelModel(store, { name: 'later', labels }));
    expect(again.message).toContain('knows its labels');
  });

  it.each([
    [['yes', 'no'], '2 labels are named, but the model has 3 outputs'],
    [['a', 'b', 'a'], 'two outputs are called "a"'],
  ])('refuses %j', async (labels, words) => {
    const store = newStore();
    const atOnce = await studioRejectionOf(importModel(store, importOf(UNNAMED, 'x', { labels })));
    await importModel(store, importOf(UNNAMED, 'later'));
    const later = await studioRejectionOf(labelModel(store, { name: 'later', labels }));
    for (const error of [atOnce, later]) {
      expect(error.code).toBe('USAGE');
      expect(error.message).toContain(words);
    }
  });
});

it("the book's models of other sizes ask for their heads", async () => {
  const store = newStore();
  const archive = bookArchive('odd');
  expect((await previewModel(store, archive)).asks).toEqual(['heads']);
  const error = await studioRejectionOf(importModel(store, importOf(archive, 'odd')));
  expect(error.nextStep).toContain('--heads');
  expect((await importModel(store, importOf(archive, 'odd', { heads: 2 }))).model.heads).toBe(2);
});
