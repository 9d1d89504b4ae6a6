/** @file Runs anywhere. The contract between pages and studio, whole: every route with its input and output. */
import type { z } from 'zod';
import { appRoutes } from './app.ts';
import { compareRoutes } from './compare.ts';
import { datasetRoutes } from './datasets.ts';
import { engineRoutes } from './engines.ts';
import { errorAnalysisRoutes } from './errorAnalysis.ts';
import { exportRoutes } from './exports.ts';
import { jobRoutes } from './jobs.ts';
import { modelRoutes } from './models.ts';
import { queueRoutes } from './queue.ts';
import type { Route } from './route.ts';
import { runRoutes } from './runs.ts';
import { seriesRoutes } from './series.ts';
import { viewRoutes } from './views.ts';

export const CONTRACT = {
  ...appRoutes,
  ...compareRoutes,
  ...datasetRoutes,
  ...engineRoutes,
  ...errorAnalysisRoutes,
  ...exportRoutes,
  ...jobRoutes,
  ...modelRoutes,
  ...queueRoutes,
  ...runRoutes,
  ...seriesRoutes,
  ...viewRoutes,
} as const;

export type Contract = typeof CONTRACT;
export type RouteName = keyof Contract;

/** What a caller writes: fields with defaults may be left out. */
export type Input<Name extends RouteName> = z.input<Contract[Name]['input']>;
/** What a handler gets: parsed, defaults filled in. */
export type ParsedInput<Name extends RouteName> = z.output<Contract[Name]['input']>;
export type Output<Name extends RouteName> =
  Contract[Name] extends Route<z.ZodType, infer Value> ? Value : never;

/** One handler a route; a missing or extra one does not compile. */
export type Handlers = {
  readonly [Name in RouteName]: (input: ParsedInput<Name>) => Output<Name> | Promise<Output<Name>>;
};

/** The handlers of some routes: `Pick<Handlers, 'runs/show' | …>` by the area's table. */
export type HandlersOf<Area> = Pick<Handlers, Extract<keyof Area, RouteName>>;
