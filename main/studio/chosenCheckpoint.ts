/** @file Runs under Node. Which of a run's checkpoints is exported, and what was sealed of its weights. */
import { StudioError } from '../../shared/errors.ts';
import type { CheckpointRecord, RunRecord } from '../../shared/runs.ts';
import { verifySealedFolder } from '../files/sealedFolderReading.ts';
import type { SealedFile } from '../files/sealManifest.ts';
import type { Databases } from './databases.ts';
import { keptCheckpoints, requireWeights } from './lostFolder.ts';

export const WEIGHTS_FILE = 'weights.safetensors';

/** Which weights leave: those that the run stands for (null), the best or the last, or those after a step. */
export type CheckpointChoice = 'best' | 'last' | number | null;

/** @throws StudioError NOT_FOUND naming what there is. */
export function chosenCheckpoint(
  databases: Databases,
  run: RunRecord,
  choice: CheckpointChoice,
): CheckpointRecord {
  requireWeights(databases, run.id);
  const { checkpoints } = keptCheckpoints(databases, run.id);
  const newest = checkpoints.find(({ kind }) => kind === 'last') ?? checkpoints[0];
  const best = checkpoints.find(({ kind }) => kind === 'best');
  const standsFor = run.config.hyperparameters.keep === 'best' ? (best ?? newest) : newest;
  const chosen =
    choice === null
      ? standsFor
      : choice === 'best'
        ? best
        : choice === 'last'
          ? newest
          : checkpoints.find(({ step }) => step === choice);
  if (chosen !== undefined) return chosen;
  const there = checkpoints.map(({ step, kind }) => `${step}${kind === 'best' ? ' (best)' : ''}`).join(', ');
  const what = typeof choice === 'number' ? `of step ${choice}` : (choice ?? '');
  throw new StudioError('NOT_FOUND', `Run ${run.id} has no checkpoint ${what}`.trimEnd().concat('.'), {
    nextStep:
      there === ''
        ? 'Let it train until it has saved one.'
        : `There are those of step ${there}: name one of them.`,
  });
}

/** What was sealed of the weights; the child compares the bytes. @throws StudioError BAD_FILE, CHECKSUM_MISMATCH. */
export function sealedWeights(folder: string, { manifestSha256 }: CheckpointRecord): SealedFile {
  const seal = verifySealedFolder(folder);
  const weights = seal.files.find(({ name }) => name === WEIGHTS_FILE);
  if (seal.manifestSha256 === manifestSha256 && weights !== undefined) return weights;
  throw new StudioError(
    'CHECKSUM_MISMATCH',
    `The checkpoint ${folder} is not the one that the run has written.`,
    {
      nextStep: 'Export another checkpoint: --checkpoint names one.',
      place: { file: folder },
    },
  );
}
