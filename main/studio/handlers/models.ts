/** @file Runs under Node. Handlers of shared/contract/models.ts. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { modelRoutes } from '../../../shared/contract/models.ts';
import type { HostContext } from '../hosting.ts';
import { startModelImport } from '../modelJobs.ts';
import { listModels } from '../models.ts';

export function modelsHandlers(context: HostContext): HandlersOf<typeof modelRoutes> {
  const { databases, modelChanges, models, playground, runIndex } = context;
  return {
    'models/list': () => listModels(databases, runIndex),
    'models/imported': () => models.list(),
    'models/show': ({ name }) => ({
      ...models.require(name),
      folder: models.folder(name),
      runs: models.usedBy(name),
    }),
    'models/preview': ({ path }) => models.preview(path),
    'models/import': (request) => ({ job: startModelImport(context, { ...request, origin: null }) }),
    'models/label': async ({ name, labels }) => {
      const labelled = await models.label(name, labels);
      modelChanges.tell();
      return labelled;
    },
    'models/delete': ({ name }) => {
      models.delete(name);
      modelChanges.tell();
      return null;
    },
    'playground/answer': (question) => playground.answer(question),
    'playground/attention': (question) => playground.attention(question),
  };
}
