/** @file Runs under Node. The tokenizer in a run's or a model's folder, held against what its record says of it. */
import { StudioError } from '../../shared/errors.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import { openPairTokenizer } from './openPairTokenizer.ts';
import type { PairTokenizer } from './pairTokenizer.ts';

/** What a record says of the tokenizer that its network was trained with. */
export interface TokenizerRecord {
  readonly model: Pick<ModelConfig, 'vocabularySize'>;
  /** Runs have it; imported models, whose files are sealed, have none. */
  readonly vocabularyHash?: string;
}

/**
 * Another tokenizer would give ids of other words, and no error: whoever asks a trained network, or trains it on, opens
 * its tokenizer here.
 * @throws StudioError CHECKSUM_MISMATCH when the files are not those of the record; BAD_FILE when there are more tokens
 * than the network has rows; NOT_FOUND, UNREADABLE.
 */
export function ownTokenizer(folder: string, { model, vocabularyHash }: TokenizerRecord): PairTokenizer {
  const tokenizer = openPairTokenizer(folder);
  const place = { file: folder };
  if (vocabularyHash !== undefined && tokenizer.hash !== vocabularyHash) {
    const message = `The vocabulary in ${folder} is not the one that its network was trained with.`;
    const nextStep =
      'Put back the files that were there (each of its checkpoints has a copy), and take away those that were not.';
    throw new StudioError('CHECKSUM_MISMATCH', message, { nextStep, place });
  }
  if (tokenizer.size <= model.vocabularySize) return tokenizer;
  const message = `The tokenizer has ${tokenizer.size} tokens, but the model's table only ${model.vocabularySize} rows.`;
  const nextStep = 'They are not of the same model: bring the tokenizer that it was trained with.';
  throw new StudioError('BAD_FILE', message, { nextStep, place });
}
