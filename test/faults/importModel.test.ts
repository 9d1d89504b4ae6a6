/** @file Tests. Importing a model while the disk fills up or the process dies: nothing of it, or all of it. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nodeFileSystem } from '../../main/files/fileSystem.ts';
import { readSealedFolder } from '../../main/files/sealedFolderReading.ts';
import { importModel } from '../../main/models/store/importModel.ts';
import { labelModel } from '../../main/models/store/labelModel.ts';
import { listImportedModels } from '../../main/models/store/modelStore.ts';
import { failingFileSystem, quickFileSystem, stoppingFileSystem } from '../support/faultyFileSystem.ts';
import { goldenFolder, importOf } from '../support/importableModels.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const SOURCE = goldenFolder('hf_bert_classifier', { LABEL_0: true });
const LABELS = ['contradiction', 'neutral', 'entailment'];

/** What is there is whole. */
function wholeModels(store: string): string[] {
  const { models, damaged } = listImportedModels(store);
  expect(damaged).toEqual([]);
  for (const { name } of models) readSealedFolder(join(store, name));
  return models.map(({ name }) => name);
}

const codeOf = (importing: Promise<unknown>) =>
  importing.then(
    () => null,
    (thrown: { code?: string }) => thrown.code ?? 'stopped',
  );

it.each([
  ['ENOSPC', 'DISK_FULL'],
  ['EIO', 'WRITE_FAILED'],
])('with %s at every operation: %s, nothing left, and possible again', async (code, expected) => {
  for (let k = 1; ; k++) {
    const store = temporaryFolder();
    const { fileSystem, failed } = failingFileSystem(k, code);
    const found = await codeOf(importModel(store, importOf(SOURCE, 'nli'), { fileSystem }));
    if (!failed()) {
      expect([k > 10, found, wholeModels(store)]).toEqual([true, null, ['nli']]);
      break;
    }
    expect(found).toBe(expected);
    // Only the folder's own sync comes after its name has appeared.
    if (wholeModels(store).length === 0) {
      expect(readdirSync(store)).toEqual([]);
      await importModel(store, importOf(SOURCE, 'nli'), { fileSystem: quickFileSystem() });
    }
    expect(wholeModels(store)).toEqual(['nli']);
  }
});

it('stopped at every operation: none, or the whole model', async () => {
  for (let k = 1; ; k++) {
    const store = temporaryFolder();
    const { fileSystem, stopped } = stoppingFileSystem(k);
    await codeOf(importModel(store, importOf(SOURCE, 'nli'), { fileSystem }));
    const names = wholeModels(store);
    if (!stopped()) {
      expect([k > 10, names]).toEqual([true, ['nli']]);
      break;
    }
    // What the dead process left has a name of its own, and is swept when that process is gone.
    for (const name of readdirSync(store)) expect(name === 'nli' || name.includes('.tmp-')).toBe(true);
  }
});

it('labelled while the disk fills up: as before, or labelled', async () => {
  for (let k = 1; ; k++) {
    const store = join(temporaryFolder(), 'models');
    mkdirSync(store);
    await importModel(store, importOf(SOURCE, 'nli'), { fileSystem: quickFileSystem() });
    const { fileSystem, failed } = failingFileSystem(k, 'ENOSPC');
    await codeOf(labelModel(store, { name: 'nli', labels: LABELS }, { fileSystem }));
    // Between two renames the old one stands aside: the new one is complete then, under its temporary name.
    if (wholeModels(store).length === 0) expect(asideIn(store)).toBeGreaterThan(0);
    if (!failed()) {
      expect(listImportedModels(store).models[0]?.head?.labels).toHaveLength(3);
      break;
    }
    for (const name of readdirSync(store))
      if (name.includes('.tmp-')) nodeFileSystem.remove(join(store, name));
  }
});

const asideIn = (store: string) => readdirSync(store).filter((name) => name.includes('.tmp-')).length;
