/** @file Runs under Node. Handlers of shared/contract/engines.ts. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { EngineOverview, engineRoutes } from '../../../shared/contract/engines.ts';
import { OFFERED_ENGINES } from '../../../shared/engines.ts';
import { formatBytes } from '../../files/disk.ts';
import { startEngineReport } from '../engineReportJob.ts';
import { testEngine } from '../engineTest.ts';
import type { HostContext } from '../hosting.ts';

export function enginesHandlers(context: HostContext): HandlersOf<typeof engineRoutes> {
  const { devices, engines, jobs, publish, queue } = context;
  let last: EngineOverview | null = null;
  const examine = async (): Promise<EngineOverview> => {
    const reports = await engines.doctor(OFFERED_ENGINES);
    last = { reports, chosen: await engines.best(), examinedAtMs: Date.now() };
    return last;
  };
  const changed = async (): Promise<void> => {
    await examine();
    publish([{ kind: 'engines' }]);
    queue.look();
  };
  return {
    'engines/doctor': async ({ again }) => (again || last === null ? await examine() : last),
    'engines/devices': () => devices.overview(),
    'engines/install': ({ cuda }) => ({
      job: jobs.start({
        title: `Install tensorflow${cuda ? ' with CUDA' : ''}`,
        outcome: { kind: 'installEngine' },
        work: async ({ signal, onProgress }) => {
          await engines.installTensorflow({
            cuda,
            signal,
            onProgress: ({ phase, what, doneBytes, totalBytes }) =>
              onProgress({
                fraction: totalBytes === 0 ? null : doneBytes / totalBytes,
                note:
                  totalBytes === 0
                    ? `${phase} ${what}`
                    : `${phase} ${what}, ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`,
              }),
          });
          await changed();
          return { kind: 'installEngine' };
        },
      }),
    }),
    'engines/uninstall': () => ({
      job: jobs.start({
        title: 'Remove tensorflow',
        outcome: { kind: 'uninstallEngine' },
        work: async () => {
          await engines.uninstallTensorflow();
          await changed();
          return { kind: 'uninstallEngine' };
        },
      }),
    }),
    'engines/report': async (wish) => ({ job: await startEngineReport(context, wish, changed) }),
    'engines/test': async ({ engine }) => ({ job: await testEngine(context, engine) }),
  };
}
