/**
 * @file Tests. The application as `npm run package` makes it, with a stub for Electron's own files: what is in it and
 * what is not, its fuses and icons; and that it works: opened, it imports, trains and answers, under plain Node.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { extractAll, listPackage, statFile } from '@electron/asar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PAGE_PROGRAM_FILES } from '../../main/export/page/writePage.ts';
import { CONTENT_SECURITY_POLICY } from '../../main/rpc/pageHeaders.ts';
import { chooseDataDirectory } from '../../main/studio/dataDirectory.ts';
import type { RunDetails } from '../../shared/contract/runs.ts';
import type { EngineName } from '../../shared/engines.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import { launchChromium } from '../support/builtPage.ts';
import { engineForTests } from '../support/enginesForTests.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';
import { drawIcon, ICON_FOLDER, ICONS } from './drawIcons.ts';
import { PackagedStudio } from './packagedStudio.ts';
import { readFuses, writeStubElectron } from './stubElectron.ts';

const ROOT = dirname(dirname(import.meta.dirname));
const HERE = `${process.platform}-${process.arch}`;
/** One file serves both kinds of Macs. */
const DAWN_HERE = process.platform === 'darwin' ? 'darwin-universal' : HERE;

const made = join(temporaryFolder(), 'made');
let resources = '';
let archive = '';
/** Every file of the archive, "/package.json". */
let files: string[] = [];
/** The archive and what was left beside it, as a folder. */
const app = join(temporaryFolder(), 'app');

function appFolder(): string {
  const [name] = readdirSync(made).filter((entry) => /unpacked$|^mac/.test(entry));
  return join(made, name ?? 'nothing was made');
}

const readPackage = (folder: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

beforeAll(() => {
  const stub = writeStubElectron(join(temporaryFolder(), 'electron'));
  const words = ['--run', 'main/start/package.ts', '--unpacked', '--output', made, '--electron', stub];
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'bin', 'entail.js'), ...words], {
    ...{ cwd: ROOT, encoding: 'utf8', timeout: 600_000 },
    // What a packager would look for elsewhere it must not find here.
    env: { ...process.env, CSC_IDENTITY_AUTO_DISCOVERY: 'false' },
  });
  expect(status, `${stdout}\n${stderr}`).toBe(0);
  resources = join(appFolder(), 'resources');
  archive = join(resources, 'app.asar');
  const isFile = (path: string) => !('files' in statFile(archive, path.slice(1)));
  files = listPackage(archive, { isPack: false }).filter(isFile);
  extractAll(archive, app);
});

