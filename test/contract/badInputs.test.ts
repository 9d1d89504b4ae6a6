/** @file Tests. What contract.test.ts leaves of safety.md B3 (I6 to I21), over every transport: each ends in an answer or an error. */
import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LoopbackServer } from '../../main/headless/server.ts';
import { dispatcherOver } from '../../main/rpc/dispatch.ts';
import { createEventHub } from '../../main/rpc/eventHub.ts';
import type { HostedStudio } from '../../main/studio/hosting.ts';
import type { Handlers } from '../../shared/contract/contract.ts';
import { openHosted, serve } from '../support/hostedStudio.ts';
import { type Reached, TRANSPORTS } from '../support/transports.ts';

const NAMES = ['memory', 'electron', 'http'] as const;

const nested = (depth: number): unknown => {
  let value: unknown = null;
  for (let at = 0; at < depth; at++) value = [value];
  return value;
};

/** A door to handlers of the test's own: what a route does when it misbehaves. */
async function doorTo(name: (typeof NAMES)[number], handler: () => unknown): Promise<Reached['call']> {
  const { dispatch } = dispatcherOver({ 'app/info': handler } as unknown as Handlers);
  const { call } = await TRANSPORTS[name]({ dispatch, events: createEventHub({ start: 's' }) });
  return call;
}

describe.each(NAMES)('over %s', (name) => {
  let studio: HostedStudio;
  let reached: Reached;
  const codeOf = async (route: string, input: unknown) => {
    const result = await reached.call(route, input);
    return result.ok ? 'ok' : result.error.code;
  };

  beforeAll(async () => {
    studio = openHosted();
    reached = await TRANSPORTS[name](studio);
  });

  it('knows no call without a name (I6)', async () => {
    expect(await codeOf('', {})).toBe('ROUTE_NOT_FOUND');
  });

  it('takes -0 for 0, and refuses the infinite where a number belongs (I10, I11)', async () => {
    expect(await codeOf('queue/move', { run: 'r1', to: -0 })).toBe('NOT_FOUND');
    for (const from of [Number.NaN, Number.POSITIVE_INFINITY, 1.5, -1])
      expect(await codeOf('errors/rows', { run: 'r1', split: 'test', filter: {}, from, count: 1 })).toBe(
        'BAD_INPUT',
      );
  });

  it('refuses a list of a million (I13), which HTTP does not even take in', async () => {
    const ids = Array.from({ length: 1_000_000 }, () => 'r1');
    const result = await reached.call('runs/table', { ids });
    if (name === 'http') expect(result).toMatchObject({ ok: false, error: { message: '413' } });
    else expect(result).toMatchObject({ ok: false, error: { code: 'BAD_INPUT' } });
  });

  it('refuses what is nested ten thousand deep where any depth is allowed, and goes on (I14)', async () => {
    expect(await codeOf('runs/show', { run: nested(10_000) })).not.toBe('ok');
    const state = await reached.call('views/save', { page: 'runs', name: 'deep', state: nested(10_000) });
    // Cloning and writing JSON may give up before the studio does.
    if (name === 'memory') expect(state).toMatchObject({ ok: false, error: { code: 'BAD_INPUT' } });
    expect(state.ok).toBe(false);
    expect(await codeOf('views/list', { page: 'runs' })).toBe('ok');
  });

  it('keeps NUL, a lone half of a letter and turned writing in what a page stores (I16)', async () => {
    const state = { text: 'a\0b\ud800c\u202ed', '<b>': '</script>' };
    expect(await codeOf('views/save', { page: 'errors', name: 'n\0\u202e', state })).toBe('ok');
    const listed = await reached.call('views/list', { page: 'errors' });
    expect(listed).toMatchObject({ ok: true, value: [{ name: 'n\0\u202e', state }] });
    expect(await codeOf('views/delete', { page: 'errors', name: 'n\0\u202e' })).toBe('ok');
  });

  it('refuses what is no value, or hears nothing of it (I17)', async () => {
    const before = await reached.call('views/list', { page: 'compare' });
    const unclonable = { page: 'compare', name: 'x', state: () => {} };
    // JSON drops it, cloning refuses it, in memory it is seen as it is: stored it is nowhere.
    expect(await codeOf('views/save', unclonable)).not.toBe('ok');
    expect(await codeOf('views/save', { ...unclonable, state: Symbol('s') })).not.toBe('ok');
    expect(await reached.call('views/list', { page: 'compare' })).toEqual(before);
  });

  it('tells a code whatever a handler throws (I18)', async () => {
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    const speechless = {
      toString: () => {
        throw new Error('no');
      },
    };
    const strange = Object.assign(new Error(), { message: { no: 'text' } });
    const thrown = [
      'text',
      null,
      undefined,
      cyclic,
      Object.create(null),
      Symbol('s'),
      speechless,
      strange,
      7,
    ];
    let at = 0;
    const call = await doorTo(name, () => {
      throw thrown[at];
    });
    for (; at < thrown.length; at++) {
      const result = await call('app/info', {});
      expect(result).toMatchObject({ ok: false, error: { code: 'INTERNAL' } });
      expect(typeof (result as { error: { message: unknown } }).error.message).toBe('string');
    }
  });

  it('answers what was asked before the end, and refuses at once what comes after (I21)', async () => {
    const gate = Promise.withResolvers<string>();
    const asked = Promise.withResolvers<void>();
    const answer = () => {
      asked.resolve();
      return gate.promise;
    };
    const own = dispatcherOver({ 'app/info': answer } as unknown as Handlers);
    const door = await TRANSPORTS[name]({
      dispatch: own.dispatch,
      events: createEventHub({ start: 's' }),
    });
    const early = door.call('app/info', {});
    // Over HTTP the question is under way until the dispatcher has it; another one may overtake it on another connection.
    await asked.promise;
    const closed = own.close();
    expect(await door.call('app/info', {})).toMatchObject({ ok: false, error: { code: 'SHUTTING_DOWN' } });
    gate.resolve('late');
    expect(await early).toEqual({ ok: true, value: 'late' });
    await closed;
    await door.shut();
    // In memory there is no door: what is left is the dispatcher's own refusal.
    expect(await door.call('app/info', {})).toMatchObject({ ok: false });
  });
});

