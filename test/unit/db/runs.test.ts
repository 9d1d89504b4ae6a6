/** @file Tests. Runs: making, finding, listing, writing on and deleting them. */
import { describe, expect, test } from 'vitest';
import { addTag, removeTag, renameRun, setArchived, setNotes } from '../../../main/db/annotations.ts';
import { deleteRun, runSize } from '../../../main/db/deleteRun.ts';
import { listExperiments } from '../../../main/db/experiments.ts';
import { claimRun } from '../../../main/db/lease.ts';
import { nextRunId, normaliseRunId } from '../../../main/db/runId.ts';
import { createRun, findRun, listRuns } from '../../../main/db/runs.ts';
import type { RunConfig } from '../../../shared/runs.ts';
import { sampleConfig, sampleEnvironment } from '../../support/sampleRun.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { claimedRun, openStudio, trainedRun } from '../../support/studioFile.ts';

describe('ids of runs', () => {
  test('are short and sort by the time of making, whatever the clock does', () => {
    const noon = Date.UTC(2026, 2, 1, 12);
    const ids = [nextRunId(null, noon)];
    for (const at of [noon, noon + 1000, noon - 3_600_000, noon + 3_600_000, noon + 30 * 365 * 86_400_000]) {
      ids.push(nextRunId(ids.at(-1)!, at));
    }
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^r[0-9a-hjkmnp-tv-z]{5}$/);
  });

  test('carry over from one digit to the next', () => {
    expect(nextRunId('r0000z', 0)).toBe('r00010');
    expect(nextRunId('r0zzzz', 0)).toBe('r10000');
  });

  test('forgive letters that look like digits', () => {
    expect(normaliseRunId(' RO1lI0 ')).toBe('r01110');
  });
});

