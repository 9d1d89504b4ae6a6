/** @file Tests. Installing an engine when things go wrong: real pip, a small wheel in the place of TensorFlow's. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type InstallProgress, installRecipe } from '../../main/engines/tensorflow/install.ts';
import {
  downloadFolder,
  installationFolder,
  MANIFEST_FILE,
  tensorflowFolder,
} from '../../main/engines/tensorflow/installation.ts';
import type { Wheel } from '../../main/engines/tensorflow/recipe.ts';
import { acquireFileLock } from '../../main/files/fileLock.ts';
import { onlyPrograms, programPath, setVariable, writeScript } from '../support/fakePrograms.ts';
import { recipeOf, writeSmallWheel } from '../support/smallWheel.ts';
import { studioRejectionOf } from '../support/studioErrorOf.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

let data: string;
/** Where pip looks, and nowhere else. */
let index: string;
let tools: string;

beforeEach(({ skip }) => {
  if (programPath('python3') === null || programPath('c++') === null) {
    if (process.env['CI'] === 'true')
      throw new Error('With CI=true nothing is skipped: python3 or c++ is missing.');
    skip('python3 or a C++ compiler is missing');
  }
  data = temporaryFolder();
  index = temporaryFolder();
  tools = temporaryFolder();
  setVariable('PIP_NO_INDEX', '1');
  setVariable('PIP_FIND_LINKS', index);
  setVariable('CXX', 'c++');
});

/** Puts a script in the place of the compiler; it answers to --version, as a real one does. */
function compilerThat(script: string): void {
  const path = join(tools, 'compiler');
  writeScript(path, `[ "$1" = --version ] && { echo "fake 1.0"; exit 0; }\n${script}`);
  setVariable('CXX', path);
}

function install(
  wheel: Wheel,
  more: { signal?: AbortSignal; onProgress?: (progress: InstallProgress) => void } = {},
) {
  return installRecipe(recipeOf(wheel), { dataDirectory: data, cuda: false, ...more });
}

const names = (folder: string) => (existsSync(folder) ? readdirSync(folder).sort() : []);

/** Nothing half-made is left: the lock file, and downloads if any. */
function expectNoInstallation(): void {
  const left = names(tensorflowFolder(data)).filter((name) => !name.startsWith('install.lock'));
  expect(left).toEqual(left.length === 0 ? [] : ['downloads']);
  expect(names(downloadFolder(data)).filter((name) => name.startsWith('.partial-'))).toEqual([]);
}

describe('a compiler that fails', () => {
  it('tells its last words and keeps the verified wheel, which the next try uses', async () => {
    const wheel = writeSmallWheel(index);
    compilerThat('echo "binding.cc:1: error: no" >&2; exit 1');
    const error = await studioRejectionOf(install(wheel));
    expect(error.code).toBe('ENGINE_FAILED');
    expect(error.message).toContain('binding.cc:1: error: no');
    expect(names(downloadFolder(data))).toEqual([wheel.file]);
    expectNoInstallation();

    renameSync(join(index, wheel.file), join(tools, wheel.file)); // pip would find nothing now
    const seen: string[] = [];
    const again = await studioRejectionOf(install(wheel, { onProgress: ({ phase }) => seen.push(phase) }));
    expect(again.code).toBe('ENGINE_FAILED');
    expect(seen).not.toContain('downloading');
    expect(seen).toContain('unpacking');
  });

  it('is given the headers and both libraries', async () => {
    const wheel = writeSmallWheel(index);
    const words = join(tools, 'words');
    compilerThat(`for word in "$@"; do echo "$word"; done > ${words}; exit 1`);
    await studioRejectionOf(install(wheel));
    const told = readFileSync(words, 'utf8').split('\n');
    expect(told.some((word) => word.endsWith('tensorflow/libtensorflow_cc.so.2'))).toBe(true);
    expect(told.some((word) => word.endsWith('binding/tfjs_backend.cc'))).toBe(true);
    expect(told).toContain('-std=c++17');
  });
});

it('reports a library that was built and does not load', async () => {
  const wheel = writeSmallWheel(index);
  compilerThat('while [ "$1" != -o ]; do shift; done; echo "no library" > "$2"');
  const error = await studioRejectionOf(install(wheel));
  expect(error.code).toBe('ENGINE_FAILED');
  expect(error.message).toContain('built, but does not work here');
  expectNoInstallation();
});

it('replaces a wheel of other bytes that lies in place', async () => {
  const wheel = writeSmallWheel(index);
  mkdirSync(downloadFolder(data), { recursive: true });
  writeFileSync(join(downloadFolder(data), wheel.file), 'half a wheel');
  compilerThat('exit 1');
  await studioRejectionOf(install(wheel));
  expect(readFileSync(join(downloadFolder(data), wheel.file))).toEqual(readFileSync(join(index, wheel.file)));
});

