/** @file Runs anywhere. Contract: texts to pretrain on. */
import { z } from 'zod';
import { TEXT_LAYOUTS, type TextRecord } from '../texts.ts';
import { noInput, path } from './inputs.ts';
import { answers } from './route.ts';

export const textRoutes = {
  /** Newest first. */
  'texts/list': answers<readonly TextRecord[]>()(noInput),
  /** A job; `layout` null reads the file by its name. @throws nothing: what is wrong with the file ends the job. */
  'texts/add': answers<{ readonly job: string }>()(
    z.strictObject({ path, layout: z.enum(TEXT_LAYOUTS).nullable().default(null) }),
  ),
  /** A job that fetches WikiText-2, because a person asked for it. */
  'texts/download': answers<{ readonly job: string }>()(noInput),
};
