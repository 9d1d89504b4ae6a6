/** @file Tests. The launcher: which Node it takes, what it passes on, and what it says when it can do nothing. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OLDER_NODE, OLDER_NODE_ELSEWHERE } from '../../support/olderNode.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const ROOT = dirname(dirname(dirname(import.meta.dirname)));
const LAUNCHER = join(ROOT, 'bin', 'entail.js');
const folder = temporaryFolder();

/** A TypeScript program to be launched. */
function program(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const ECHO = program(
  'echo.ts',
  'const words: readonly string[] = process.argv.slice(2);\nconsole.log(JSON.stringify({ words, pid: process.pid }));\nprocess.exitCode = 7;\n',
);

function launch(nodeOptions: readonly string[], words: readonly string[], launcher = LAUNCHER) {
  return spawnSync(process.execPath, [...nodeOptions, launcher, ...words], { encoding: 'utf8' });
}

describe.each([
  ['in its own process', []],
  ['in the Node that npm brought', OLDER_NODE],
])('%s', (_, nodeOptions) => {
  it('passes on words, output and exit code', () => {
    const { pid, status, stdout, stderr } = launch(nodeOptions, ['--run', ECHO, 'a b', '--run', '*']);
    expect({ status, stderr }).toEqual({ status: 7, stderr: '' });
    const told = JSON.parse(stdout) as { words: string[]; pid: number };
    expect(told.words).toEqual(['a b', '--run', '*']);
    expect(told.pid === pid).toBe(nodeOptions.length === 0);
  });

  it('starts the command line', () => {
    expect(launch(nodeOptions, ['--version'])).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  it('keeps compiled code beside the packages, for its own processes too, or where a person says', () => {
    const where = program(
      'where.ts',
      "import { getCompileCacheDir } from 'node:module';\nconsole.log(getCompileCacheDir(), process.env['NODE_COMPILE_CACHE']);\n",
    );
    const kept = (environment: Readonly<Record<string, string>>) => {
      const { NODE_COMPILE_CACHE: _, ...others } = process.env;
      const words = [...nodeOptions, LAUNCHER, '--run', where];
      const env = { ...others, ...environment };
      return spawnSync(process.execPath, words, { encoding: 'utf8', env }).stdout.trim().split(' ');
    };
    const beside = join(ROOT, 'node_modules', '.cache', 'entail');
    expect(kept({})).toEqual([expect.stringContaining(beside), beside]);
    expect(kept({ NODE_COMPILE_CACHE: folder })).toEqual([expect.stringContaining(folder), folder]);
    expect(kept({ NODE_DISABLE_COMPILE_CACHE: '1' })[0]).toBe('undefined');
  });

  it('passes on signals, and tells of a death by signal as shells do', async () => {
    const polite = program(
      'polite.ts',
      "process.on('SIGTERM', () => process.exit(9));\nsetInterval(() => {}, 1000);\nconsole.log('ready');\n",
    );
    expect(await endAfterSignal(polite, nodeOptions)).toBe(9);
    const rude = program('rude.ts', "setInterval(() => {}, 1000);\nconsole.log('ready');\n");
    const ended = await endAfterSignal(rude, nodeOptions);
    expect(nodeOptions.length === 0 ? [null] : [143]).toContain(ended);
  });
});

async function endAfterSignal(path: string, nodeOptions: readonly string[]): Promise<number | null> {
  const child: ChildProcess = spawn(process.execPath, [...nodeOptions, LAUNCHER, '--run', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout!.once('data', () => child.kill('SIGTERM'));
  return await new Promise((resolve) => child.once('exit', resolve));
}

describe('where it can do nothing', () => {
  it('says which Node is needed and how to get it', () => {
    const { status, stderr } = launch(OLDER_NODE_ELSEWHERE, ['--version']);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^error: Entail needs Node 22\.19 or newer, and this is Node .+\nnext: install Node 24 .+mips\n$/,
    );
  });

  it('says that the packages are not installed', () => {
    const bare = temporaryFolder();
    mkdirSync(join(bare, 'bin'));
    cpSync(LAUNCHER, join(bare, 'bin', 'entail.js'));
    writeFileSync(join(bare, 'package.json'), '{"type":"module"}');
    const { status, stderr } = launch([], ['--version'], join(bare, 'bin', 'entail.js'));
    expect(status).toBe(1);
    expect(stderr).toBe(
      `error: the dependencies of Entail are not installed\nnext: run "npm ci" in ${bare}\n`,
    );
  });

  it('is understood by a Node that knows no modules', () => {
    const path = join(folder, 'entail.cjs');
    cpSync(LAUNCHER, path);
    const { status, stderr } = launch([], [], path);
    expect(status).toBe(1);
    expect(stderr).toContain('error: Entail needs Node 20 or newer');
  });
});
