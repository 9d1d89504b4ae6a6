/** @file Node. Experiments: names under which a person gathers runs. */

import type { StudioDatabase, StudioReader } from './connection.ts';
import { read, write } from './connection.ts';
import { requireLabel } from './label.ts';

export interface ExperimentSummary {
  readonly name: string;
  readonly createdAt: string;
  readonly runs: number;
}

/** Every experiment by name, with how many runs it has, archived ones included. */
export function listExperiments(database: StudioReader): ExperimentSummary[] {
  const select = `SELECT name, created_at AS createdAt, (SELECT count(*) FROM runs WHERE experiment = experiments.id) AS runs
    FROM experiments ORDER BY name`;
  return read(database, () => database.connection.prepare<[], ExperimentSummary>(select).all());
}

/** The key of the experiment of that name, which is made if it is not there. Throws USAGE for an empty name. */
export function experimentKey(database: StudioDatabase, name: string): number {
  const label = requireLabel(name, 'The name of an experiment');
  return write(database, () => {
    const { connection } = database;
    const insert = connection.prepare(
      'INSERT INTO experiments (name, created_at) VALUES (?, ?) ON CONFLICT (name) DO NOTHING',
    );
    insert.run(label, new Date().toISOString());
    return connection
      .prepare<[string], number>('SELECT id FROM experiments WHERE name = ?')
      .pluck()
      .get(label) as number;
  });
}