describe('a new run', () => {
  test('that an earlier version made has what its network was', () => {
    const database = openStudio();
    const config = sampleConfig();
    const { segments: _, headActivation: __, headDropout: ___, ...model } = config.model;
    const runId = createRun(database, {
      config: { ...config, model } as unknown as RunConfig,
      environment: sampleEnvironment,
    });
    expect(findRun(database, runId).config).toEqual(config);
  });

  test('is found with everything it was made with', () => {
    const database = openStudio();
    const config = sampleConfig({ lr: 3e-5, seed: 7 });
    const runId = createRun(database, {
      config,
      environment: sampleEnvironment,
      experiment: 'first',
      name: ' try ',
    });
    expect(findRun(database, runId)).toMatchObject({
      id: runId,
      config,
      environment: sampleEnvironment,
      experiment: 'first',
      name: 'try',
      state: 'preparing',
      notes: '',
      tags: [],
      archived: false,
      engine: null,
      plan: null,
      progress: null,
      startedAt: null,
      finishedAt: null,
      result: null,
      error: null,
    });
  });

  test('has a hash that depends on the settings and not on their order', () => {
    const database = openStudio();
    const config = sampleConfig();
    const reversed = Object.fromEntries(Object.entries(config).reverse()) as unknown as typeof config;
    const hashes = [config, reversed, sampleConfig({ seed: 1 })].map((each) => {
      const runId = createRun(database, { config: each, environment: sampleEnvironment });
      return findRun(database, runId).configHash;
    });
    expect(hashes[1]).toBe(hashes[0]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  test.each(['config', 'config_hash', 'environment', 'id', 'created_at', 'number'])(
    'never changes its %s',
    (column) => {
      const database = openStudio();
      claimedRun(database);
      expect(() => database.connection.exec(`UPDATE runs SET ${column} = 5`)).toThrow('never changes');
    },
  );
});

describe('findRun', () => {
  test('takes a whole id or a prefix that fits one run only', () => {
    const database = openStudio();
    const one = claimedRun(database);
    expect(findRun(database, one.slice(0, 3)).id).toBe(one);
    const two = claimedRun(database);
    expect(findRun(database, one.toUpperCase()).id).toBe(one);
    const error = studioErrorOf(() => findRun(database, 'r'));
    expect(error.code).toBe('USAGE');
    expect(error.message).toContain(`${one}, ${two}`);
  });

  test.each(['', '  ', 'r~', 'nothing', '%', '__proto__'])('finds no run by %j', (typed) => {
    const database = openStudio();
    claimedRun(database);
    expect(studioErrorOf(() => findRun(database, typed)).code).toBe('NOT_FOUND');
  });
});

describe('listRuns', () => {
  test('gives the newest first, without archived ones unless asked', () => {
    const database = openStudio();
    const ids = [0, 1, 2].map((seed) => claimedRun(database, { seed }));
    setArchived(database, ids[1]!, true);
    expect(listRuns(database).map((run) => run.id)).toEqual([ids[2], ids[0]]);
    expect(listRuns(database, { includeArchived: true }).map((run) => run.id)).toEqual([...ids].reverse());
    expect(listRuns(database, { limit: 1 }).map((run) => run.id)).toEqual([ids[2]]);
    setArchived(database, ids[1]!, false);
    expect(listRuns(database)).toHaveLength(3);
  });

  test('gives the runs of one experiment', () => {
    const database = openStudio();
    claimedRun(database);
    const config = sampleConfig();
    const runId = createRun(database, { config, environment: sampleEnvironment, experiment: 'e' });
    expect(listRuns(database, { experiment: 'e' }).map((run) => run.id)).toEqual([runId]);
    expect(listRuns(database, { experiment: 'f' })).toEqual([]);
    expect(listExperiments(database)).toMatchObject([{ name: 'e', runs: 1 }]);
  });
});

describe('what a person writes on a run', () => {
  test('is kept, and does not need the run to be claimed', () => {
    const database = openStudio();
    const runId = createRun(database, { config: sampleConfig(), environment: sampleEnvironment });
    renameRun(database, runId, 'baseline');
    setNotes(database, runId, 'It works.\nNearly.');
    for (const tag of ['b', ' a ', 'b']) addTag(database, runId, tag);
    expect(findRun(database, runId)).toMatchObject({
      name: 'baseline',
      notes: 'It works.\nNearly.',
      tags: ['a', 'b'],
    });
    removeTag(database, runId, 'b');
    removeTag(database, runId, 'never there');
    renameRun(database, runId, null);
    expect(findRun(database, runId)).toMatchObject({ name: null, tags: ['a'] });
  });

  test.each(['', '   ', 'x'.repeat(201), 'bell\u0007', 'two\nlines'])(
    'may not be a name such as %j',
    (name) => {
      const database = openStudio();
      const runId = claimedRun(database);
      for (const act of [renameRun, addTag])
        expect(studioErrorOf(() => act(database, runId, name)).code).toBe('USAGE');
    },
  );

  test('is refused for a run that is not there', () => {
    const database = openStudio();
    for (const act of [renameRun, setNotes, addTag, removeTag]) {
      expect(studioErrorOf(() => act(database, 'r00000', 'text')).code).toBe('NOT_FOUND');
    }
  });
});

describe('deleting a run', () => {
  test('takes all its rows and nobody else’s', () => {
    const database = openStudio();
    const kept = trainedRun(database, 10);
    const runId = trainedRun(database, 30);
    addTag(database, runId, 'tag');
    const before = runSize(database, kept);
    expect(runSize(database, runId)).toMatchObject({
      metricPoints: 90,
      evaluations: 1,
      logLines: 1,
      checkpoints: 1,
      checkpointBytes: 1030,
    });
    database.close();
    const again = openStudio(database.path);
    deleteRun(again, runId);
    expect(runSize(again, kept)).toEqual(before);
    expect(studioErrorOf(() => runSize(again, runId)).code).toBe('NOT_FOUND');
    const tables = [
      'metrics',
      'system_metrics',
      'evaluations',
      'predictions',
      'checkpoints',
      'logs',
      'run_tags',
      'leases',
    ];
    for (const table of tables) {
      const orphans = again.connection
        .prepare(`SELECT count(*) FROM ${table} WHERE run NOT IN (SELECT number FROM runs)`)
        .pluck()
        .get();
      expect(orphans, table).toBe(0);
    }
  });

  test('is refused while somebody works on it', () => {
    const database = openStudio();
    const runId = createRun(database, { config: sampleConfig(), environment: sampleEnvironment });
    const lease = claimRun(database, runId);
    expect(studioErrorOf(() => deleteRun(database, runId)).code).toBe('LOCKED');
    lease.release();
    deleteRun(database, runId);
    expect(listRuns(database)).toEqual([]);
  });
});