it('refuses other bytes than those pinned', async () => {
  const wheel = writeSmallWheel(index);
  writeSmallWheel(index, 'another library');
  const error = await studioRejectionOf(install(wheel));
  expect(error.code).toBe('CHECKSUM_MISMATCH');
  expect(names(downloadFolder(data))).toEqual([]);
  expectNoInstallation();
});

it('tells pip’s words when the index has no such wheel', async () => {
  const wheel = writeSmallWheel(index);
  renameSync(join(index, wheel.file), join(tools, wheel.file));
  const error = await studioRejectionOf(install(wheel));
  expect(error.code).toBe('DOWNLOAD_FAILED');
  expect(error.message).toContain('entail-test-wheel');
  expectNoInstallation();
});

it('is offline when nothing answers', async () => {
  const wheel = writeSmallWheel(temporaryFolder());
  setVariable('PIP_NO_INDEX', '0');
  setVariable('PIP_INDEX_URL', 'http://127.0.0.1:9/simple'); // the discard port: nobody listens
  setVariable('PIP_RETRIES', '1');
  setVariable('PIP_FIND_LINKS', index);
  const error = await studioRejectionOf(install(wheel));
  expect(error.code).toBe('OFFLINE');
  expect(error.nextStep).toContain('HTTPS_PROXY');
});

it('asks for the room before it fetches anything', async () => {
  const wheel = { ...writeSmallWheel(index), unpackedBytes: 2 ** 60 };
  const error = await studioRejectionOf(install(wheel));
  expect(error.code).toBe('DISK_FULL');
  expect(names(downloadFolder(data))).toEqual([]);
});

it('stops when it is told to, leaves no trace but the wheel, and no compiler running', async () => {
  const wheel = writeSmallWheel(index);
  compilerThat('sleep 600');
  const stop = new AbortController();
  const onProgress = ({ phase }: InstallProgress) => {
    if (phase === 'compiling') setTimeout(() => stop.abort(), 300);
  };
  const error = await studioRejectionOf(install(wheel, { signal: stop.signal, onProgress }));
  expect(error.code).toBe('CANCELLED');
  expect(names(downloadFolder(data))).toEqual([wheel.file]);
  expectNoInstallation();
});

it('sweeps what a killed installation left', async () => {
  const wheel = writeSmallWheel(index);
  mkdirSync(`${installationFolder(data, 'cpu')}.tmp-1`, { recursive: true });
  mkdirSync(join(downloadFolder(data), '.partial-1'), { recursive: true });
  compilerThat('exit 1');
  await studioRejectionOf(install(wheel));
  expectNoInstallation();
});

it('leaves a second installer waiting for nothing: the first is named', async () => {
  mkdirSync(tensorflowFolder(data), { recursive: true });
  const lock = acquireFileLock(join(tensorflowFolder(data), 'install.lock'), {
    purpose: 'installing the engine tensorflow',
  });
  const error = await studioRejectionOf(install(writeSmallWheel(index)));
  lock.release();
  expect(error.code).toBe('LOCKED');
  expect(error.message).toContain(`${process.pid}`);
});

it('keeps what is installed and whole, and does nothing', async () => {
  const folder = installationFolder(data, 'cpu');
  mkdirSync(folder, { recursive: true });
  const { platform, arch } = process;
  const manifest = {
    format: 1,
    kind: 'cpu',
    tensorflowVersion: '2.21.0',
    bindingVersion: '4.22.0',
    compiler: 'c',
    platform,
    arch,
    installedAt: 'now',
    wheels: [],
    files: [],
  };
  writeFileSync(join(folder, MANIFEST_FILE), JSON.stringify(manifest));
  onlyPrograms({}); // not even a compiler is looked for
  const outcome = await install(writeSmallWheel(index));
  expect(outcome).toMatchObject({ alreadyThere: true, usesGpu: null, installation: { folder } });
});

describe('a machine without the tools', () => {
  it('names all that is missing at once, and how to get it', async () => {
    onlyPrograms({});
    setVariable('CXX', '');
    const error = await studioRejectionOf(install(writeSmallWheel(index)));
    expect(error.code).toBe('ENGINE_MISSING');
    expect(error.message).toContain('python3 was not found');
    expect(error.message).toContain('none of c++, g++ and clang++');
    expect(error.nextStep).toContain('python3-pip');
    expect(error.nextStep).toContain('C++ compiler');
  });

  it('names pip when python3 has none, and a Python that is too old', async () => {
    onlyPrograms({
      python3: '[ "$1" = --version ] && { echo "Python 3.12.1"; exit 0; }; exit 1',
      'c++': 'echo c++ 1.0',
    });
    setVariable('CXX', '');
    expect((await studioRejectionOf(install(writeSmallWheel(index)))).message).toContain(
      'python3 has no module pip',
    );
    onlyPrograms({ python3: 'echo "Python 3.6.9"', 'c++': 'echo c++ 1.0' });
    expect((await studioRejectionOf(install(writeSmallWheel(index)))).message).toContain(
      'Python 3.6.9 is older than the 3.8',
    );
  });
});
