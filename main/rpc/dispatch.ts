/** @file Runs under Node. From a route's name and an input from outside to a result: the same on every host. */
import type { z } from 'zod';
import { CONTRACT, type Handlers, type RouteName } from '../../shared/contract/contract.ts';
import type { Result } from '../../shared/contract/route.ts';
import { errorData, StudioError } from '../../shared/errors.ts';

/** Never rejects: whatever happens is a result. */
export type Dispatch = (route: string, input: unknown) => Promise<Result<unknown>>;

export interface Dispatcher {
  readonly dispatch: Dispatch;
  /** What is asked from here on is refused with SHUTTING_DOWN; settles when what was asked before is answered. */
  close(): Promise<void>;
}

export function dispatcherOver(handlers: Handlers): Dispatcher {
  const answering = new Set<Promise<Result<unknown>>>();
  let closed = false;
  const answer = async (route: string, input: unknown): Promise<Result<unknown>> => {
    try {
      if (closed)
        throw new StudioError('SHUTTING_DOWN', 'The studio is closing.', { nextStep: 'Start it again.' });
      // Object.hasOwn, because "constructor" and "__proto__" are not routes.
      if (!Object.hasOwn(CONTRACT, route)) throw noSuchRoute(route);
      const name = route as RouteName;
      const parsed = parseInput(CONTRACT[name].input, name, input);
      const handler = handlers[name] as (input: unknown) => unknown;
      return { ok: true, value: (await handler(parsed)) ?? null };
    } catch (thrown) {
      return { ok: false, error: errorData(thrown) };
    }
  };
  return {
    dispatch: (route, input) => {
      const result = answer(route, input);
      answering.add(result);
      void result.then(() => answering.delete(result));
      return result;
    },
    close: async () => {
      closed = true;
      await Promise.all(answering);
    },
  };
}

function noSuchRoute(route: string): StudioError {
  return new StudioError('ROUTE_NOT_FOUND', `There is no call "${String(route).slice(0, 100)}".`, {
    nextStep: 'Reload the page: it may be of another version of Entail than the studio.',
  });
}

const CORRECT = 'Correct the value, or reload the page.';

function parseInput(schema: z.ZodType, route: string, input: unknown): unknown {
  const parsed = parsedBy(schema, route, input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where =
    issue === undefined || issue.path.length === 0
      ? ''
      : ` at ${issue.path.map(String).join('.').slice(0, 100)}`;
  throw new StudioError(
    'BAD_INPUT',
    `${route} was asked wrongly${where}: ${(issue?.message ?? 'invalid').slice(0, 300)}.`,
    {
      nextStep: CORRECT,
    },
  );
}

/** A schema of nested values goes as deep as they do, and the stack ends before memory does. */
function parsedBy(schema: z.ZodType, route: string, input: unknown): z.ZodSafeParseResult<unknown> {
  try {
    return schema.safeParse(input);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new StudioError('BAD_INPUT', `${route} was asked wrongly: the values are nested too deeply.`, {
      nextStep: CORRECT,
    });
  }
}
