/** @file Node. What a data set is called when nobody says: as its file. */
import { basename } from 'node:path';

/** "pairs" of "/data/pairs.csv". */
export function suggestedName(path: string): string {
  // Of a folder such as snli_1.0 the end is no extension.
  const name = basename(path).replace(/(?<=.)\.(csv|tsv|txt|jsonl|ndjson|json|parquet|zip)$/i, '');
  return (
    name
      .replace(/[^\w.-]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 60) || 'data'
  );
}
