/** @file Tests. `entail export` in the terminal: what is told of formats that are done when a later one is stopped. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { entailHere, homeWithPairs, TINY_RUN } from '../../support/entailHere.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

let home = '';
let run = '';

beforeAll(async () => {
  home = await homeWithPairs();
  const { stdout } = await entailHere(['train', ...TINY_RUN, '--json'], { home });
  run = lastEvent(stdout)['runId'] as string;
});

const events = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const lastEvent = (stdout: string) => events(stdout).at(-1)!;

it('tells what stays when it is stopped between two formats', async () => {
  const out = join(temporaryFolder(), 'exported');
  const words = ['export', run, '--to', 'torch', 'onnx', '--out', out, '--engine', 'wasm', '--json'];
  const onOutput = (stdout: string, press: () => void) => {
    if (stdout.includes('loading')) press();
  };
  const { code, stdout } = await entailHere(words, { home, onOutput });
  expect(code).toBe(130);
  const told = events(stdout).filter(({ event }) => event === 'export');
  expect(told).toMatchObject([{ to: 'torch', state: 'unverified', folder: join(out, 'torch') }]);
  expect(lastEvent(stdout)).toMatchObject({ event: 'error', code: 'CANCELLED' });
  expect(readdirSync(out)).toEqual(['torch']);
  expect(existsSync(join(out, 'torch', 'parity.json'))).toBe(true);
});
