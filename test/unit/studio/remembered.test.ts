/** @file Tests. What a person has chosen: settings and named views, kept over a restart, refused when they make no sense. */
import { describe, expect, it } from 'vitest';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { setPreference } from '../../../main/db/preferences.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import { callsTo } from '../../support/hostedCalls.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

const DEFAULTS = { theme: 'system', threads: null, engine: null, notifyWhenDone: true, webhookUrl: null };

describe('settings', () => {
  it('are what they were after a restart, and changes are told', async () => {
    const folder = temporaryFolder();
    const studio = openHosted(folder);
    const calls = callsTo(studio);
    expect(await calls.ask('app/settings', {})).toEqual(DEFAULTS);
    const changes = {
      theme: 'dark',
      threads: 3,
      engine: 'wasm',
      webhookUrl: 'https://u:p@box.example/h?k=1',
    } as const;
    const changed = await calls.ask('app/changeSettings', changes);
    expect(changed).toEqual({ ...DEFAULTS, ...changes });
    await until(() => calls.events.some(({ kind }) => kind === 'settings'));
    expect(calls.events).toContainEqual({ kind: 'settings', settings: changed });
    expect(await calls.ask('app/changeSettings', { threads: null, notifyWhenDone: false })).toEqual({
      ...{ ...changed, threads: null, notifyWhenDone: false },
    });
    expect(await calls.ask('app/changeSettings', {})).toMatchObject({ theme: 'dark', notifyWhenDone: false });
    await studio.close();
    const next = callsTo(openHosted(folder));
    expect(await next.ask('app/settings', {})).toEqual({ ...changed, threads: null, notifyWhenDone: false });
  });

  it('refuse what makes no sense, and stay as they were', async () => {
    const { ask, refusal } = callsTo(openHosted());
    await ask('app/changeSettings', { theme: 'dark' });
    const bad: object[] = [
      ...[{ theme: 'pink' }, { threads: 0 }, { threads: 1.5 }, { threads: 5000 }, { engine: 'gpu' }],
      ...[{ notifyWhenDone: 'yes' }, { colour: 1 }, { theme: null }, { webhookUrl: '' }],
      ...[
        'ftp://x/',
        'javascript:alert(1)',
        'file:///etc/passwd',
        'box',
        `https://x/${'y'.repeat(2000)}`,
      ].map((webhookUrl) => ({ webhookUrl })),
    ];
    for (const change of bad)
      expect([
        change,
        (await refusal('app/changeSettings', { ...change, threads: 2, ...change })).code,
      ]).toEqual([change, 'BAD_INPUT']);
    expect(await ask('app/settings', {})).toEqual({ ...DEFAULTS, theme: 'dark' });
  });

  it.each([['nonsense'], [{ theme: 'pink' }], [{ theme: 'dark', unknown: 1 }], [null], [[1]]])(
    'stored as %j, by whoever, are the defaults again and can be changed',
    async (stored) => {
      const folder = temporaryFolder();
      const store = openStudioDatabase(dataPlaces(folder).studioDatabase);
      setPreference(store, 'settings', stored);
      store.close();
      const { ask } = callsTo(openHosted(folder));
      expect(await ask('app/settings', {})).toEqual(DEFAULTS);
      expect(await ask('app/changeSettings', { theme: 'light' })).toEqual({ ...DEFAULTS, theme: 'light' });
    },
  );
});

describe('views', () => {
  it('are kept by page and name over a restart, the newest state of each', async () => {
    const folder = temporaryFolder();
    const studio = openHosted(folder);
    const { ask } = callsTo(studio);
    const state = {
      columns: ['lr', 'seed'],
      filter: { text: 'a "b" ü' },
      nothing: null,
      deep: [[{ x: 1.5 }]],
    };
    await ask('views/save', { page: 'runs', name: 'mine', state: { old: true } });
    await ask('views/save', { page: 'runs', name: 'mine', state });
    await ask('views/save', { page: 'runs', name: '', state: 7 });
    await ask('views/save', { page: 'compare', name: 'mine', state: 'other' });
    await studio.close();
    const next = callsTo(openHosted(folder));
    const shown = await next.ask('views/list', { page: 'runs' });
    expect(shown.map(({ name, state: kept }) => [name, kept])).toEqual([
      ['', 7],
      ['mine', state],
    ]);
    expect(shown.every(({ savedAtMs }) => Math.abs(Date.now() - savedAtMs) < 600_000)).toBe(true);
    await next.ask('views/delete', { page: 'runs', name: 'mine' });
    await next.ask('views/delete', { page: 'runs', name: 'mine' });
    expect(await next.ask('views/list', { page: 'runs' })).toMatchObject([{ name: '' }]);
    expect(await next.ask('views/list', { page: 'compare' })).toMatchObject([
      { name: 'mine', state: 'other' },
    ]);
  });

  it('have a name and a state of some length, and no more', async () => {
    const { ask, refusal } = callsTo(openHosted());
    const save = { page: 'runs', name: 'n', state: 'x'.repeat(199_000) };
    await ask('views/save', save as { page: 'runs'; name: string; state: string });
    const bad: object[] = [
      { state: 'x'.repeat(200_001) },
      { name: 'n'.repeat(201) },
      { name: 7 },
      { state: undefined },
    ];
    for (const change of bad)
      expect((await refusal('views/save', { ...save, ...change })).code).toBe('BAD_INPUT');
    expect((await refusal('views/delete', { page: 'runs', name: '' })).code).toBe('BAD_INPUT');
    expect(await ask('views/list', { page: 'runs' })).toHaveLength(1);
  });
});
