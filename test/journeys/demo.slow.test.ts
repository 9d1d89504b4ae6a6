/** @file Tests. The first minutes of a new user: `npm start`, and that only reading both sentences helps there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HYPERPARAMETERS } from '../../shared/hyperparameters.ts';
import { QUICK } from '../../shared/presets.ts';
import { jsonLines, runEntail } from '../support/runEntail.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

/** The demo's recipe as flags of `train`. */
function recipeFlags(): string[] {
  return HYPERPARAMETERS.flatMap(({ name, default: usual }) => {
    const value = QUICK[name];
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === usual ? [] : [flag, String(value)];
  });
}

/** The sample with nothing but a full stop for every premise. */
function withoutPremises(): string {
  const folder = temporaryFolder();
  for (const split of ['train', 'dev', 'test']) {
    const name = `snli_1.0_${split}.txt`;
    const [header, ...rows] = readFileSync(join('resources', 'sample', name), 'utf8')
      .trimEnd()
      .split('\n');
    const blanked = rows.map((row) => {
      const columns = row.split('\t');
      return [columns[0], '( . )', columns[2], '(ROOT (. .))', columns[4], '.', ...columns.slice(6)].join(
        '\t',
      );
    });
    writeFileSync(join(folder, name), `${[header, ...blanked].join('\n')}\n`);
  }
  return folder;
}

/** Two whole trainings, which take minutes, and several times that on a busy machine. */
const LONGEST_MS = 1_800_000;

it('teaches the demo to compare sentences, 25 points above what the hypothesis alone gives away', {
  timeout: LONGEST_MS,
}, async () => {
  const home = temporaryFolder();
  const demo = await runEntail(['demo', '--engine', 'wasm'], { home });
  expect(demo.stderr).toBe('');
  expect(demo.code).toBe(0);
  expect(demo.stdout).toContain('gold \\ predicted');
  expect(demo.stdout).toContain('5 most confident mistakes');
  const listed = await runEntail(['runs', 'list', '--json'], { home });
  const [run] = JSON.parse(listed.stdout) as {
    id: string;
    state: string;
    result: { testAccuracy: number };
  }[];
  expect(run).toMatchObject({ id: expect.any(String), state: 'completed' });

  await runEntail(['datasets', 'import', withoutPremises(), '--name', 'blanked'], { home });
  const words = ['train', '--dataset', 'blanked', '--engine', 'wasm', '--json', ...recipeFlags()];
  const blanked = await runEntail(words, { home });
  const result = jsonLines(blanked.stdout).at(-1)! as { event: string; testAccuracy: number };
  expect(result.event).toBe('result');
  expect(result.testAccuracy).toBeLessThanOrEqual(0.4);
  expect(run!.result.testAccuracy).toBeGreaterThanOrEqual(Math.max(0.4, result.testAccuracy) + 0.25);
});
