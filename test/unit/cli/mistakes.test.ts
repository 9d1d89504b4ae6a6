/** @file Tests. What a stranger types wrongly, and what the command line answers. */
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { createRun } from '../../../main/db/runs.ts';
import { entailHere } from '../../support/entailHere.ts';
import { sampleConfig, sampleEnvironment } from '../../support/sampleRun.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const home = temporaryFolder();
let run: string;

beforeAll(() => {
  const database = openStudioDatabase(join(home, 'studio.db'));
  run = createRun(database, { config: sampleConfig(), environment: sampleEnvironment });
  database.close();
});

it.each([
  [
    ['train', '--datset', 'pairs', '--epochs=3'],
    "unknown option '--datset', and required option '--dataset <NAME>' not specified",
  ],
  [['train', 'pairs', '--dataset'], "option '--dataset <NAME>' argument missing"],
  [['runs', 'compare', 'RUN'], 'One run alone has nothing to be compared with.'],
  [['runs', 'compare', 'RUN', 'RUN'], 'One run alone has nothing to be compared with.'],
  [['datasets', 'imprt'], 'Did you mean import?'],
  [['train', '--dataset', 'x', '--batchsize', '8'], 'Did you mean --batch-size?'],
  [['train', '--dataset', 'x', '--lr', 'NaN'], '--lr must be above 0, up to 10; "NaN" is not.'],
  [['train', '--dataset', 'x', '--batch-size', '0'], '--batch-size must be 1 to 65536; "0" is not.'],
  [['train'], "'--dataset <NAME>'"],
  [['evaluate', 'r1', '--split', 'foo'], '--split must be train, dev, test; "foo" is not.'],
  [['evaluate', 'r1', '--threads', '0'], '--threads must be a whole number from 1 to 1024; "0" is not.'],
  [['predict', 'r1', '--premise', 'a', '--hypothesis', ' '], '--hypothesis is empty.'],
  [['predict', 'r1', '--premise', ''], '--premise is empty.'],
  [['predict', 'r1', '--input', 'a.csv', '--output', './a.csv'], 'replace their own input'],
  [['help', 'queue', 'lst'], 'There is no command "queue lst".'],
])('%j is answered with what is wrong, and exit code 2', async (words, said) => {
  const { code, stdout, stderr } = await entailHere(
    words.map((word) => (word === 'RUN' ? run : word)),
    { home },
  );
  expect(stderr).toContain(said);
  expect(stderr).toContain('next: ');
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

it('tells an experiment without runs from a studio without runs', async () => {
  expect((await entailHere(['runs', 'list', '--experiment', 'none'], { home })).stdout).toBe(
    'No run of the experiment "none".\n',
  );
  expect((await entailHere(['runs', 'list'], { home: temporaryFolder() })).stdout).toContain('No run yet');
});
