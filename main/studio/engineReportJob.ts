/** @file Runs under Node. An engine compared with PyTorch as a job of the studio, which leaves the report for its page. */
import type { ComparedPrecision, EngineName } from '../../shared/engines.ts';
import { formatEngineTest } from '../golden/engineTestText.ts';
import type { HostContext } from './hosting.ts';
import { requireFreeDevice } from './probe.ts';

/** `changed` tells pages to look at the engines again. @throws StudioError LOCKED while something else computes on the engine's device. */
export async function startEngineReport(
  context: HostContext,
  { engine, precision }: { readonly engine: EngineName; readonly precision: ComparedPrecision },
  changed: () => Promise<void>,
): Promise<string> {
  const { jobs, reportEngine, settings } = context;
  await requireFreeDevice(context, engine);
  return jobs.start({
    title: `Compare ${engine}${precision === 'fp32' ? '' : ' in half precision'} with PyTorch`,
    outcome: { kind: 'reportEngine', engine, precision, report: null, passes: null },
    work: async ({ signal, onProgress }) => {
      const report = await reportEngine({
        ...{ engine, precision, device: null, threads: settings.current().threads, signal, onProgress },
        timeLimitMs: null,
      });
      // Whether half precision may be used from now on, the doctor says.
      if (precision !== 'fp32') await changed();
      const { failure, goldens } = report;
      const ended = failure === null && goldens.every(({ error }) => error === null);
      return {
        kind: 'reportEngine',
        engine,
        precision,
        report: formatEngineTest(report),
        passes: ended ? report.passes : null,
      };
    },
  });
}
