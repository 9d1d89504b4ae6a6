/** @file Runs in the exporting child. Whether the checkpoint of a run file can be used, before the run is taken in. */
import { join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import type { RunFileParts } from '../export/runFile/runFile.ts';
import { readSealedFolder } from '../files/sealedFolderReading.ts';
import { checkConfig } from '../model/config.ts';
import type { ParameterShape } from '../model/parameters.ts';
import { weightsToUse } from '../training/checkpoints.ts';

/**
 * The seal is the one that the file names, and every parameter of the network is there.
 * @throws StudioError CHECKSUM_MISMATCH, BAD_FILE, USAGE for sizes that no network has
 */
export function requireWholeCheckpoint(
  { run, checkpoint, runDirectory }: RunFileParts,
  shapes: readonly ParameterShape[],
): void {
  checkConfig(run.config.model);
  const folder = join(runDirectory, 'checkpoints', checkpoint.folder);
  readSealedFolder(folder, { manifestSha256: checkpoint.manifestSha256 });
  const found = weightsToUse(runDirectory, checkpoint.kind);
  for (const shape of shapes) found.parameter(shape);
  if (found.state.step !== checkpoint.step)
    throw new StudioError(
      'BAD_FILE',
      `The checkpoint is of step ${found.state.step}, not ${checkpoint.step}.`,
      {
        place: { file: folder },
      },
    );
}
