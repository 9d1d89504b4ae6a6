/** @file Runs under Node. The texts of a data directory: found by name, read from a path, or fetched. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import type { TextLayout, TextRecord } from '../../shared/texts.ts';
import type { WikitextOptions } from '../data/pretraining/downloadWikitext.ts';
import { type EncodedText, textOffsets } from '../data/pretraining/encodedText.ts';
import { readText } from '../data/pretraining/readText.ts';
import { type EpochSize, epochSize } from '../data/pretraining/sentencePairs.ts';
import { listTexts, openText, type StoredText, storeText } from '../data/pretraining/storedText.ts';

/** What `download` fetches. */
export const WIKITEXT_NAME = 'wikitext-2';

export type TextProgress =
  | { readonly step: 'download'; readonly receivedBytes: number; readonly totalBytes: number | null }
  | { readonly step: 'read'; readonly fraction: number };

export interface TextLinks {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TextProgress) => void;
}

export class TextService {
  readonly #dataDirectory: string;
  readonly #wikitext: WikitextOptions['source'];
  /** The text that was last asked for its pairs, without its words. */
  #measured: { readonly contentHash: string; readonly text: EncodedText } | null = null;

  /** `wikitext`: another address and sum, for a mirror or a test. */
  constructor(dataDirectory: string, wikitext?: WikitextOptions['source']) {
    this.#dataDirectory = dataDirectory;
    this.#wikitext = wikitext;
  }

  /** Newest first. */
  list(): TextRecord[] {
    return listTexts(this.#dataDirectory);
  }

  /** @throws StudioError NOT_FOUND, telling which there are. */
  require(name: string): TextRecord {
    const known = this.list();
    const found = known.find((text) => text.name === name);
    if (found !== undefined) return found;
    const names = known.map((text) => JSON.stringify(text.name)).join(', ');
    throw new StudioError('NOT_FOUND', `There is no text ${JSON.stringify(name)}.`, {
      nextStep: `${known.length === 0 ? 'None was added yet' : `There are ${names}`}; name a file, or ${WIKITEXT_NAME} to fetch that.`,
    });
  }

  /** @throws StudioError as `openText`. */
  open(contentHash: string): StoredText {
    return openText(this.#dataDirectory, contentHash);
  }

  /** How many pairs an epoch of its training split has. @throws StudioError as `openText`. */
  epochSize(contentHash: string, settings: { readonly seed: number; readonly maxLen: number }): EpochSize {
    if (this.#measured?.contentHash !== contentHash) {
      const text = textOffsets(this.open(contentHash).paragraphs('train'));
      this.#measured = { contentHash, text };
    }
    return epochSize(this.#measured.text, settings);
  }

  /** Reads a file, folder or archive; one of the same content is found again. @throws StudioError as `readText`, DISK_FULL */
  async add(path: string, layout: TextLayout | null, links: TextLinks = {}): Promise<TextRecord> {
    const source = resolve(path);
    const text = await readText(source, {
      layout,
      ...(links.signal === undefined ? {} : { signal: links.signal }),
      onProgress: (fraction) => links.onProgress?.({ step: 'read', fraction }),
    });
    const name =
      basename(source)
        .replace(/\.(txt|tokens|zip|md)$/i, '')
        .slice(0, 150) || 'text';
    return storeText(this.#dataDirectory, text.paragraphs, { name, layout: text.layout, source });
  }

  /** Fetches WikiText-2 unless it is here. @throws StudioError OFFLINE, DOWNLOAD_FAILED, CHECKSUM_MISMATCH, CANCELLED */
  async download(links: TextLinks = {}): Promise<TextRecord> {
    const present = this.list().find(({ name }) => name === WIKITEXT_NAME);
    if (present !== undefined) return present;
    // Loaded here, because the HTTP client takes longer to load than most commands to run.
    const { downloadWikitext } = await import('../data/pretraining/downloadWikitext.ts');
    const path = await downloadWikitext({
      dataDirectory: this.#dataDirectory,
      ...(this.#wikitext === undefined ? {} : { source: this.#wikitext }),
      ...(links.signal === undefined ? {} : { signal: links.signal }),
      onProgress: (progress) => links.onProgress?.({ step: 'download', ...progress }),
    });
    const text = await readText(path, {
      layout: 'wikitext',
      ...(links.signal === undefined ? {} : { signal: links.signal }),
      onProgress: (fraction) => links.onProgress?.({ step: 'read', fraction }),
    });
    const about = { name: WIKITEXT_NAME, layout: text.layout, source: path };
    return storeText(this.#dataDirectory, text.paragraphs, about);
  }

  /** What a person names: a text that is here, a path, or WikiText-2, which is fetched. */
  async find(nameOrPath: string, layout: TextLayout | null, links: TextLinks = {}): Promise<TextRecord> {
    if (layout === null) {
      const known = this.list().find(({ name }) => name === nameOrPath);
      if (known !== undefined) return known;
    }
    if (nameOrPath === WIKITEXT_NAME && !existsSync(nameOrPath)) return await this.download(links);
    return await this.add(nameOrPath, layout, links);
  }
}
