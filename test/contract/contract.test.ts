/** @file Tests. The contract over every transport: in memory, Electron's cloning bridge, and real HTTP. The same cases. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { HostedStudio } from '../../main/studio/hosting.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import { openHosted } from '../support/hostedStudio.ts';
import { type Reached, TRANSPORTS } from '../support/transports.ts';

const request = { dataset: 'none', hyperparameters: hyperparametersSchema.parse({}) };
const withRate = (lr: number) => ({
  request: { ...request, hyperparameters: { ...request.hyperparameters, lr } },
});
const nested = (depth: number): unknown => {
  let value: unknown = null;
  for (let at = 0; at < depth; at++) value = [value];
  return value;
};

describe.each(['memory', 'electron', 'http'] as const)('over %s', (name) => {
  let studio: HostedStudio;
  let call: Reached['call'];
  const codeOf = async (route: string, input: unknown) => {
    const result = await call(route, input);
    return result.ok ? 'ok' : result.error.code;
  };

  beforeAll(async () => {
    studio = openHosted();
    ({ call } = await TRANSPORTS[name](studio));
  });

  it('answers what is asked rightly, with defaults filled in', async () => {
    expect(await call('app/info', {})).toMatchObject({ ok: true, value: { empty: true, version: '0.0.0' } });
    expect(await call('runs/table', {})).toMatchObject({ ok: true, value: { ids: [] } });
    expect(await call('queue/show', {})).toMatchObject({ ok: true, value: { waiting: [], paused: false } });
    expect(await call('views/list', { page: 'runs' })).toEqual({ ok: true, value: [] });
  });

  it.each(['no/such', '__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'knows no call named %s (I1 to I5)',
    async (route) => {
      expect(await codeOf(route, {})).toBe('ROUTE_NOT_FOUND');
    },
  );

  it.each<[string, string, unknown]>([
    ['I7 nothing', 'runs/show', null],
    ['I8 extra keys', 'runs/show', { run: 'r1', more: 1 }],
    ['I9 a wrong type', 'runs/show', { run: 7 }],
    ['I10 a rate that is no number', 'estimate/show', withRate(Number.NaN)],
    ['I11 a rate beyond all', 'estimate/show', withRate(1e308)],
    ['I11 a place beyond whole numbers', 'queue/move', { run: 'r1', to: 2 ** 53 + 1 }],
    ['I13 too many', 'runs/table', { ids: Array.from({ length: 10_001 }, () => 'r1') }],
    ['I14 nested deeply', 'runs/show', { run: nested(900) }],
    ['a page that is none', 'views/list', { page: 'elsewhere' }],
    [
      'a path where a name belongs',
      'errors/rows',
      { run: 'r1', split: '../x', filter: {}, from: 0, count: 1 },
    ],
  ])('refuses %s', async (_, route, input) => {
    expect(await codeOf(route, input)).toBe('BAD_INPUT');
  });

  it('refuses a text of ten million letters (I12)', async () => {
    expect(await codeOf('views/save', { page: 'runs', name: '', state: 'x'.repeat(10_000_000) })).not.toBe(
      'ok',
    );
  });

  it('takes __proto__ in an input for a word (I15)', async () => {
    const input = JSON.parse('{"__proto__":{"admin":1},"page":"runs"}') as object;
    await call('views/list', input);
    expect(({} as { admin?: number }).admin).toBeUndefined();
  });

  it('keeps strange letters in a name as they are (I16)', async () => {
    const view = '\u202eevil <b>"';
    expect(await codeOf('views/save', { page: 'compare', name: view, state: { a: view } })).toBe('ok');
    const listed = await call('views/list', { page: 'compare' });
    expect(listed).toMatchObject({ ok: true, value: [{ name: view, state: { a: view } }] });
  });

  it('tells errors as data, with a next step', async () => {
    expect(await call('runs/show', { run: 'r9zzz' })).toMatchObject({
      ok: false,
      error: { code: 'NOT_FOUND', message: 'There is no run "r9zzz".' },
    });
    expect(await codeOf('app/chooseFile', { purpose: 'dataset' })).toBe('NOT_AVAILABLE');
    expect(await codeOf('queue/add', { requests: [request], place: 'back' })).toBe('NOT_FOUND');
  });

  it('answers many at once (I20); over HTTP as many as it takes connections', async () => {
    const many = name === 'http' ? 50 : 5000;
    const results = await Promise.all(Array.from({ length: many }, () => codeOf('queue/show', {})));
    expect(new Set(results)).toEqual(new Set(['ok']));
  });

  it('keeps settings, and changes only what is named', async () => {
    expect(await codeOf('app/changeSettings', { theme: 'dark', threads: 2 })).toBe('ok');
    expect(await codeOf('app/changeSettings', { theme: 'light' })).toBe('ok');
    expect(await call('app/settings', {})).toMatchObject({ ok: true, value: { theme: 'light', threads: 2 } });
    expect(await codeOf('app/changeSettings', { webhookUrl: 'file:///etc/passwd' })).toBe('BAD_INPUT');
  });

  it('takes a file piece by piece, in order only, under a harmless name', async () => {
    const begun = await call('uploads/begin', { name: '../../CON', sizeBytes: 6 });
    const { id } = (begun as { value: { id: string } }).value;
    const piece = (offset: number, text: string) =>
      codeOf('uploads/piece', { id, offset, base64: btoa(text) });
    expect(await piece(3, 'def')).toBe('USAGE');
    expect(await piece(0, 'abc')).toBe('ok');
    expect(await codeOf('uploads/finish', { id })).toBe('USAGE');
    expect(await piece(3, 'def')).toBe('ok');
    const finished = await call('uploads/finish', { id });
    expect((finished as { value: { path: string } }).value.path).toMatch(/uploads.[0-9a-f-]+.file-CON$/);
  });

  it('refuses what is asked after the end, at once (I21)', async () => {
    await studio.close();
    expect(await codeOf('app/info', {})).toBe('SHUTTING_DOWN');
  });
});

it('a page of Electron that sends what cannot be cloned gets an error, not silence (I17)', async () => {
  const studio = openHosted();
  const { call } = await TRANSPORTS.electron(studio);
  expect(await call('app/info', { f: () => {} })).toMatchObject({ ok: false, error: { code: 'INTERNAL' } });
});
