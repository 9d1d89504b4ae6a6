/** @file Tests. The shape of the project: fences between folders, files that say where they run, entries that start. */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { checkoutEntries } from '../main/entries.ts';
import { temporaryFolder } from './support/temporaryFolder.ts';

const ROOT = dirname(import.meta.dirname);
const DEPCRUISE = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
}

/** Runs dependency-cruiser with the project's rules over the folders of `root`. */
function violationsIn(root: string, folders: readonly string[]): Violation[] {
  const config = join(root, '.dependency-cruiser.cjs');
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [DEPCRUISE, '--config', config, '--output-type', 'json', ...folders],
    { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}

function sourceFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

describe('fences', () => {
  /** What stands where, what it imports, and the rule that must forbid it. */
  const FORBIDDEN: readonly (readonly [from: string, to: string, rule: string])[] = [
    ['shared/a.ts', '../main/files/ok.ts', 'shared-fence'],
    ['shared/b.ts', 'node:fs', 'shared-is-pure'],
    ['shared/c.ts', 'csv-parse', 'shared-is-pure'],
    ['main/files/a.ts', '../data/ok.ts', 'files-fence'],
    ['main/db/a.ts', '../data/ok.ts', 'db-fence'],
    ['main/hub/a.ts', '../data/ok.ts', 'hub-fence'],
    ['main/hub/b.ts', '../models/ok.ts', 'hub-fence'],
    ['main/data/a.ts', '../db/ok.ts', 'data-fence'],
    ['main/data/b.ts', '../model/ok.ts', 'data-fence'],
    ['main/analysis/a.ts', '../data/ok.ts', 'analysis-fence'],
    ['main/analysis/b.ts', '../model/ok.ts', 'analysis-fence'],
    ['main/model/a.ts', '../data/ok.ts', 'model-fence'],
    ['main/model/b.ts', '@tensorflow/tfjs-backend-wasm', 'model-imports-only-tfjs-core'],
    ['main/models/a.ts', '../data/ok.ts', 'models-fence'],
    ['main/models/b.ts', '../training/ok.ts', 'models-fence'],
    ['main/model/c.ts', '../models/ok.ts', 'model-fence'],
    ['main/export/a.ts', '../db/ok.ts', 'export-fence'],
    ['main/export/b.ts', '../studio.ts', 'only-the-roots-see-everything'],
    ['main/export/c.ts', '../exporting/ok.ts', 'export-fence'],
    ['main/exporting/a.ts', '../db/ok.ts', 'exporting-fence'],
    ['main/model/d.ts', '../export/ok.ts', 'model-fence'],
    ['main/engines/a.ts', '../data/ok.ts', 'engines-fence'],
    ['main/golden/a.ts', '../db/ok.ts', 'golden-fence'],
    ['main/engines/b.ts', '../golden/ok.ts', 'engines-fence'],
    ['main/training/a.ts', '../db/ok.ts', 'training-fence'],
    ['main/training/b.ts', '../studio.ts', 'only-the-roots-see-everything'],
    ['main/files/b.ts', 'electron', 'electron-only-in-desktop'],
    ['main/files/c.ts', './d.ts', 'no-cycles'],
    ['main/files/e.ts', './missing.ts', 'resolvable'],
    ['main/files/f.ts', '../../test/ok.ts', 'no-tests-in-the-program'],
    ['renderer/a.ts', '../main/files/ok.ts', 'renderer-fence'],
  ];

  it('each can fail: what is forbidden is found', () => {
    const root = temporaryFolder();
    cpSync(join(ROOT, '.dependency-cruiser.cjs'), join(root, '.dependency-cruiser.cjs'));
    cpSync(join(ROOT, 'tsconfig.json'), join(root, 'tsconfig.json'));
    symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    for (const folder of [
      'files',
      'db',
      'data',
      'export',
      'exporting',
      'model',
      'models',
      'engines',
      'golden',
      'training',
    ])
      write(`main/${folder}/ok.ts`, 'export {};\n');
    write('main/studio.ts', 'export {};\n');
    write('main/files/d.ts', "import './c.ts';\n");
    write('test/ok.ts', 'export {};\n');
    for (const [from, to] of FORBIDDEN) write(from, `import '${to}';\n`);
    const found = violationsIn(root, ['main', 'shared', 'renderer', 'test']).map(
      ({ from, rule }) => `${from} ${rule.name}`,
    );
    for (const [from, , rule] of FORBIDDEN) expect(found).toContain(`${from} ${rule}`);
  });

  it('hold in the project', () => {
    const folders = ['main', 'shared', 'renderer', 'test'];
    expect(violationsIn(ROOT, folders).map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`)).toEqual(
      [],
    );
  });
});

describe('source files', () => {
  const files = ['main', 'shared', 'test'].flatMap(sourceFiles);
  const text = (path: string) => readFileSync(join(ROOT, path), 'utf8');

  it('say in their first words where they run', () => {
    const running = files.filter((path) => !path.endsWith('.d.ts'));
    expect(running.filter((path) => !/^\/\*\*\s+(\* )?@file \S/.test(text(path)))).toEqual([]);
  });

  it('have at most 300 lines', () => {
    const long = files.filter((path) => text(path).split('\n').length - 1 > 300);
    expect(long.filter((path) => !path.startsWith('test/'))).toEqual([]);
  });

  it('read from a device only asynchronously in model and training', () => {
    const blocking = /\.(dataSync|arraySync)\(/;
    const inFolders = files.filter(
      (path) => path.startsWith('main/model/') || path.startsWith('main/training/'),
    );
    expect(inFolders.length).toBeGreaterThan(10);
    expect(inFolders.filter((path) => blocking.test(text(path)))).toEqual([]);
  });

  it('use neither Node nor a page in shared', () => {
    const outside = /\b(process|Buffer|window|document|localStorage|fetch|require)\s*[.([]/;
    expect(sourceFiles('shared').filter((path) => outside.test(withoutComments(text(path))))).toEqual([]);
  });
});

describe('entries', () => {
  const entries = checkoutEntries();

  it('are all tested here', () => {
    expect([...entries.names].sort()).toEqual([
      ...[
        'adapters',
        'cli',
        'data',
        'encoding',
        'engineTest',
        'export',
        'headless',
        'heartbeat',
        'inference',
        'selfTest',
        'training',
      ],
    ]);
  });

  it('cli starts', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [entries.path('cli'), '--version'], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('selfTest starts, and without a library to test it ends', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [entries.path('selfTest')], {
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('adapters starts, says what adapters there are and ends', () => {
    const { status, stdout } = spawnSync(process.execPath, [entries.path('adapters')], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toBeInstanceOf(Array);
  });

  it.each(['training', 'inference', 'data', 'engineTest', 'export'] as const)(
    '%s starts and says that it is ready',
    async (name) => {
      const child: ChildProcess = fork(entries.path(name), [], {
        execArgv: [],
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe'],
      });
      try {
        const first = await new Promise((resolve, reject) => {
          child.once('message', resolve);
          child.once('exit', (code) => reject(new Error(`ended with ${code}: ${child.stderr?.read()}`)));
        });
        expect(first).toMatchObject({ kind: 'ready' });
      } finally {
        child.removeAllListeners('exit');
        child.kill('SIGKILL');
      }
    },
  );

  it.each(['encoding', 'heartbeat'] as const)('%s starts as a thread', async (name) => {
    expect(entries.isThread(name)).toBe(true);
    // Without its data it has nothing to do: loading it is what is tested.
    const workerData = name === 'encoding' ? { cachePath: join(temporaryFolder(), 'none.db') } : null;
    const thread = new Worker(entries.path(name), { workerData, execArgv: [] });
    const failure = await new Promise<unknown>((resolve) => {
      thread.once('error', resolve);
      thread.once('message', () => resolve(null));
      thread.once('exit', () => resolve(null));
    });
    await thread.terminate();
    expect(failure).toBeNull();
  });
});
