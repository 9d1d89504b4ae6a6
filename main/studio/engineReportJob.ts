/** @file Runs under Node. An engine compared with PyTorch as a job of the studio, which leaves the report for its page. */
import type { EngineName } from '../../shared/engines.ts';
import { formatEngineTest } from '../golden/engineTestText.ts';
import type { HostContext } from './hosting.ts';
import { requireFreeDevice } from './probe.ts';

/** @throws StudioError LOCKED while something else computes on the engine's device. */
export async function startEngineReport(context: HostContext, engine: EngineName): Promise<string> {
  const { jobs, reportEngine, settings } = context;
  await requireFreeDevice(context, engine);
  return jobs.start({
    title: `Compare ${engine} with PyTorch`,
    outcome: { kind: 'reportEngine', engine, report: null, passes: null },
    work: async ({ signal, onProgress }) => {
      const report = await reportEngine({
        ...{ engine, device: null, threads: settings.current().threads, signal, onProgress },
        timeLimitMs: null,
      });
      return { kind: 'reportEngine', engine, report: formatEngineTest(report), passes: report.passes };
    },
  });
}
