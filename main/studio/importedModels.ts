/** @file Runs under Node. Imported models: bringing them in, looking at them, deleting them. */
import { sep } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import type { ImportedModel, ModelPreview } from '../../shared/models.ts';
import { waitingRuns } from '../db/queue.ts';
import { findRun, listRuns } from '../db/runs.ts';
import { runsInWork } from '../db/runsInWork.ts';
import { isHubReference, nameInHub, parseHubReference } from '../hub/hubReference.ts';
import type { ModelDownload } from '../models/download/downloadProgress.ts';
import {
  type ImportLinks,
  importModel,
  type ModelImport,
  previewModel,
} from '../models/store/importModel.ts';
import { labelModel } from '../models/store/labelModel.ts';
import { suggestedModelName } from '../models/store/modelName.ts';
import {
  deleteImportedModel,
  findImportedModel,
  importedModelBytes,
  listImportedModels,
  type ModelList,
  modelFolder,
  requireImportedModel,
} from '../models/store/modelStore.ts';
import type { Databases } from './databases.ts';

/** Without a name it is called as where it comes from. */
export type ModelDownloadRequest = Omit<ModelDownload, 'name' | 'store' | 'dataDirectory'> & {
  readonly name?: string;
};

export class ImportedModelService {
  readonly #databases: Databases;

  constructor(databases: Databases) {
    this.#databases = databases;
  }

  list(): ModelList {
    return listImportedModels(this.#store);
  }

  /** Null when there is none of that name. @throws StudioError when its folder is damaged. */
  find(name: string): ImportedModel | null {
    return findImportedModel(this.#store, name);
  }

  /** @throws StudioError NOT_FOUND, and when its folder is damaged. */
  require(name: string): ImportedModel {
    return requireImportedModel(this.#store, name);
  }

  folder(name: string): string {
    return modelFolder(this.#store, name);
  }

  /** What a model is before it is imported. @throws StudioError as `importModel`. */
  preview(path: string): Promise<ModelPreview> {
    return previewModel(this.#store, path);
  }

  /** In this process. @throws StudioError as `importModel`. */
  import(request: ModelImport, links: ImportLinks = {}): Promise<ImportedModel> {
    return importModel(this.#store, request, links);
  }

  /**
   * Fetches a model and imports it, in this process.
   * @param which "bert.small" or "bert.base" of the book, or hf:OWNER/NAME of a hub
   * @throws StudioError NOT_FOUND, USAGE; what `downloadHubModel` and `downloadBookModel` throw
   */
  async download(which: string, request: ModelDownloadRequest): Promise<ImportedModel> {
    const place = { store: this.#store, dataDirectory: this.#databases.places.root };
    // Loaded here, because the HTTP client takes longer to load than most commands to run.
    if (isHubReference(which)) {
      const reference = parseHubReference(which);
      const name = request.name ?? suggestedModelName(nameInHub(reference), () => false);
      const { downloadHubModel } = await import('../models/download/hubModel.ts');
      return await downloadHubModel({ ...request, ...place, name, reference });
    }
    const { downloadBookModel, requireBookModel } = await import('../models/download/bookModel.ts');
    const source = requireBookModel(which);
    return await downloadBookModel(source, { ...request, ...place, name: request.name ?? which });
  }

  /** Ids of runs that began from the model, newest first. */
  usedBy(name: string): string[] {
    return listRuns(this.#databases.store(), { includeArchived: true })
      .filter((run) => this.#beganFrom(run.config.startFrom, name))
      .map(({ id }) => id);
  }

  /** Says what the outputs of an unlabelled head mean. @throws StudioError as `labelModel`; LOCKED as `delete`. */
  async label(name: string, labels: readonly string[], links: ImportLinks = {}): Promise<ImportedModel> {
    this.requireFree(name);
    return await labelModel(this.#store, { name, labels }, links);
  }

  /** Of its folder, damaged or not. @throws StudioError NOT_FOUND. */
  sizeOf(name: string): number {
    return importedModelBytes(this.#store, name);
  }

  /** @throws StudioError LOCKED while a run that begins from it waits or trains. */
  requireFree(name: string): void {
    const store = this.#databases.store();
    const active = [...runsInWork(store), ...waitingRuns(store)];
    const user = active.find(({ id }) => this.#beganFrom(findRun(store, id).config.startFrom, name));
    if (user !== undefined)
      throw new StudioError('LOCKED', `Run ${user.id} begins from the model ${name}, and is not done.`, {
        nextStep: `Wait until it is done, or stop it; a waiting one: npx --no entail queue remove ${user.id}`,
      });
  }

  /** Damaged ones too. @throws StudioError NOT_FOUND, WRITE_FAILED; LOCKED as `requireFree`. */
  delete(name: string): void {
    this.requireFree(name);
    deleteImportedModel(this.#store, name);
  }

  #beganFrom(startFrom: string | null, name: string): boolean {
    return startFrom?.startsWith(this.folder(name) + sep) === true;
  }

  get #store(): string {
    return this.#databases.places.models;
  }
}
