/** @file Tests. A trained model as a service, asked over real HTTP: answers, batches, refusals as data, a graceful end. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ModelServer, startModelServer } from '../../../main/headless/modelServer.ts';
import type { InspectablePredictor, Predictor } from '../../../main/studio/inference.ts';
import { ExportingStudio } from '../../support/exportingStudio.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';

const PAIR = { premise: 'Person 3 rides a horse.', hypothesis: 'Somebody is outside.' };

let studio: ExportingStudio;
let predictor: InspectablePredictor;
let server: ModelServer;

beforeAll(async () => {
  const made = await ExportingStudio.withRun();
  studio = made.studio;
  predictor = await studio.inference.openPredictor(made.run, { engine: 'wasm', threads: null });
  server = await startModelServer({ port: 0, predictor, version: 'entail 0.0.0' });
});
afterAll(async () => {
  await server.close();
  await predictor.close();
  studio.databases.close();
});

const ask = (body: unknown, headers: Record<string, string> = {}, origin = server.origin) =>
  fetch(`${origin}/predict`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

/** fetch sets Host by itself. */
function askAs(headers: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port: server.port, path: '/health', headers },
      async (response) => {
        let text = '';
        for await (const chunk of response) text += String(chunk);
        resolve({ status: response.statusCode ?? 0, text });
      },
    );
    asked.once('error', reject).end();
  });
}

it('says what it serves', async () => {
  const response = await fetch(`${server.origin}/health`);
  expect(await response.json()).toMatchObject({
    ...{
      ok: true,
      version: 'entail 0.0.0',
      model: predictor.modelId,
      labels: predictor.labels,
      sentences: 2,
    },
  });
});

it('answers one pair as the model does, and many in their order', async () => {
  const expected = await predictor.predict([PAIR]);
  const one = (await (await ask(PAIR)).json()) as { label: string; probabilities: Record<string, number> };
  expect(Object.values(one.probabilities)).toEqual([...expected]);
  expect(predictor.labels).toContain(one.label);
  const other = { premise: 'Nobody sleeps.', hypothesis: 'Somebody sleeps.' };
  const many = (await (await ask({ pairs: [other, PAIR] })).json()) as { answers: (typeof one)[] };
  expect(many.answers).toHaveLength(2);
  expect(many.answers[1]!.label).toBe(one.label);
  for (const [at, label] of predictor.labels.entries())
    expect(many.answers[1]!.probabilities[label]).toBeCloseTo(expected[at]!, 5);
});

/** The model, which answers nothing before it is released: how fast requests come is the machine's affair. */
function heldModel(requests: number) {
  let read = 0;
  const received = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const model: Predictor = {
    ...{ modelId: predictor.modelId, runId: predictor.runId, labels: predictor.labels },
    /** Looked at once for each request, when its body has been read. */
    get pairs() {
      read += 1;
      if (read === requests) received.resolve();
      return predictor.pairs;
    },
    predict: async (pairs) => {
      await released.promise;
      return await predictor.predict(pairs);
    },
    kill: () => {},
    close: async () => {},
  };
  return { model, received: received.promise, release: released.resolve };
}

it('asks the model once for many requests that come together', async () => {
  const { model, received, release } = heldModel(40);
  const other = await startModelServer({ port: 0, predictor: model, version: 'entail 0.0.0' });
  const asked = Promise.all(Array.from({ length: 40 }, () => ask(PAIR, {}, other.origin)));
  await Promise.race([received, asked]);
  release();
  const answers = await Promise.all((await asked).map((response) => response.json()));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  // The first one, and all that came while it was answered.
  expect(other.batches).toBeLessThanOrEqual(2);
  await other.close();
});

describe('a refusal', () => {
  it.each([
    ['{"premise": ', 400, 'BAD_INPUT'],
    [{ premise: 'Only one.' }, 400, 'BAD_INPUT'],
    [{ pairs: [] }, 400, 'BAD_INPUT'],
    [{ ...PAIR, more: 1 }, 400, 'BAD_INPUT'],
    [{ pairs: Array.from({ length: 1001 }, () => PAIR) }, 400, 'BAD_INPUT'],
    [{ premise: 'a'.repeat(2_000_000), hypothesis: 'b' }, 413, 'TOO_LARGE'],
  ])('of %.60j is data', async (body, status, code) => {
    const response = await ask(body);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toMatchObject({ error: { code } });
  });

  it('is what a form, a foreign page, and a rebound name get', async () => {
    expect((await ask(JSON.stringify(PAIR), { 'Content-Type': 'text/plain' })).status).toBe(415);
    expect((await ask(PAIR, { Origin: 'https://evil.example' })).status).toBe(403);
    expect((await ask(PAIR, { Origin: 'null' })).status).toBe(403);
    expect((await askAs({ Host: 'evil.example' })).status).toBe(403);
    expect((await askAs({ Host: `localhost:${server.port}` })).status).toBe(200);
    expect((await askAs({ Host: `127.0.0.1:${server.port}`, 'Sec-Fetch-Site': 'cross-site' })).status).toBe(
      403,
    );
    expect((await fetch(`${server.origin}/predict`)).status).toBe(405);
    expect((await fetch(`${server.origin}/other`)).status).toBe(404);
  });

  it('is what a port in use gets', async () => {
    const error = await studioRejectionOf(startModelServer({ port: server.port, predictor, version: '' }));
    expect(error).toMatchObject({ code: 'ALREADY_EXISTS' });
  });
});

it('ends after it has answered what was asked', async () => {
  const { model, received, release } = heldModel(8);
  const other = await startModelServer({ port: 0, predictor: model, version: 'entail 0.0.0' });
  const asked = Promise.all(Array.from({ length: 8 }, () => ask(PAIR, {}, other.origin)));
  await Promise.race([received, asked]);
  const closing = other.close();
  release();
  for (const response of await asked) expect(response.status).toBe(200);
  await closing;
  await expect(fetch(`${other.origin}/health`)).rejects.toThrow();
});
