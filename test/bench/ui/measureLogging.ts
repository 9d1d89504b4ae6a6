/** @file Benchmarks. What reporting costs a training: the time inside its calls over the time of its steps. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkoutEntries } from '../../../main/entries.ts';
import { SAMPLE_NAME, samplePath } from '../../../main/studio/sampleDataset.ts';
import { openStudio } from '../../../main/studio.ts';
import { readVersion } from '../../../main/version.ts';
import { QUICK } from '../../../shared/presets.ts';
import { figureOf, type UiFigure } from './figures.ts';
import type { LoggingFigures } from './loggingWorker.ts';

const WORKER = new URL('./loggingWorker.ts', import.meta.url).pathname;

/** On the quick recipe, whose steps take some twenty milliseconds: the hardest case. */
export async function measureLogging(folder: string): Promise<UiFigure[]> {
  const entries = checkoutEntries();
  const file = join(folder, 'logging.json');
  process.env['ENTAIL_BENCH_FILE'] = file;
  const studio = openStudio({
    dataDirectory: folder,
    entries: { ...entries, path: (name) => (name === 'training' ? WORKER : entries.path(name)) },
    version: readVersion(),
    onNotice: (notice) => console.error(notice),
  });
  await studio.datasets.import({ path: samplePath(), name: SAMPLE_NAME });
  let stepSeconds = 0;
  let steps = 0;
  const request = { dataset: SAMPLE_NAME, hyperparameters: QUICK, engine: 'wasm' as const };
  const training = await studio.training.start(
    { ...request, threads: 1, name: null, experiment: null, tags: [], startFrom: null, vocabularyPath: null },
    {
      onReports: (reports) => {
        for (const report of reports)
          if (report.kind === 'metrics')
            for (const { metric, step, value } of report.points) {
              if (metric === 'epoch/seconds') stepSeconds += value;
              if (metric === 'step/loss') steps = Math.max(steps, step);
            }
      },
      onTrouble: () => {},
    },
  );
  await training.done;
  studio.close();
  const { calls, callSeconds } = JSON.parse(readFileSync(file, 'utf8')) as LoggingFigures;
  const note = `${calls} calls in ${steps} steps of ${((1000 * stepSeconds) / steps).toFixed(1)} ms`;
  return [
    figureOf('logging, share of a step', [(100 * callSeconds) / stepSeconds], { bar: 0.5, unit: '%', note }),
  ];
}
