/** @file Runs under Node. Imports of models as jobs. */
import { basename } from 'node:path';
import type { ModelImport } from '../models/store/importModel.ts';
import type { HostContext } from './hosting.ts';

type ModelSetting = Pick<HostContext, 'jobs' | 'modelChanges' | 'models'>;

/** -> the job's id */
export function startModelImport({ jobs, modelChanges, models }: ModelSetting, request: ModelImport): string {
  return jobs.start({
    title: `Import ${basename(request.path)} as ${request.name}`,
    outcome: { kind: 'importModel', model: null },
    work: async ({ signal, onProgress }) => {
      const { name } = await models.import(request, {
        signal,
        onProgress: (fraction) => onProgress({ fraction }),
      });
      modelChanges.tell();
      return { kind: 'importModel', model: name };
    },
  });
}
