/** @file Tests. Reports that cannot be stored for a while wait; training goes on, and a person is told once. */
import { describe, expect, it } from 'vitest';
import { deleteRun } from '../../main/db/deleteRun.ts';
import { metricSeries } from '../../main/db/metrics.ts';
import { ReportSink } from '../../main/studio/reportSink.ts';
import type { WorkerReport } from '../../shared/runs.ts';
import { samplePoints } from '../support/sampleRun.ts';
import { claimedRun, openStudio } from '../support/studioFile.ts';

/** Many points, more than what is left of a page. */
const block = (from: number): WorkerReport => ({
  kind: 'metrics',
  points: samplePoints('step/loss', from, from + 999),
});

describe('a sink for reports', () => {
  it('keeps what a full disk refuses, and stores and shows it in order once there is space', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    const shown: WorkerReport[] = [];
    const sink = new ReportSink(database, runId, (reports) => shown.push(...reports));
    const pages = Number(database.connection.pragma('page_count', { simple: true }));
    database.connection.pragma(`max_page_count = ${pages}`);
    expect(sink.take([block(1)])).toBe(true);
    expect(sink.take([block(1001)])).toBe(true);
    expect(shown).toMatchObject([{ kind: 'log', level: 'warning' }]);
    expect(metricSeries(database, runId, 'step/loss').steps).toHaveLength(0);
    database.connection.pragma('max_page_count = 1000000');
    expect(sink.take([block(2001)])).toBe(true);
    expect(shown.slice(1)).toEqual([block(1), block(1001), block(2001)]);
    expect(metricSeries(database, runId, 'step/loss').steps).toHaveLength(3000);
    sink.finish();
  });

  it('waits at the end until there is space for what it keeps, or somebody gives up', async () => {
    const database = openStudio();
    const runId = claimedRun(database);
    let troubles = 0;
    const sink = new ReportSink(
      database,
      runId,
      () => {},
      (trouble) => {
        troubles += trouble === null ? -1 : 1;
      },
    );
    const pages = Number(database.connection.pragma('page_count', { simple: true }));
    database.connection.pragma(`max_page_count = ${pages}`);
    sink.take([block(1)]);
    await expect(sink.finishPatiently(() => true)).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(troubles).toBe(1);
    let asked = 0;
    await sink.finishPatiently(() => {
      asked++;
      // It has looked for space once, and found none.
      if (asked === 2) database.connection.pragma('max_page_count = 1000000');
      return false;
    });
    expect(metricSeries(database, runId, 'step/loss').steps).toHaveLength(1000);
    expect(troubles).toBe(0);
  });

  it('says that training makes no sense when nothing can ever be stored again', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    const shown: WorkerReport[] = [];
    const sink = new ReportSink(database, runId, (reports) => shown.push(...reports));
    deleteRun(database, otherwiseFree(database, runId));
    expect(sink.take([block(1)])).toBe(false);
    expect(shown).toEqual([]);
    expect(() => sink.finish()).toThrow(/no run/);
  });
});

/** Forgets that the run is claimed here, as if its lease had ended. */
function otherwiseFree(database: ReturnType<typeof openStudio>, runId: string): string {
  database.claimed.delete(runId);
  database.connection.prepare('DELETE FROM leases').run();
  return runId;
}
