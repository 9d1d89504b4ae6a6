/** @file Tests. `entail export` in the terminal: what is told of formats that are done when a later one is stopped. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { entailHere, homeWithPairs, TINY_RUN } from '../../support/entailHere.ts';
import { numberedPairs, writePairsCsv } from '../../support/pairsCsv.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

/** Thousands of pairs are imported and evaluated, and the machine may have other work. */
const SLOWEST_MS = 300_000;

let home = '';
let run = '';
/** An export goes on while it is told to end: here it has work left whenever it hears that. */
let longHome = '';
let longRun = '';

beforeAll(async () => {
  home = await homeWithPairs();
  run = await trained(home);
  longHome = temporaryFolder();
  const path = join(longHome, 'pairs.csv');
  const pairs = numberedPairs(10_000).map((pair, at) => ({ ...pair, split: at < 120 ? 'train' : 'test' }));
  writePairsCsv(path, pairs);
  await entailHere(['datasets', 'import', path, '--name', 'pairs'], { home: longHome });
  longRun = await trained(longHome);
}, SLOWEST_MS);

/** -> the id of a run. */
async function trained(place: string): Promise<string> {
  const { stdout } = await entailHere(['train', ...TINY_RUN, '--json'], { home: place });
  return lastEvent(stdout)['runId'] as string;
}

/** Ctrl-C, once, when the comparison begins. */
function pressOnce(): (stdout: string, press: () => void) => void {
  let pressed = false;
  return (stdout, press) => {
    if (pressed || !stdout.includes('loading')) return;
    pressed = true;
    press();
  };
}

const events = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const lastEvent = (stdout: string) => events(stdout).at(-1)!;

it('tells what stays when it is stopped between two formats', async () => {
  const out = join(temporaryFolder(), 'exported');
  const words = ['export', longRun, '--to', 'torch', 'onnx', '--out', out, '--engine', 'wasm', '--json'];
  const { code, stdout } = await entailHere(words, { home: longHome, onOutput: pressOnce() });
  expect(code).toBe(130);
  const told = events(stdout).filter(({ event }) => event === 'export');
  expect(told).toMatchObject([{ to: 'torch', state: 'unverified', folder: join(out, 'torch') }]);
  expect(lastEvent(stdout)).toMatchObject({ event: 'error', code: 'CANCELLED' });
  expect(readdirSync(out)).toEqual(['torch']);
  expect(existsSync(join(out, 'torch', 'parity.json'))).toBe(true);
});

it('does not end well when it was stopped before it was compared to the end', async () => {
  const out = join(temporaryFolder(), 'exported');
  const words = ['export', longRun, '--to', 'torch', '--out', out, '--engine', 'wasm', '--json'];
  const { code, stdout } = await entailHere(words, { home: longHome, onOutput: pressOnce() });
  expect(lastEvent(stdout)).toMatchObject({ event: 'export', state: 'unverified' });
  expect(code).toBe(130);
});

it('says why nothing was compared, and what to do', async () => {
  const file = join(temporaryFolder(), 'run');
  await entailHere(['export', run, '--to', 'run', '--out', file, '--engine', 'wasm'], { home });
  const other = temporaryFolder();
  const imported = await entailHere(['runs', 'import', join(file, `${run}.entail-run.zip`), '--json'], {
    home: other,
  });
  const id = lastEvent(imported.stdout)['runId'] as string;
  const out = join(temporaryFolder(), 'exported');
  const { stdout } = await entailHere(['export', id, '--to', 'torch', '--out', out], { home: other });
  expect(stdout).toContain('PyTorch: unverified');
  expect(stdout).toContain("the run's data set is not here; import it and export again");
});

it('says where a format has not the precision that was asked for', async () => {
  const out = join(temporaryFolder(), 'exported');
  const words = ['export', run, '--to', 'torch', 'tfjs', 'onnx', '--precision', 'int8', '--out', out];
  const { stdout } = await entailHere([...words, '--engine', 'wasm'], { home });
  expect(stdout).toContain('PyTorch, fp32 (there is no int8 of it): ');
  expect(stdout).toContain('TensorFlow.js, fp16 (there is no int8 of it): ');
  expect(stdout).toContain('ONNX, int8: ');
});
