/**
 * @file Node. Imports a model into the store: its numbers go from file to file tensor by tensor, under our names, and a
 * crash at any moment leaves nothing or the whole model.
 */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { StudioError } from '../../../shared/errors.ts';
import type { ImportedModel, ModelOrigin, ModelPreview } from '../../../shared/models.ts';
import { requireFreeBytes } from '../../files/disk.ts';
import { readError, writeError } from '../../files/fileErrors.ts';
import type { FileSystem } from '../../files/fileSystem.ts';
import { sweepTemporary } from '../../files/sealedFolder.ts';
import { type ContentMaker, writeStreamedFolder } from '../../files/sealedFolderStream.ts';
import { elementCount } from '../../model/parameters.ts';
import { type ModelSource, openModelSource, type SourceChoices } from '../modelSource.ts';
import { requireModelName, suggestedModelName } from './modelName.ts';
import { RECORD_FILE, recordText, WEIGHTS_FILE } from './modelRecord.ts';
import { isTakenModelName, requireImportedModel } from './modelStore.ts';
import { weightsContent } from './weightsContent.ts';

export interface ModelImport extends SourceChoices {
  /** A Hugging Face folder, or the book's zip archive or folder. */
  readonly path: string;
  /** What the model is called from now on. */
  readonly name: string;
  /** Where the files at `path` come from; null: from there. */
  readonly origin: { readonly source: string; readonly revision: string | null } | null;
  /** Stands in for a licence that the files do not state. */
  readonly licence: string | null;
}

export interface ImportLinks {
  /** Leaves between two pieces of a tensor; nothing is left then. */
  readonly signal?: AbortSignal | undefined;
  /** Share done, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
  /** For tests. */
  readonly fileSystem?: FileSystem;
}

const BYTES_A_NUMBER = 4;
/** Beside the weights: tokenizer, record, manifest. */
const SPARE_BYTES = 64 << 20;

/** What a model at `path` is, without reading its numbers. @throws as `openModelSource`. */
export async function previewModel(store: string, path: string): Promise<ModelPreview> {
  const choices = { heads: null, layers: null, labels: null, sentences: 2 } as const;
  let asksHeads = false;
  const source = await openModelSource(path, choices).catch(async (thrown: unknown) => {
    if (!(thrown instanceof StudioError) || thrown.code !== 'USAGE') throw thrown;
    // One head divides every width: enough to say what else the model is.
    asksHeads = true;
    return await openModelSource(path, { ...choices, heads: 1 });
  });
  await source.weights.close();
  const { family, weights, head, tokenizer, licence } = source;
  const asksLabels = head !== null && head.labels === null;
  return {
    ...{ family, model: weights.model, head, tokenizer, licence, notes: weights.notes },
    asks: [...(asksHeads ? (['heads'] as const) : []), ...(asksLabels ? (['labels'] as const) : [])],
    suggestedName: suggestedModelName(path, (name) => isTakenModelName(store, name)),
  };
}

/**
 * @param store the folder of all models, made when it is not there
 * @throws StudioError USAGE for a name or choices that do not fit; ALREADY_EXISTS; CANCELLED; DISK_FULL, WRITE_FAILED; what
 * `openModelSource` throws
 */
export async function importModel(
  store: string,
  request: ModelImport,
  links: ImportLinks = {},
): Promise<ImportedModel> {
  makeStore(store);
  requireFreeModelName(store, request.name);
  const source = await openModelSource(request.path, request);
  try {
    await new Import(store, request, { source, links }).write();
  } catch (thrown) {
    if (links.signal?.aborted !== true) throw thrown;
    throw new StudioError('CANCELLED', 'The import was cancelled; nothing of it is left.', { cause: thrown });
  } finally {
    await source.weights.close();
  }
  return requireImportedModel(store, request.name);
}

class Import {
  readonly #store: string;
  readonly #request: ModelImport;
  readonly #source: ModelSource;
  readonly #links: ImportLinks;
  readonly #totalBytes: number;
  #doneBytes = 0;

  constructor(
    store: string,
    request: ModelImport,
    { source, links }: { readonly source: ModelSource; readonly links: ImportLinks },
  ) {
    this.#store = store;
    this.#request = request;
    this.#source = source;
    this.#links = links;
    const sourceBytes = source.files.reduce((sum, { path }) => sum + statSync(path).size, 0);
    this.#totalBytes = sourceBytes + BYTES_A_NUMBER * this.#parameters;
  }

  async write(): Promise<void> {
    const { name } = this.#request;
    const { weights, tokenizerFiles } = this.#source;
    const { signal, fileSystem } = this.#links;
    const bytes = BYTES_A_NUMBER * this.#parameters + SPARE_BYTES;
    requireFreeBytes(this.#store, bytes, `The model ${name}`);
    const files = await this.#hashedFiles();
    const content = new Map<string, ContentMaker>([
      [WEIGHTS_FILE, () => weightsContent(weights.shapes, weights.read)],
    ]);
    for (const [file, copied] of tokenizerFiles) content.set(file, () => [copied]);
    // Last, because what is odd about the numbers is known when they are read.
    content.set(RECORD_FILE, () => [Buffer.from(this.#record(files))]);
    await writeStreamedFolder(this.#store, name, content, {
      onBytes: (written) => this.#tell(written),
      ...(signal === undefined ? {} : { signal }),
      ...(fileSystem === undefined ? {} : { fileSystem }),
    });
  }

  get #parameters(): number {
    return this.#source.weights.shapes.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  }

  #record(files: ModelOrigin['files']): string {
    const { path, origin, licence } = this.#request;
    const { family, weights, head, tokenizer } = this.#source;
    return recordText({
      ...{ family, model: weights.model, head, tokenizer },
      parameters: this.#parameters,
      fresh: weights.fresh,
      licence: this.#source.licence ?? licence,
      origin: {
        source: origin?.source ?? resolve(path),
        revision: origin?.revision ?? null,
        files,
        importedAt: new Date().toISOString(),
      },
      notes: [...weights.notes, ...weights.doubts()],
    });
  }

  async #hashedFiles(): Promise<ModelOrigin['files']> {
    const hashed: { name: string; sizeBytes: number; sha256: string }[] = [];
    for (const { name, path } of this.#source.files) {
      const hash = createHash('sha256');
      let sizeBytes = 0;
      try {
        for await (const chunk of createReadStream(path, {
          highWaterMark: 4 << 20,
        }) as AsyncIterable<Buffer>) {
          this.#links.signal?.throwIfAborted();
          hash.update(chunk);
          sizeBytes += chunk.length;
          this.#tell(chunk.length);
        }
      } catch (thrown) {
        this.#links.signal?.throwIfAborted();
        throw readError(thrown, path);
      }
      hashed.push({ name, sizeBytes, sha256: hash.digest('hex') });
    }
    return hashed;
  }

  #tell(bytes: number): void {
    this.#doneBytes += bytes;
    this.#links.onProgress?.(Math.min(1, this.#doneBytes / this.#totalBytes));
  }
}

function makeStore(store: string): void {
  try {
    mkdirSync(store, { recursive: true });
    sweepTemporary(store);
  } catch (thrown) {
    throw writeError(thrown, store);
  }
}

/** Before anything is fetched for it. @throws StudioError USAGE, ALREADY_EXISTS. */
export function requireFreeModelName(store: string, name: string): void {
  requireModelName(name);
  if (!isTakenModelName(store, name)) return;
  throw new StudioError('ALREADY_EXISTS', `There is a model called ${name} already.`, {
    nextStep: `Choose another name, or delete that one: npx --no entail models delete ${name}`,
  });
}