it.each(['electron', 'http'] as const)(
  'over %s a code is told when an answer cannot cross (I19)',
  async (name) => {
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    // Cloning carries the first, and JSON writes the second as nothing: each has its own that it cannot carry.
    const values = name === 'http' ? [cyclic, 10n] : [() => {}, { inside: [Symbol('s')] }];
    let at = 0;
    const call = await doorTo(name, () => values[at]);
    for (; at < values.length; at++)
      expect(await call('app/info', {})).toMatchObject({ ok: false, error: { code: 'INTERNAL' } });
  },
);

describe('over HTTP alone', () => {
  it('answers five thousand calls that are under way together (I20)', async () => {
    const server = await serve(openHosted());
    const answers = await Promise.all(Array.from({ length: 10 }, () => callsInARow(server, 500)));
    expect(answers.map((text) => text.split('{"ok":true').length - 1)).toEqual(Array(10).fill(500));
  });

  it('refuses JSON that is nested ten thousand deep where any depth is allowed (I14)', async () => {
    const server = await serve(openHosted());
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    const ask = async (body: string) => {
      const answer = await fetch(`${server.origin}/rpc/views/save`, {
        ...POST,
        headers: headersFor(server),
        body,
      });
      return (await answer.json()) as unknown;
    };
    const refused = { ok: false, error: { code: 'BAD_INPUT' } };
    expect(await ask(`{"page":"runs","name":"deep","state":${deep}}`)).toMatchObject(refused);
    expect(await ask(`{"page":${deep},"name":"deep","state":1}`)).toMatchObject(refused);
    expect(await ask('{"page":"runs","name":"flat","state":[[]]}')).toEqual({ ok: true, value: null });
  });
});

const POST = { method: 'POST' } as const;
const headersFor = ({ key }: LoopbackServer) => ({
  'Content-Type': 'application/json',
  Authorization: `Bearer ${key}`,
});

/** All calls are sent before the first is answered; gives back everything that came. */
function callsInARow(server: LoopbackServer, count: number): Promise<string> {
  const head = Object.entries({
    Host: `127.0.0.1:${server.port}`,
    ...headersFor(server),
    'Content-Length': '2',
  });
  const call = (last: boolean) =>
    [
      'POST /rpc/app/settings HTTP/1.1',
      ...head.map(([name, value]) => `${name}: ${value}`),
      `Connection: ${last ? 'close' : 'keep-alive'}`,
      '',
      '{}',
    ].join('\r\n');
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(server.port, '127.0.0.1', () => {
      socket.write(Array.from({ length: count }, (_, at) => call(at === count - 1)).join(''));
    });
    socket.setEncoding('latin1').on('data', (piece: string) => {
      text += piece;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}
