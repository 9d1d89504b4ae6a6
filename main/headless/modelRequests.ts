/** @file Runs under Node. What may be asked of a served model, by head and body. Pure. */
import { z } from 'zod';
import { StudioError } from '../../shared/errors.ts';
import type { RawPair } from '../studio/inference.ts';
import { headersNamed, type RequestHead } from './guard.ts';

export type ModelPlace = 'health' | 'predict';

export type ModelVerdict =
  | { readonly pass: true; readonly place: ModelPlace }
  | {
      readonly pass: false;
      readonly status: number;
      readonly code: 'FORBIDDEN' | 'BAD_INPUT' | 'ROUTE_NOT_FOUND';
      readonly sentence: string;
    };

/**
 * Every user of the machine reaches a loopback port, and through a browser every web page: a foreign page names itself as
 * the origin, and a rebound name names itself as the host. Both are refused; programs name no origin.
 */
export function judgeModelRequest({ method, target, rawHeaders }: RequestHead, port: number): ModelVerdict {
  const own = [`127.0.0.1:${port}`, `localhost:${port}`];
  const hosts = headersNamed(rawHeaders, 'host');
  if (hosts.length !== 1) return refuse(400, 'BAD_INPUT', 'A request names exactly one host.');
  if (!own.includes(hosts[0]!.toLowerCase()))
    return refuse(403, 'FORBIDDEN', 'This service has another address.');
  const origins = headersNamed(rawHeaders, 'origin');
  const sites = headersNamed(rawHeaders, 'sec-fetch-site');
  const foreign =
    origins.some((origin) => !own.some((host) => origin === `http://${host}`)) ||
    sites.some((site) => site !== 'same-origin' && site !== 'none');
  if (foreign) return refuse(403, 'FORBIDDEN', 'A web page may not ask this service.');
  if (target === '/health')
    return method === 'GET' || method === 'HEAD'
      ? { pass: true, place: 'health' }
      : refuse(405, 'BAD_INPUT', '/health is asked with GET.');
  if (target === '/predict')
    return method === 'POST'
      ? { pass: true, place: 'predict' }
      : refuse(405, 'BAD_INPUT', '/predict is asked with POST and JSON.');
  return refuse(404, 'ROUTE_NOT_FOUND', 'There are /health and /predict.');
}

function refuse(
  status: number,
  code: Extract<ModelVerdict, { pass: false }>['code'],
  sentence: string,
): ModelVerdict {
  return { pass: false, status, code, sentence };
}

const MOST_PAIRS = 1000;
const sentence = z.string().max(20_000);
const pair = z.strictObject({ premise: sentence, hypothesis: sentence.nullable().optional() });
const bodySchema = z.union([pair, z.strictObject({ pairs: z.array(pair).min(1).max(MOST_PAIRS) })]);

export interface AskedPairs {
  readonly pairs: readonly RawPair[];
  /** True when one pair was asked without a list, and is answered so. */
  readonly single: boolean;
}

/** @throws StudioError BAD_INPUT saying what is wrong where. */
export function askedPairs(body: unknown, readsTwo: boolean): AskedPairs {
  const { data, error } = bodySchema.safeParse(body);
  if (data === undefined) {
    const [issue] = error.issues;
    throw badInput(
      `That is no question for this model: ${issue?.message ?? 'it has another form'}.`,
      readsTwo,
    );
  }
  const asked = 'pairs' in data ? data.pairs : [data];
  const pairs = asked.map(({ premise, hypothesis }) => ({ premise, hypothesis: hypothesis ?? null }));
  for (const [at, { hypothesis }] of pairs.entries()) {
    if (readsTwo && hypothesis === null)
      throw badInput(`Pair ${at} has no hypothesis; this model compares two.`, true);
    if (!readsTwo && hypothesis !== null)
      throw badInput(`Pair ${at} has a hypothesis; this model reads one text.`, false);
  }
  return { pairs, single: !('pairs' in data) };
}

function badInput(message: string, readsTwo: boolean): StudioError {
  const one = readsTwo ? '{"premise": "…", "hypothesis": "…"}' : '{"premise": "…"}';
  return new StudioError('BAD_INPUT', message, {
    nextStep: `Send ${one}, or {"pairs": [${one}, …]} with up to ${MOST_PAIRS} of them.`,
  });
}
