/**
 * @file Node. The imported models of a data directory: a sealed folder each. There is no other list of them, so that none
 * can disagree: a folder that is put there is a model, one that is taken away is none.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ErrorData, errorData, StudioError } from '../../../shared/errors.ts';
import type { ImportedModel } from '../../../shared/models.ts';
import { systemCode } from '../../files/fileErrors.ts';
import { removeSealedFolder } from '../../files/sealedFolder.ts';
import { verifySealedFolder } from '../../files/sealedFolderReading.ts';
import { isModelName } from './modelName.ts';
import { readRecord, WEIGHTS_FILE } from './modelRecord.ts';

/** A model whose folder cannot be used, and why. */
export interface DamagedModel {
  readonly name: string;
  readonly error: ErrorData;
}

export interface ModelList {
  /** In alphabetical order. */
  readonly models: readonly ImportedModel[];
  readonly damaged: readonly DamagedModel[];
}

/** @param store the folder of all models; it need not be there. */
export function listImportedModels(store: string): ModelList {
  const models: ImportedModel[] = [];
  const damaged: DamagedModel[] = [];
  for (const name of modelNames(store)) {
    try {
      models.push(readModel(store, name));
    } catch (thrown) {
      damaged.push({ name, error: errorData(thrown) });
    }
  }
  return { models, damaged };
}

/** The model of that name; null when there is none. @throws StudioError when its folder is damaged. */
export function findImportedModel(store: string, name: string): ImportedModel | null {
  return isModelName(name) && modelNames(store).includes(name) ? readModel(store, name) : null;
}

/** @throws StudioError NOT_FOUND. */
export function requireImportedModel(store: string, name: string): ImportedModel {
  const model = findImportedModel(store, name);
  if (model !== null) return model;
  throw new StudioError(
    'NOT_FOUND',
    `There is no imported model called ${JSON.stringify(name.slice(0, 80))}.`,
    {
      nextStep: 'npx --no entail models list shows what there is.',
    },
  );
}

/** Whether a folder of that name, in whatever case, is there: systems differ in whether they tell the cases apart. */
export function isTakenModelName(store: string, name: string): boolean {
  return namesIn(store).some((taken) => taken.toLowerCase() === name.toLowerCase());
}

/** What a model's folder takes, damaged or not. @throws StudioError NOT_FOUND. */
export function importedModelBytes(store: string, name: string): number {
  if (!modelNames(store).includes(name)) return requireImportedModel(store, name).sizeBytes;
  const folder = modelFolder(store, name);
  return readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
}

/** Damaged ones too. @throws StudioError NOT_FOUND, WRITE_FAILED. */
export function deleteImportedModel(store: string, name: string): void {
  if (!modelNames(store).includes(name)) requireImportedModel(store, name);
  removeSealedFolder(store, name);
}

export const modelFolder = (store: string, name: string): string => join(store, name);
export const weightsOf = (store: string, name: string): string => join(store, name, WEIGHTS_FILE);

function readModel(store: string, name: string): ImportedModel {
  const folder = modelFolder(store, name);
  const { sizeBytes, manifestSha256 } = verifySealedFolder(folder);
  return { name, ...readRecord(folder), sizeBytes, manifestSha256 };
}

/** Of finished models: a name that is none belongs to something that is being written, or is not ours. */
function modelNames(store: string): string[] {
  return namesIn(store).filter(isModelName).sort();
}

function namesIn(store: string): string[] {
  try {
    return readdirSync(store, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}
