/** @file Tests. docs/database.md: its queries run, and it names every table and column. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { APPLICATION_ID } from '../../../main/db/settings.ts';
import { openStudio, trainedRun } from '../../support/studioFile.ts';

const text = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'database.md'), 'utf8');

test('every query of the documentation runs', () => {
  const database = openStudio();
  trainedRun(database, 5);
  const queries = [...text.matchAll(/```sql\n(.*?)```|"""(.*?)"""/gs)].map((match) => match[1] ?? match[2]!);
  expect(queries.length).toBeGreaterThan(3);
  for (const query of queries) database.connection.prepare(query).all();
});

test('every table and column is documented, and the numbers are right', () => {
  const { connection } = openStudio();
  const tables = connection
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    .pluck()
    .all();
  for (const table of tables) {
    expect(text).toContain(`\`${table}\``);
    const columns = connection
      .prepare<[string], string>('SELECT name FROM pragma_table_info(?)')
      .pluck()
      .all(table);
    for (const column of columns) expect(text, `${table}.${column}`).toContain(`\`${column}\``);
  }
  expect(text).toContain(`0x${APPLICATION_ID.toString(16)}`);
  expect(text).toContain(`now ${connection.pragma('user_version', { simple: true })}`);
});
