/** @file Tests. `engines test` as a person runs it: a report on the screen, in a file and as JSON, exit codes, Ctrl-C. */
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonLines, onceSaid, runEntail } from '../../support/runEntail.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

describe('engines test', () => {
  it('prints a report to paste', async () => {
    const { code, stdout, stderr } = await runEntail(['engines', 'test', 'cpu'], { home: temporaryFolder() });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const report = stdout.slice(stdout.indexOf('# Engine'));
    expect(report).toContain('# Engine `cpu` on cpu\n');
    expect(report).toContain('| verdict | passes: ');
    expect(report).toMatch(/\| model_book\.json \| loss and every gradient \| .+ \| ok \|/);
    expect(report).not.toContain('OUTSIDE');
  });

  it('writes it into a file, and tells scripts each step', async () => {
    const out = join(temporaryFolder(), 'report.md');
    const words = ['engines', 'test', 'cpu', '--json', '--out', out];
    const { code, stdout } = await runEntail(words, { home: temporaryFolder() });
    expect(code).toBe(0);
    const events = jsonLines(stdout);
    expect(events[0]).toMatchObject({ event: 'progress', fraction: 0 });
    expect(events.at(-1)).toMatchObject({ event: 'result', passes: true, engine: { engine: 'cpu' } });
    expect(readFileSync(out, 'utf8')).toContain('# Engine `cpu` on cpu\n');
  });

  it('stops at Ctrl-C with nothing written', async () => {
    const out = join(temporaryFolder(), 'report.md');
    const { code, stderr } = await runEntail(['engines', 'test', 'cpu', '--out', out], {
      home: temporaryFolder(),
      onOutput: onceSaid('model_book.json', (child: ChildProcess) => child.kill('SIGINT')),
    });
    expect(code).toBe(130);
    expect(stderr).toContain('The test was cancelled.');
    expect(existsSync(out)).toBe(false);
  });

  it.each([
    [['engines', 'test', 'abacus'], 2, 'There is no engine called "abacus"'],
    [['engines', 'test', 'wasm', '--device', 'gpu'], 2, '--device must be such as cpu'],
    [
      ['engines', 'test', 'wasm', '--device', 'cuda:0'],
      1,
      'There is no device "cuda:0" for this engine; there is cpu.',
    ],
    [['engines', 'test', 'wasm', '--minutes', '0'], 2, '--minutes must be a whole number'],
    [['engines', 'test', 'wasm', '--precision', 'bf16'], 2, '--precision must be fp32 or fp16'],
    [
      ['engines', 'test', 'wasm', '--precision', 'fp16'],
      2,
      'The engine wasm computes in single precision only, not in fp16.',
    ],
    [['engines', 'test', 'tensorflow'], 1, 'The engine tensorflow is not installed.'],
  ])('%j ends with exit code %i and says why', async (words, exitCode, says) => {
    const { code, stderr } = await runEntail(words, { home: temporaryFolder() });
    expect(stderr).toContain(says);
    expect(code).toBe(exitCode);
  });
});
