/** @file Runs under Node. The handlers of every area together: one a route, or it does not compile. */
import type { Handlers } from '../../../shared/contract/contract.ts';
import type { HostContext } from '../hosting.ts';
import { appHandlers } from './app.ts';
import { compareHandlers } from './compare.ts';
import { datasetsHandlers } from './datasets.ts';
import { enginesHandlers } from './engines.ts';
import { errorAnalysisHandlers } from './errorAnalysis.ts';
import { exportsHandlers } from './exports.ts';
import { jobsHandlers } from './jobs.ts';
import { modelsHandlers } from './models.ts';
import { queueHandlers } from './queue.ts';
import { runsHandlers } from './runs.ts';
import { seriesHandlers } from './series.ts';
import { viewsHandlers } from './views.ts';

export function allHandlers(context: HostContext): Handlers {
  return {
    ...appHandlers(context),
    ...compareHandlers(context),
    ...datasetsHandlers(context),
    ...enginesHandlers(context),
    ...errorAnalysisHandlers(context),
    ...exportsHandlers(context),
    ...jobsHandlers(context),
    ...modelsHandlers(context),
    ...queueHandlers(context),
    ...runsHandlers(context),
    ...seriesHandlers(context),
    ...viewsHandlers(context),
  };
}
