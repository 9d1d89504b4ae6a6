/** @file Runs under Node. What of a run's folder is still there: folders can be removed, or moved, under the studio. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import type { CheckpointRecord, LostPart } from '../../shared/runs.ts';
import { hasTokenizer } from '../data/openPairTokenizer.ts';
import { listCheckpoints } from '../db/checkpoints.ts';
import { checkpointsFolder } from '../training/checkpoints.ts';
import type { Databases } from './databases.ts';

const TOKENIZER_FILES = 'vocab.json, tokenizer.json or vocab.txt';
const AGAIN = 'or train a new run with the same settings: Clone, on its page.';

export interface KeptCheckpoints {
  /** Those whose folders are there, newest first. */
  readonly checkpoints: readonly CheckpointRecord[];
  readonly lost: LostPart | null;
}

/** @throws StudioError NOT_FOUND for a run that is not stored. */
export function keptCheckpoints(databases: Databases, runId: string): KeptCheckpoints {
  const folder = join(databases.places.runs, runId);
  const stored = listCheckpoints(databases.store(), runId);
  const checkpoints = stored.filter((one) => existsSync(join(checkpointsFolder(folder), one.folder)));
  if (!hasTokenizer(folder)) return { checkpoints, lost: 'folder' };
  return { checkpoints, lost: stored.length > 0 && checkpoints.length === 0 ? 'checkpoints' : null };
}

/** A run goes on, or begins again, with the tokenizer in its folder. @throws StudioError NOT_FOUND where that is gone. */
export function requireFolder(databases: Databases, runId: string): void {
  if (keptCheckpoints(databases, runId).lost !== 'folder') return;
  const folder = join(databases.places.runs, runId);
  const message = isFolder(folder)
    ? `The folder of run ${runId} has no vocabulary any more (${TOKENIZER_FILES}), which the run needs.`
    : `The folder of run ${runId} is missing.`;
  throw new StudioError('NOT_FOUND', message, {
    nextStep: `Put it back where it was, ${AGAIN}`,
    place: { file: folder },
  });
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** @throws StudioError NOT_FOUND where the weights that a run had are gone. */
export function requireWeights(databases: Databases, runId: string): void {
  requireFolder(databases, runId);
  if (keptCheckpoints(databases, runId).lost === null) return;
  throw new StudioError('NOT_FOUND', `The checkpoints of run ${runId} are missing from its folder.`, {
    nextStep: `Put them back where they were, ${AGAIN}`,
    place: { file: checkpointsFolder(join(databases.places.runs, runId)) },
  });
}