describe('what is packaged', () => {
  it('is every entry, the page, the kernels, the sample, the pictures of the tray', () => {
    const desktop = ['desktop.js', 'preload.cjs', 'training.js', 'inference.js', 'data.js'];
    const expected = [
      ...[...desktop, 'heartbeat.js', 'encoding.js', 'selfTest.js', 'adapters.js'].map(
        (name) => `/dist/desktop/${name}`,
      ),
      ...['train', 'dev', 'test'].map((split) => `/resources/sample/snli_1.0_${split}.txt`),
      ...ICONS.map(({ file }) => `/resources/icons/${file}`),
      ...['index.html', 'early.js'].map((name) => `/dist/renderer/${name}`),
      ...PAGE_PROGRAM_FILES.map((name) => `/dist/exportPage/${name}`),
      '/resources/kernels.wasm',
      '/node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
      '/package.json',
    ];
    expect(expected.filter((path) => !files.includes(path))).toEqual([]);
    for (const kind of ['js', 'css', 'woff2'])
      expect(
        files.some((path) => path.startsWith('/dist/renderer/assets/') && path.endsWith(`.${kind}`)),
      ).toBe(true);
    const { main, type, version, devDependencies } = readPackage(app);
    expect({ main, type, version, devDependencies }).toEqual({
      ...{ main: 'dist/desktop/desktop.js', type: 'module', version: readPackage(ROOT).version },
      devDependencies: undefined,
    });
  });

  it('has native files of this platform alone, each as a file of its own', () => {
    const native = files.filter((path) => /\.(node|so|dylib|dll|exe)(\.\d+)*$/.test(path));
    const runtime = native.filter((path) => path.startsWith('/node_modules/onnxruntime-node/'));
    const runtimeHere = `/node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}/`;
    expect(runtime.filter((path) => !path.startsWith(runtimeHere))).toEqual([]);
    expect(runtime.length).toBeGreaterThan(1);
    expect(native.filter((path) => !runtime.includes(path)).sort()).toEqual([
      `/dist/native/${HERE}.node`,
      `/node_modules/better-sqlite3/prebuilds/${HERE}.node`,
      `/node_modules/webgpu/dist/${DAWN_HERE}/dawn.node`,
    ]);
    for (const path of native) {
      expect(statFile(archive, path.slice(1))).toMatchObject({ unpacked: true });
      expect(existsSync(join(`${archive}.unpacked`, path))).toBe(true);
    }
  });

  it('has no Node of its own, no tool, no test, no source, and no package that is not run', () => {
    const packages = new Set(
      files.flatMap((path) => /^\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []),
    );
    const tfjs = [
      'backend-cpu',
      'backend-wasm',
      'backend-webgl',
      'backend-webgpu',
      'converter',
      'core',
      'data',
      'layers',
      'node-gpu',
    ];
    expect([...packages].sort()).toEqual(
      [
        ...['@tensorflow/tfjs', ...tfjs.map((name) => `@tensorflow/tfjs-${name}`), 'better-sqlite3'],
        ...[
          'google-protobuf',
          'long',
          'node-api-headers',
          'node-fetch',
          'onnxruntime-common',
          'onnxruntime-node',
          'safe-buffer',
          'seedrandom',
          'string_decoder',
        ],
        ...['tr46', 'webgpu', 'webidl-conversions', 'whatwg-url'],
      ].sort(),
    );
    expect(
      files.filter((path) => /\.(ts|cts|mts|map|svelte|cc|h|svg)$|_test\.js$|\/tests?\//.test(path)),
    ).toEqual([]);
    expect([...new Set(files.map((path) => path.split('/')[1]))].sort()).toEqual(
      ['dist', 'node_modules', 'package.json', 'resources'].sort(),
    );
  });

  it('has the sources that TensorFlow is installed from beside the archive', () => {
    const sources = join(resources, 'sources');
    const binding = join(sources, '@tensorflow', 'tfjs-node-gpu', 'binding');
    expect(readdirSync(binding)).toEqual(expect.arrayContaining(['tfjs_binding.cc', 'tfjs_backend.h']));
    expect(existsSync(join(sources, 'node-api-headers', 'include', 'node_api.h'))).toBe(true);
  });

  it('has its fuses blown as safety asks', () => {
    expect(readFuses(join(appFolder(), 'entail'))).toEqual({
      runAsNode: false,
      enableCookieEncryption: true,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
      loadBrowserProcessSpecificV8Snapshot: false,
      grantFileProtocolExtraPrivileges: false,
      wasmTrapHandlers: true,
    });
  });
});

describe('electron-builder.yml', () => {
  const text = readFileSync(join(ROOT, 'electron-builder.yml'), 'utf8');
  /** The lines below a key at the left margin. */
  const section = (key: string) => new RegExp(`^${key}:\\n((?: .*\\n?)+)`, 'm').exec(text)?.[1] ?? '';

  it.each([
    ['linux', ['AppImage', 'tar.gz']],
    ['win', ['nsis']],
    ['mac', ['dmg', 'zip']],
  ])('makes for %s: %j, with the icon', (platform, targets) => {
    for (const target of targets) expect(section(platform)).toContain(target);
    expect(section(platform)).toContain('icon: resources/icons/icon.png');
  });

  it('opens files of settings', () => {
    expect(section('fileAssociations')).toMatch(/ext: entail\n[\s\S]*mimeType: /);
  });
});

describe('the icons', () => {
  it('are what their drawings give, and the large one is large enough for every platform', async () => {
    const browser = await launchChromium();
    for (const icon of ICONS) {
      const committed = readFileSync(join(ICON_FOLDER, icon.file));
      expect([committed.readUInt32BE(16), committed.readUInt32BE(20)]).toEqual([
        icon.sidePixels,
        icon.sidePixels,
      ]);
      expect((await drawIcon(browser, icon)).equals(committed), `${icon.file} is not drawn anew`).toBe(true);
    }
    await browser.close();
    expect(ICONS[0]!.sidePixels).toBeGreaterThanOrEqual(512);
  });
});

describe('the packaged program', () => {
  let studio: PackagedStudio;
  const engineHome = chooseDataDirectory(null, process.env);

  /** A small run on the sample, to its end. */
  async function train(engine: EngineName): Promise<RunDetails> {
    const hyperparameters = hyperparametersSchema.parse({
      ...{ size: 'free', layers: 1, hidden: 16, heads: 2, feedForward: 16, maxLen: 32 },
      ...{ batchSize: 512, epochs: 1 },
    });
    const request = { dataset: 'sample', hyperparameters, engine, threads: 1 };
    const { ids } = await studio.ask('queue/add', { requests: [request], place: 'back' });
    return await until(
      () => studio.ask('runs/show', { run: ids[0]! }),
      ({ state }) => state === 'completed' || state === 'failed',
    );
  }

  beforeAll(async () => {
    const data = temporaryFolder();
    if (existsSync(join(engineHome, 'engines')))
      symlinkSync(join(engineHome, 'engines'), join(data, 'engines'));
    studio = await PackagedStudio.open(app, resources, data);
  });

  afterAll(() => studio?.kill());

  it('opens its window, locked down before Electron is ready, on pages from its archive', async () => {
    const { told, options } = await studio.facts();
    expect(told.slice(0, 3)).toEqual([
      'sandbox before ready',
      'schemes app',
      'path of userData before ready',
    ]);
    expect(told).toEqual(expect.arrayContaining(['permissions are handled', 'windows are handled']));
    expect(existsSync(options[0]!.webPreferences.preload)).toBe(true);
    expect(existsSync(options[0]!.icon)).toBe(true);
    const page = await studio.page('app://studio/');
    expect(page).toMatchObject({ status: 200, policy: CONTENT_SECURITY_POLICY });
    const script = /src="\.?(\/assets\/[^"]+)"/.exec(page.text)?.[1];
    expect(await studio.page(`app://studio${script}`)).toMatchObject({ status: 200 });
    expect(await studio.page('file:///etc/passwd')).toMatchObject({ status: 404 });
  });

  it('knows its version', async () => {
    expect(await studio.ask('app/info', {})).toMatchObject({ version: readPackage(ROOT).version });
  });

  it('imports its sample, trains on it and answers, each in a process of its own', async () => {
    await studio.subscribe();
    await studio.ask('datasets/importSample', {});
    await until(
      () => studio.ask('datasets/list', {}),
      ({ length }) => length === 1,
    );
    const { id: run, state, engine } = await train('wasm');
    expect({ state, engine: engine?.engine }).toEqual({ state: 'completed', engine: 'wasm' });
    const pair = { run, premise: 'A man sleeps.', hypothesis: 'A man rests.' };
    expect((await studio.ask('playground/answer', pair)).probabilities).toHaveLength(3);
    const started = ['data', 'training', 'inference'].map((name) => `utility desktop/${name}.js`);
    const asked = [...started, 'stays awake', 'may sleep', 'notified'];
    // What follows from the end of a run is asked of Electron a moment after it.
    await until(
      () => studio.facts(),
      ({ told }) => asked.every((what) => told.includes(what)),
    );
    await until(() => studio.batches > 0);
  });

  it('finds what TensorFlow is made from, and what it is driven with', async () => {
    const { reports } = await studio.ask('engines/doctor', {});
    const findings = reports.find(({ engine }) => engine === 'tensorflow')?.findings ?? [];
    const sources = findings.filter(({ what }) => what.startsWith('npm '));
    expect(sources.map(({ what, found }) => ({ what, found }))).toEqual([
      { what: 'npm node-api-headers', found: true },
      { what: 'npm @tensorflow/tfjs-node-gpu', found: true },
    ]);
    const script = `require('@tensorflow/tfjs-node-gpu/dist/register_all_kernels');
      const driver = require('@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend');
      console.log(typeof driver.NodeJSKernelBackend);`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: app, encoding: 'utf8' });
    expect(stdout.trim(), stderr).toBe('function');
  });

  it('has an ONNX Runtime that loads', () => {
    const script = "console.log(typeof require('onnxruntime-node').InferenceSession.create)";
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: app, encoding: 'utf8' });
    expect(stdout.trim(), stderr).toBe('function');
  });

  it('looks at the adapters of webgpu in a process of its own', async ({ skip }) => {
    engineForTests('webgpu', skip);
    const { reports } = await studio.ask('engines/doctor', { again: true });
    const findings = reports.find(({ engine }) => engine === 'webgpu')?.findings ?? [];
    expect(findings).toContainEqual(
      expect.objectContaining({ what: 'A product of two matrices', found: true }),
    );
    expect((await studio.facts()).told).toContain('utility desktop/adapters.js');
  });

  it('tests an installed TensorFlow, and trains with it', async ({ skip }) => {
    engineForTests('tensorflow', skip);
    const { reports } = await studio.ask('engines/doctor', { again: true });
    const findings = reports.find(({ engine }) => engine === 'tensorflow')?.findings ?? [];
    expect(findings).toContainEqual(
      expect.objectContaining({ what: 'A product of two matrices', found: true }),
    );
    expect((await studio.facts()).told).toContain('utility desktop/selfTest.js');
    expect((await train('tensorflow')).state).toBe('completed');
  });

  it('leaves when it is asked to', async () => {
    expect(await studio.quit()).toBe(0);
  });
});
