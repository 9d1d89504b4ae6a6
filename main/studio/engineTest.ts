/** @file Runs under Node. How fast an engine is here: the quick recipe on the built-in sample, a few steps, as a job. */
import { ONE_DEVICE } from '../../shared/devices.ts';
import type { EngineName } from '../../shared/engines.ts';
import { QUICK } from '../../shared/presets.ts';
import { importData } from './dataJobs.ts';
import type { HostContext } from './hosting.ts';
import { measureRun, requireFreeDevice } from './probe.ts';
import { SAMPLE_NAME, samplePath } from './sampleDataset.ts';

/** @throws StudioError LOCKED while something else computes on the engine's device. */
export async function testEngine(context: HostContext, engine: EngineName): Promise<string> {
  await requireFreeDevice(context, engine);
  return context.jobs.start({
    title: `Measure ${engine}`,
    outcome: { kind: 'testEngine', engine, pairsPerSecond: null },
    work: async ({ signal, onProgress }) => {
      if (context.datasets.find(SAMPLE_NAME) === null) {
        onProgress({ fraction: null, note: 'importing the built-in sample' });
        await importData(
          context,
          { path: samplePath(), name: SAMPLE_NAME },
          { signal, onProgress: () => {} },
        );
      }
      const request = {
        ...{
          dataset: SAMPLE_NAME,
          hyperparameters: QUICK,
          engine,
          threads: context.settings.current().threads,
        },
        ...{ kind: 'fine-tuning' as const, devices: ONE_DEVICE, name: null, experiment: null, tags: [] },
        ...{ startFrom: null, vocabularyPath: null },
      };
      const probe = await measureRun(context, request, {
        signal,
        onProgress: (fraction) => onProgress({ fraction, note: 'training a few steps' }),
      });
      return { kind: 'testEngine', engine, pairsPerSecond: probe.pairsPerSecond };
    },
  });
}
