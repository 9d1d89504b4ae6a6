/** @file Runs anywhere. Contract: how a person looks at things, remembered in studio.db: named views and last states. */
import { z } from 'zod';
import { label } from './inputs.ts';
import { answers } from './route.ts';

export const PAGES = ['workspace', 'runs', 'compare', 'errors', 'newRun', 'playground'] as const;
export type ViewPage = (typeof PAGES)[number];

/** `state` belongs to the page, which parses it with a schema of its own and falls back to its defaults. */
export interface View {
  readonly page: ViewPage;
  /** "" is what the page looked like last. */
  readonly name: string;
  readonly state: unknown;
  readonly savedAtMs: number;
}

const page = z.enum(PAGES);
const LONGEST_STATE = 200_000;

export const viewRoutes = {
  'views/list': answers<readonly View[]>()(z.strictObject({ page })),
  'views/save': answers<null>()(
    z.strictObject({
      page,
      name: z.union([z.literal(''), label]),
      state: z.json().refine((state) => JSON.stringify(state).length <= LONGEST_STATE, 'too long'),
    }),
  ),
  'views/delete': answers<null>()(z.strictObject({ page, name: label })),
};
