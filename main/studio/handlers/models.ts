/** @file Runs under Node. Handlers of shared/contract/models.ts. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { modelRoutes } from '../../../shared/contract/models.ts';
import type { HostContext } from '../hosting.ts';
import { listModels } from '../models.ts';

export function modelsHandlers(context: HostContext): HandlersOf<typeof modelRoutes> {
  const { databases, playground, runIndex } = context;
  return {
    'models/list': () => listModels(databases, runIndex),
    'playground/answer': (question) => playground.answer(question),
    'playground/attention': (question) => playground.attention(question),
  };
}
