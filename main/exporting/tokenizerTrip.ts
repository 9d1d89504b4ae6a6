/** @file Runs in the exporting child. A written tokenizer opened again, and asked for the ids of sentences. */
import type { ModelFormat, ParityReport } from '../../shared/exports.ts';
import { encodePair } from '../data/encoding.ts';
import { hasTokenizer, openPairTokenizer } from '../data/openPairTokenizer.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import type { EncodingSettings } from '../data/truncation.ts';

/** A run file has its tokenizer inside; the page has it in its program. */
const WITHOUT: ReadonlySet<ModelFormat> = new Set(['run', 'web']);

/**
 * Compares the ids of each sentence; null where the export holds no tokenizer that the studio reads: of the book's words
 * the exports for JavaScript keep one in tokenizer.json only.
 * @throws StudioError BAD_FILE when what was written is not a tokenizer
 */
export function tokenizerTrip(
  path: string,
  to: ModelFormat,
  {
    tokenizer,
    settings,
    sentences,
  }: { tokenizer: PairTokenizer; settings: EncodingSettings; sentences: readonly string[] },
): ParityReport['tokenizer'] {
  const readsWords = tokenizer.kind === 'words' && (to === 'hf' || to === 'torch');
  const readsPieces = tokenizer.kind === 'wordpiece' && !WITHOUT.has(to);
  if (!(readsWords || readsPieces) || !hasTokenizer(path)) return null;
  const written = openPairTokenizer(path);
  const idsOf = (raw: string, of: PairTokenizer) =>
    encodePair({ premise: of.textOf(raw), hypothesis: null }, of, settings).ids;
  const same = sentences.filter((raw) => `${idsOf(raw, tokenizer)}` === `${idsOf(raw, written)}`).length;
  return { sentences: sentences.length, same };
}
