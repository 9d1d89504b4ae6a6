/** @file Tests. Two programs on one data directory: a command line joins the open studio's queue; a second studio is pointed to the first. */
import { describe, expect, it } from 'vitest';
import { startHost } from '../../main/headless/run.ts';
import { buildPagesIfNeeded } from '../../main/start/buildPages.ts';
import { unpackTable } from '../../renderer/state/unpackedTable.ts';
import type { PackedRunsTable } from '../../shared/contract/runs.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import { QUICK } from '../../shared/presets.ts';
import { openHosted } from '../support/hostedStudio.ts';
import { runEntail } from '../support/runEntail.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const until = async <Value>(ask: () => Promise<Value>, holds: (value: Value) => boolean): Promise<Value> => {
  while (true) {
    const value = await ask();
    if (holds(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};
const SMALL = hyperparametersSchema.parse({
  ...QUICK,
  layers: 1,
  hidden: 16,
  heads: 2,
  feedForward: 16,
  epochs: 1,
});

describe('an open studio', () => {
  it('takes the runs of a command line into its queue, and queues survive it', async () => {
    const folder = temporaryFolder();
    const studio = openHosted(folder);
    const call = async (route: string, input: unknown) => {
      const result = await studio.dispatch(route, input);
      if (!result.ok) throw new Error(result.error.message);
      return result.value as never;
    };
    const { job } = (await call('datasets/importSample', {})) as { job: string };
    await until(
      async () => (await call('jobs/list', {})) as { id: string; state: string }[],
      (jobs) => jobs.find(({ id }) => id === job)?.state === 'done',
    );
    const words = [
      'train',
      '--dataset',
      'sample',
      '--size',
      'free',
      '--layers',
      '1',
      '--hidden',
      '16',
      '--heads',
      '2',
    ];
    const shape = [
      '--feed-forward',
      '16',
      '--max-len',
      '32',
      '--batch-size',
      '64',
      '--epochs',
      '1',
      '--engine',
      'wasm',
    ];
    const { code, stdout } = await runEntail([...words, ...shape, '--json'], { home: folder });
    expect(code).toBe(0);
    expect(stdout).toContain('waits in its queue');
    const table = (await call('runs/table', {})) as PackedRunsTable;
    expect(unpackTable(table).states).toEqual(['completed']);
    // A paused queue is still there, in its order, for the next studio.
    await call('queue/pause', { paused: true });
    const requests = [0, 1, 2].map((seed) => ({
      dataset: 'sample',
      hyperparameters: { ...SMALL, seed },
      engine: 'wasm',
    }));
    const { ids } = (await call('queue/add', { requests, place: 'back' })) as { ids: string[] };
    await call('queue/move', { run: ids[2], to: 0 });
    expect(() => openHosted(folder)).toThrow(/A studio|Another studio/);
    await studio.close();
    const next = openHosted(folder);
    const shown = await next.dispatch('queue/show', {});
    expect(shown).toMatchObject({
      ok: true,
      value: { paused: true, waiting: [{ id: ids[2] }, { id: ids[0] }, { id: ids[1] }] },
    });
    await next.close();
  });

  it('in a browser is named to the second one, with its address', async () => {
    await buildPagesIfNeeded(() => {});
    const dataDirectory = temporaryFolder();
    const host = await startHost({ port: 0, dataDirectory, publicOrigins: [] });
    await expect(startHost({ port: 0, dataDirectory, publicOrigins: [] })).rejects.toThrow(
      host.server.origin,
    );
    await expect(
      startHost({ port: host.server.port, dataDirectory: temporaryFolder(), publicOrigins: [] }),
    ).rejects.toThrow(/is in use/);
    await host.close();
  });
});
