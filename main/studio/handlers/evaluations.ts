/** @file Runs under Node. Handlers of shared/contract/evaluations.ts. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { evaluationRoutes } from '../../../shared/contract/evaluations.ts';
import type { HostContext } from '../hosting.ts';
import { wishBesideTraining } from '../wishBesideTraining.ts';

export function evaluationsHandlers({
  databases,
  inference,
  jobs,
  settings,
}: HostContext): HandlersOf<typeof evaluationRoutes> {
  return {
    'evaluations/start': ({ model, dataset, split }) => {
      inference.find(model);
      const outcome = { kind: 'evaluate', model, dataset, result: null } as const;
      const job = jobs.start({
        title: `Evaluate ${model} on ${dataset}`,
        outcome,
        work: async ({ signal, onProgress }) => {
          const { engine, threads } = wishBesideTraining(databases, settings.current());
          const found = await inference.evaluate(model, {
            ...{ dataset, split, engine, threads, signal },
            onProgress: (fraction) => onProgress({ fraction }),
          });
          const { evaluation, groups } = found;
          return { ...outcome, result: { labels: found.dataset.labels, evaluation, groups } };
        },
      });
      return { job };
    },
  };
}
