/**
 * @file Tests. The command line as a whole: words in, text or JSON out, exit codes. Each command is a process of its own as
 * long as that may make a difference; where a test needs many, those that only prepare or look run in this one.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { entailHere } from '../../support/entailHere.ts';
import { numberedPairs, writePairsCsv } from '../../support/pairsCsv.ts';
import { jsonLines, runEntail } from '../../support/runEntail.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: no colour and no live line must reach a file.
const ESCAPES = /\u001b|\r/;

describe('a journey without a terminal', () => {
  const home = temporaryFolder();
  const files = temporaryFolder();
  const run = (...words: string[]) => runEntail(words, { home });
  const TINY = ['--size', 'free', '--layers', '1', '--hidden', '8', '--heads', '2', '--feed-forward', '8'];
  let runId = '';

  beforeAll(async () => {
    const path = join(files, 'pairs.csv');
    writePairsCsv(path, numberedPairs(240));
    const imported = await run('datasets', 'import', path, '--name', 'pairs');
    expect(imported.stderr).toBe('');
    expect(imported.code).toBe(0);
    expect(imported.stdout).toContain('guessed: premise = premise, hypothesis = hypothesis, label = label');
    expect(imported.stdout).toContain('made train/dev/test of 80 % / 10 % / 10 %');
    expect(imported.stdout).not.toMatch(ESCAPES);
    const words = [
      'train',
      '--dataset',
      'pairs',
      '--engine',
      'wasm',
      '--epochs',
      '2',
      '--batch-size',
      '32',
      '--json',
    ];
    const trained = await run(...words, ...TINY, '--name', 'a name', '--tag', 'one', '--tag', 'two');
    expect(trained.code).toBe(0);
    const events = jsonLines(trained.stdout);
    expect(events[0]).toMatchObject({ event: 'run' });
    const last = events.at(-1)!;
    expect(last).toMatchObject({ event: 'result', epochs: 2, selectedOnTest: false });
    expect(last['testAccuracy']).toBeGreaterThanOrEqual(0);
    runId = last['runId'] as string;
  });

  it('lists data sets and runs as JSON arrays', async () => {
    const datasets = await run('datasets', 'list', '--json');
    expect(JSON.parse(datasets.stdout)).toMatchObject([
      { name: 'pairs', rows: { train: 192, dev: 24, test: 24 } },
    ]);
    const runs = await run('runs', 'list', '--json');
    expect(JSON.parse(runs.stdout)).toMatchObject([
      { id: runId, name: 'a name', tags: ['one', 'two'], state: 'completed' },
    ]);
  });

  it('shows a run with its confusion matrix', async () => {
    const { code, stdout } = await run('runs', 'show', runId.slice(0, 5));
    expect(code).toBe(0);
    expect(stdout).toContain('gold \\ predicted');
    expect(stdout).toMatch(
      /loss \d\.\d{3}, train acc \d\.\d{3}, test acc \d\.\d{3}\n\d+\.\d examples\/sec on \[.+\]/,
    );
    expect(stdout).not.toMatch(ESCAPES);
  });

  it("prints one line a running mean, the book's two lines and the next step", async () => {
    const { code, stdout, stderr } = await run(
      'train',
      '--dataset',
      'pairs',
      '--engine',
      'wasm',
      '--epochs',
      '1',
      '--batch-size',
      '32',
      '--seed',
      '1',
      ...TINY,
    );
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout.match(/^epoch \d\.\d\d {2}step \d+ {2}loss/gm)).toHaveLength(6);
    expect(stdout).toMatch(/^loss \d\.\d{3}, train acc \d\.\d{3}, test acc \d\.\d{3}$/m);
    expect(stdout).toContain('npx --no entail runs show');
    expect(stdout).not.toMatch(ESCAPES);
    const ids = idsIn(await entailHere(['runs', 'list', '--json'], { home }));
    const compared = await run('runs', 'compare', ...ids, '--json');
    const { settings } = JSON.parse(compared.stdout) as { settings: { key: string; differs: boolean }[] };
    expect(settings.map(({ key }) => key)).toEqual(
      expect.arrayContaining(['hyperparameters.seed', 'hyperparameters.epochs']),
    );
    expect(settings.every(({ differs }) => differs)).toBe(true);
  });

  it('evaluates on HANS in one command, by heuristic, and again without importing', async () => {
    const hans = join(files, 'heuristics_evaluation_set.txt');
    const row = (label: string, heuristic: string, words: string) =>
      `${label}\t${words}\tIt is so .\t${heuristic}`;
    const rows = [
      'gold_label\tsentence1\tsentence2\theuristic',
      row('entailment', 'subsequence', 'one two .'),
    ];
    for (let at = 0; at < 30; at++) rows.push(row('non-entailment', 'constituent', `${at} three .`));
    writeFileSync(hans, `${rows.join('\n')}\n`);
    const words = ['evaluate', runId, '--dataset', 'hans', '--data', hans, '--engine', 'wasm'];
    const { code, stdout, stderr } = await run(...words);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/on hans, test: acc .* 31 pairs/);
    expect(stdout).toMatch(/^heuristic\s+accuracy\s+entailment\s+non-entailment\s+pairs$/m);
    expect(stdout).toMatch(/^constituent\s+[01]\.\d{3}\s+-\s+[01]\.\d{3}\s+30$/m);
    const again = await run(...words, '--json');
    expect(jsonLines(again.stdout).at(-1)).toMatchObject({
      ...{ dataset: 'hans', split: 'test', pairs: 31 },
      groups: [
        {
          group: 'heuristic',
          kinds: [
            { kind: 'subsequence', pairs: 1 },
            { kind: 'constituent', pairs: 30 },
          ],
        },
      ],
    });
    const missing = await run('evaluate', runId, '--dataset', 'multinli');
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('datasets download hf:nyu-mll/multi_nli');
  });

  it('evaluates on another split', async () => {
    const { code, stdout } = await run('evaluate', runId, '--split', 'dev', '--engine', 'wasm', '--json');
    expect(code).toBe(0);
    expect(jsonLines(stdout).at(-1)).toMatchObject({
      event: 'result',
      runId,
      split: 'dev',
      pairs: 24,
      selectedOnTest: false,
    });
  });

  it('says "selected on test" wherever the figures of such a run appear', async () => {
    const path = join(files, 'noDev.csv');
    const rows = Array.from(
      { length: 60 },
      (_, row) => `a ${row % 7},b,${row % 2},${row % 4 ? 'train' : 'test'}`,
    );
    writeFileSync(path, `premise,hypothesis,label,split\n${rows.join('\n')}\n`);
    const elsewhere = { home: temporaryFolder() };
    await entailHere(['datasets', 'import', path, '--name', 'p', '--mapping', 'split=split'], elsewhere);
    const words = [
      'train',
      '--dataset',
      'p',
      '--engine',
      'wasm',
      '--epochs',
      '1',
      '--keep',
      'best',
      '--json',
    ];
    const trained = jsonLines((await entailHere([...words, ...TINY], elsewhere)).stdout).at(-1)!;
    expect(trained).toMatchObject({ event: 'result', selectedOnTest: true });
    const id = trained['runId'] as string;
    const shown = await runEntail(['runs', 'show', id], elsewhere);
    expect(shown.stdout).toMatch(/^test after epoch 1\.00 \(selected on test\): acc/m);
    expect(shown.stdout).toMatch(/step 1, epoch 1\.00, best/);
    const evaluated = await entailHere(['evaluate', id, '--engine', 'wasm', '--json'], elsewhere);
    expect(jsonLines(evaluated.stdout).at(-1)).toMatchObject({ split: 'test', selectedOnTest: true });
  });

  it('predicts one pair', async () => {
    const { code, stdout } = await run(
      'predict',
      runId,
      '--premise',
      'A man sleeps.',
      '--hypothesis',
      'He is awake.',
      '--engine',
      'wasm',
      '--json',
    );
    expect(code).toBe(0);
    const { probabilities } = jsonLines(stdout).at(-1) as { probabilities: Record<string, number> };
    expect(Object.keys(probabilities).sort()).toEqual(['contradiction', 'entailment', 'neutral']);
    expect(Object.values(probabilities).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
  });

  it('predicts a file, and never writes a formula', async () => {
    const input = join(files, 'in.csv');
    const output = join(files, 'out.csv');
    writeFileSync(
      input,
      'id,premise,hypothesis\n-0.5,A dog runs.,=HYPERLINK("x")\n2,,nothing before it\n3,"Two, lines","a ""quote"""\n',
    );
    const { code, stdout } = await run(
      'predict',
      runId,
      '--input',
      input,
      '--output',
      output,
      '--engine',
      'wasm',
    );
    expect(code).toBe(0);
    expect(stdout).toContain('left out 1 row: no premise (first in line 3)');
    const lines = readFileSync(output, 'utf8').trimEnd().split('\n');
    expect(lines[0]).toBe('id,premise,hypothesis,predicted,p(entailment),p(contradiction),p(neutral)');
    expect(lines[1]).toMatch(/^-0\.5,A dog runs\.,"'=HYPERLINK\(""x""\)",\w+,0\.\d+,0\.\d+,0\.\d+$/);
    expect(lines[2]).toMatch(/^3,"Two, lines","a ""quote""",\w+,/);
    expect(lines).toHaveLength(3);
    const again = await run('predict', runId, '--input', input, '--output', output, '--engine', 'wasm');
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('exists already');
  });

  it('deletes nothing that nobody agreed to, and says what would go', async () => {
    const here = (...words: string[]) => entailHere(words, { home });
    const refused = await run('datasets', 'delete', 'pairs');
    expect(refused.code).toBe(2);
    expect(refused.stdout).toContain('refer to it');
    expect(refused.stderr).toContain('--yes');
    expect(JSON.parse((await here('datasets', 'list', '--json')).stdout)).toHaveLength(2);
    const cleared = await here('cache', 'clear', '--yes', '--json');
    expect(jsonLines(cleared.stdout).at(-1)).toMatchObject({ event: 'result' });
    const ids = idsIn(await here('runs', 'list', '--json'));
    const gone = await run('runs', 'delete', ...ids, ids[0]!, '--yes', '--json');
    expect(gone.code).toBe(0);
    expect(jsonLines(gone.stdout).at(-1)).toMatchObject({ event: 'result', deleted: ids });
    expect((await here('datasets', 'delete', 'pairs', '--yes')).code).toBe(0);
    expect((await here('runs', 'list', '--json')).stdout).toBe('[]\n');
  });
});

function idsIn({ stdout }: { stdout: string }): string[] {
  return (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id);
}

describe('failures', () => {
  const home = temporaryFolder();

  it('say what is wrong and what to do, on stderr, with exit code 1', async () => {
    const { code, stdout, stderr } = await runEntail(
      ['datasets', 'import', join(home, 'none.csv'), '--name', 'x'],
      { home },
    );
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: .+\nwhere: .*none\.csv\nnext: .+\n$/);
  });

  it('are an event with --json', async () => {
    const { code, stdout } = await runEntail(['runs', 'show', 'nothing', '--json'], { home });
    expect(code).toBe(1);
    expect(jsonLines(stdout)).toMatchObject([{ event: 'error', code: 'NOT_FOUND' }]);
  });

  it('set a damaged studio.db aside aloud, and leave the JSON on stdout whole', async () => {
    const damaged = temporaryFolder();
    writeFileSync(join(damaged, 'studio.db'), 'this was precious');
    const { code, stdout, stderr } = await runEntail(['runs', 'list', '--json'], { home: damaged });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '[]\n' });
    expect(stderr).toMatch(/^note: .*studio\.db\.damaged-/);
    const aside = readdirSync(damaged).find((name) => name.startsWith('studio.db.damaged-'))!;
    expect(readFileSync(join(damaged, aside), 'utf8')).toBe('this was precious');
  });

  it('of words that make no command are wrong usage, exit code 2', async () => {
    const { code, stderr } = await runEntail(['trian'], { home });
    expect(code).toBe(2);
    expect(stderr).toContain('Did you mean train?');
    expect(stderr).toContain('next: ');
  });

  it.each([
    [['--engine', 'foo'], 'error: --engine is one of native, tensorflow'],
    [['--bogus'], "error: Unknown option '--bogus'"],
    [['--rounds', 'x'], 'error: --rounds must be'],
  ])('of the benchmark: %j is wrong usage too', async (words, said) => {
    const { code, stderr } = await runEntail(['--run', 'test/bench/run.ts', ...words], { home });
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    expect(stderr).toContain('Usage: npm run -s bench');
    expect(stderr).not.toContain('    at ');
  });
});
