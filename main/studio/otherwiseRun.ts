/** @file Runs under Node. What a person names where a model or a run may stand, and no model has that name. */
import { StudioError } from '../../shared/errors.ts';
import type { RunRecord } from '../../shared/runs.ts';
import { findRun } from '../db/runs.ts';
import type { Databases } from './databases.ts';

/** The run, where no model has that name. @throws StudioError NOT_FOUND for what is neither, USAGE as `findRun`. */
export function findOtherwiseRun(databases: Databases, reference: string): RunRecord {
  try {
    return findRun(databases.store(), reference);
  } catch (thrown) {
    if (!(thrown instanceof StudioError) || thrown.code !== 'NOT_FOUND') throw thrown;
    const message = `There is no imported model and no run called ${JSON.stringify(reference.slice(0, 80))}.`;
    throw new StudioError('NOT_FOUND', message, {
      nextStep: 'List them: npx --no entail models list, and npx --no entail runs list --all.',
      cause: thrown,
    });
  }
}
