/** @file Runs under Node. Handlers of shared/contract/exports.ts. */
import { basename } from 'node:path';
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { exportRoutes } from '../../../shared/contract/exports.ts';
import { FORMAT_NAMES } from '../../../shared/exports.ts';
import { findRun } from '../../db/runs.ts';
import type { ExportRequest } from '../exports.ts';
import type { HostContext } from '../hosting.ts';

export function exportsHandlers(context: HostContext): HandlersOf<typeof exportRoutes> {
  const { databases, exports, jobs, platform, publish, runIndex } = context;
  const nameOf = (id: string) => {
    const run = findRun(databases.store(), id);
    return run.name ?? run.id;
  };
  return {
    'exports/list': ({ run }) => exports.list(run),
    'exports/show': ({ id }) => exports.find(id),
    'exports/forget': ({ id }) => {
      exports.forget(id);
      publish([{ kind: 'exports' }]);
      return null;
    },
    'exports/start': ({ licenceData: data, licenceBase: base, ...rest }) => {
      const request: ExportRequest = { ...rest, licences: { data, base }, threads: null };
      exports.check(request);
      const formats = rest.to.map((format) => FORMAT_NAMES[format]).join(', ');
      return {
        job: jobs.start({
          title: `Export ${nameOf(rest.run)}: ${formats}`,
          outcome: { kind: 'export', run: rest.run, exports: [] },
          work: async (links) => {
            // One that is done tells pages at once, while others go on.
            const told = { ...links, onExported: () => publish([{ kind: 'exports' }]) };
            const records = await exports.export(request, told);
            return { kind: 'export', run: rest.run, exports: records.map(({ id }) => id) };
          },
        }),
      };
    },
    'exports/metrics': ({ run, format, folder }) => ({
      job: jobs.start({
        title: `Export the metrics of ${nameOf(run)} as ${format}`,
        outcome: { kind: 'export', run, exports: [] },
        work: async (links) => {
          const { id } = await exports.exportMetrics({ run, fileFormat: format, folder }, links);
          publish([{ kind: 'exports' }]);
          return { kind: 'export', run, exports: [id] };
        },
      }),
    }),
    'exports/showFolder': ({ id }) => {
      platform.showFolder(exports.find(id).folder);
      return null;
    },
    'runs/import': ({ path }) => ({
      job: jobs.start({
        title: `Import the run in ${basename(path)}`,
        outcome: { kind: 'importRun', run: null },
        work: async ({ signal }) => {
          const { runId } = await context.takeInRun(path, signal);
          runIndex.touch([runId]);
          publish([{ kind: 'runs', ids: [runId] }]);
          return { kind: 'importRun', run: runId };
        },
      }),
    }),
  };
}
