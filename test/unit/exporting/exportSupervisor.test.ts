/** @file Tests. How long an exporting child may be silent: a batch on WebAssembly lets nothing else in its process move. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { superviseExport } from '../../../main/exporting/exportSupervisor.ts';
import type { ExportOrder } from '../../../main/exporting/job.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** Reads its order and is silent until it is told to go on, which it takes for the order to cancel. */
function silentChild(): string {
  const path = join(temporaryFolder(), 'child.ts');
  const body = `process.on('message', ({ kind }) => {
    if (kind === 'cancel') process.send({ kind: 'done' }, () => process.exit(0));
    else process.send({ kind: 'progress', progress: { fraction: 0, note: 'computing' } });
  });`;
  writeFileSync(path, body);
  return path;
}

it('does not end a child that computes one batch of a large model for minutes', async () => {
  // Two minutes pass for whoever watches, while the child is silent.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  const destination = join(temporaryFolder(), 'exported');
  const job = { runId: 'r1', name: 'run', fileFormat: 'csv', curves: [], destination } as const;
  const order: Extract<ExportOrder, { kind: 'exportMetrics' }> = { kind: 'exportMetrics', job };
  const goOn = new AbortController();
  const supervised = superviseExport(order, {
    ...{ entry: silentChild(), environment: {}, signal: goOn.signal, onExported: () => {} },
    onProgress: () => {
      vi.advanceTimersByTime(120_000);
      goOn.abort();
    },
  });
  await expect(supervised).resolves.toBeUndefined();
});
