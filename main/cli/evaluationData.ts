/** @file Runs under Node. The data set that `entail evaluate` is given: by name, or by a path that is imported on the way. */
import { resolve } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import { suggestedName } from '../data/suggestedName.ts';
import type { DatasetService } from '../studio/datasets.ts';
import type { Work } from './command.ts';
import { importProgressText } from './progressText.ts';

/** Data that people evaluate on, and where it comes from. */
const KNOWN: ReadonlyMap<string, string> = new Map([
  [
    'hans',
    'Give its file with --data heuristics_evaluation_set.txt, or fetch it: ' +
      'npx --no entail datasets download hf:jhu-cogsci/hans --split validation --name hans',
  ],
  [
    'multinli',
    'Give its files with --data multinli_1.0.zip (or its folder), or fetch them: ' +
      'npx --no entail datasets download hf:nyu-mll/multi_nli --name multinli',
  ],
]);

export interface WantedData {
  readonly dataset?: string;
  readonly data?: string;
}

/**
 * The data set's name, imported if a path was given; null means the run's own. What was imported from there before is used.
 * @throws StudioError NOT_FOUND for a name without data; ALREADY_EXISTS when the name has other data; what an import throws
 */
export async function evaluationData(
  datasets: DatasetService,
  { dataset, data }: WantedData,
  { terminal, interruption }: Pick<Work, 'terminal' | 'interruption'>,
): Promise<string | null> {
  if (data === undefined) {
    if (dataset === undefined || datasets.find(dataset) !== null) return dataset ?? null;
    const nextStep = KNOWN.get(dataset.toLowerCase());
    if (nextStep === undefined) return dataset;
    throw new StudioError('NOT_FOUND', `There is no data set called ${JSON.stringify(dataset)} yet.`, {
      nextStep,
    });
  }
  const name = dataset ?? suggestedName(data);
  const present = datasets.find(name);
  if (present?.source === resolve(data)) {
    terminal.notice(
      `${name} was imported from there on ${present.importedAt.slice(0, 10)}, and is used as it is.`,
    );
    return name;
  }
  await datasets.import({
    path: data,
    name,
    // Nobody trains on it: a file without splits is for evaluation, whole.
    wholeSplit: 'test',
    signal: interruption.stop,
    onProgress: (progress) => {
      terminal.showLive(importProgressText(progress));
      terminal.event('progress', progress);
    },
  });
  return name;
}
