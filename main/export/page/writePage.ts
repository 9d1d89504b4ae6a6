/**
 * @file Node. The web page format: index.html and the scripts beside it, which run from a disk in any browser, offline.
 * A page from a file may not fetch, so everything is a classic script that hands its content over.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TokenizerData } from '../../data/pairTokenizer.ts';
import { readError } from '../../files/fileErrors.ts';
import type { ExportedModel } from '../exportedModel.ts';
import type { ExportFolder } from '../exportFolder.ts';
import { shardPieces } from '../tensorflowjs/graphWeights.ts';
import { graphModel } from '../tensorflowjs/writeTensorflowJs.ts';
import { indexHtml } from './indexHtml.ts';
import type { PageExample, PageModel, PageParcel } from './pageData.ts';

/** What main/start/buildExportPage.ts makes, once for all models. */
export const PAGE_PROGRAM_FILES = ['playground.js', 'playground.css', 'theme.js', 'wasm.js'] as const;

export interface PageOptions {
  /** The folder of the built page's program. */
  readonly programFolder: string;
  /** Weights in 16-bit floats: half the size, logits within about a thousandth. */
  readonly half: boolean;
  readonly examples: readonly PageExample[];
}

/** @throws StudioError NOT_FOUND, UNREADABLE (the program), BAD_FILE, TOO_LARGE, DISK_FULL, WRITE_FAILED, CANCELLED. */
export async function writePage(
  model: ExportedModel,
  folder: ExportFolder,
  { programFolder, half, examples }: PageOptions,
): Promise<void> {
  for (const name of PAGE_PROGRAM_FILES) await folder.write(name, [readProgram(join(programFolder, name))]);
  const { json, weights, weightsBytes, shards } = graphModel(model, { half, diagnostic: false });
  const weightScripts = shards.map((_, shard) => `weights-${String(shard + 1).padStart(3, '0')}.js`);
  const { name, labels, sentencesPerExample, maxLen } = model;
  const { truncation } = model.tokenizer;
  const page: PageModel = {
    ...{ name, labels, sentencesPerExample, maxLen },
    ...{ truncation, tokenizer: tokenizerData(model), examples, graph: json, weightScripts, weightsBytes },
  };
  await folder.writeText('index.html', indexHtml(model));
  await folder.writeText('model.js', parcelScript({ kind: 'model', value: page }));
  let shard: Uint8Array[] = [];
  let at = 0;
  const flush = async () => {
    const value = Buffer.concat(shard).toString('base64');
    await folder.writeText(weightScripts[at]!, parcelScript({ kind: 'weights', value }));
    shard = [];
  };
  for await (const piece of shardPieces(weights)) {
    if (piece.shard !== at) await flush();
    at = piece.shard;
    shard.push(piece.bytes);
  }
  await flush();
}

/** A script of one call. Nothing in it can end a script element, should somebody put it into one. */
export function parcelScript({ kind, value }: PageParcel): string {
  return `entailPlayground.receive(${JSON.stringify(kind)}, ${JSON.stringify(value).replaceAll('<', '\\u003c')});\n`;
}

function tokenizerData({ tokenizer }: ExportedModel): TokenizerData {
  if (tokenizer.kind === 'words') return { kind: 'words', tokens: tokenizer.vocabulary.tokens };
  const { vocabulary, settings } = tokenizer.tokenizer;
  return { kind: 'wordpiece', tokens: vocabulary.tokens, ...settings };
}

function readProgram(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (thrown) {
    throw readError(thrown, path);
  }
}
