/** @file Node. The Parquet files of a hub's data set: its own, or those that the hub has made of it. */
import { StudioError } from '../../shared/errors.ts';
import { orByHand } from '../hub/hubErrors.ts';
import type { HubReference } from '../hub/hubReference.ts';
import { askRepository, type HubAsking, type HubRepository } from '../hub/hubRepository.ts';
import { type HubPiece, piecesOf } from './hubPieces.ts';

export interface FoundDataset {
  /** Where the pieces are; its card is the data set's own. */
  readonly repository: HubRepository;
  readonly pieces: readonly HubPiece[];
}

/** Where the hub keeps what it has made of data sets in other formats. */
const CONVERTED = 'refs/convert/parquet';

/** @throws StudioError NOT_FOUND for one without Parquet; OFFLINE, saying how to bring its files; what `askRepository` throws */
export async function findHubDataset(reference: HubReference, asking: HubAsking): Promise<FoundDataset> {
  try {
    const own = await askRepository('dataset', reference, asking);
    const pieces = piecesOf(own);
    if (pieces.length > 0) return { repository: own, pieces };
    // What it has made of one revision is not what it would make of another.
    if (reference.revision !== null) throw noTables(own);
    return await askConverted(own, asking);
  } catch (thrown) {
    throw orByHand(
      thrown,
      'download the .parquet files elsewhere, and run npx --no entail datasets import FOLDER --name NAME.',
    );
  }
}

/** Large ones it converts in part only, which is no data set. */
async function askConverted(own: HubRepository, asking: HubAsking): Promise<FoundDataset> {
  let converted: HubRepository;
  try {
    converted = await askRepository('dataset', { repository: own.name, revision: CONVERTED }, asking);
  } catch (thrown) {
    throw thrown instanceof StudioError && thrown.code === 'NOT_FOUND' ? noTables(own) : thrown;
  }
  const { card, license } = own;
  const files = converted.files.filter(({ path }) => !/(^|\/)partial-/.test(path));
  const repository = { ...converted, files, card, license };
  const pieces = piecesOf(repository);
  if (pieces.length === 0) throw noTables(own);
  return { repository, pieces };
}

function noTables({ name, files }: HubRepository): StudioError {
  const seen = files.slice(0, 5).map(({ path }) => path);
  return new StudioError(
    'NOT_FOUND',
    `hf:${name} has no Parquet files (it has: ${seen.join(', ') || 'nothing'}).`,
    { nextStep: 'Download its files in a browser, and import those that are CSV, TSV or JSONL.' },
  );
}
