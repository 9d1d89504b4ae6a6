/** @file Tests. Building the engine native on first start, with a stand-in for cargo: once, aloud, in one rename. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { findNative, nativePlaces } from '../../../main/engines/native/loader.ts';
import { buildNativeIfNeeded, progressLine } from '../../../main/start/buildNative.ts';
import { engineForTests } from '../../support/enginesForTests.ts';
import { onlyPrograms, setVariable, writeScript } from '../../support/fakePrograms.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

const LIBRARIES = ['libentail_native.so', 'libentail_native.dylib', 'entail_native.dll'];

/** Says that it is Rust of a version, then does what `script` does. */
const cargo = (script: string, version = '1.89.0') => `
[ "$1" = --version ] && { echo "cargo ${version} (a stand-in)"; echo "host: this-machine"; exit 0; }
echo "$PATH $CARGO_BUILD_TARGET" >> "$CARGO_TARGET_DIR/../builds"
printf "   Compiling" >&2; sleep 0.05; echo " entail-native v0.1.0" >&2
${script}`;

/** Leaves a library under each name that a platform gives it. */
const leaving = (library: string, folder = 'release') => `
sleep 0.3
mkdir -p "$CARGO_TARGET_DIR/${folder}"
for name in ${LIBRARIES.join(' ')}; do cp "${library}" "$CARGO_TARGET_DIR/${folder}/$name"; done`;

const failing = (words: string) => `
cat >&2 <<'END'
${words}
END
exit 101`;

const WITHOUT = 'The studio uses tensorflow where it is installed, else wasm, which is slower.';

const OFFLINE = `error: failed to get \`napi\` as a dependency of package \`entail-native v0.1.0\`

Caused by:
  download of config.json failed

Caused by:
  [6] Could not resolve host: index.crates.io
`;

/** The binary that the tests run with. */
function binaryHere(skip: (reason: string) => void): string {
  engineForTests('native', skip);
  const { prebuilt, built } = nativePlaces();
  const search = findNative();
  return search.kind === 'found' && search.origin === 'prebuilt' ? prebuilt : built;
}

/** A project with a crate, and the lines that its builds say. */
function project(script: string | null) {
  onlyPrograms(script === null ? {} : { cargo: script }, ['mkdir', 'sleep', 'cp', 'cat', 'sh']);
  const home = temporaryFolder();
  setVariable('HOME', home);
  setVariable('CI', '');
  const root = temporaryFolder();
  mkdirSync(join(root, 'native', 'src'), { recursive: true });
  mkdirSync(join(root, 'native', 'target'));
  writeFileSync(join(root, 'native', 'Cargo.toml'), '[package]\nrust-version = "1.89"\n');
  writeFileSync(join(root, 'native', 'src', 'lib.rs'), '');
  const places = nativePlaces(root);
  const put = (path: string, content: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  };
  const said: string[] = [];
  const build = (strict = false) => buildNativeIfNeeded({ say: (line) => said.push(line), root, strict });
  const builds = () => {
    const list = join(root, 'native', 'builds');
    return existsSync(list) ? readFileSync(list, 'utf8').trim().split('\n') : [];
  };
  const found = () => {
    const search = findNative(places);
    return search.kind === 'found' ? search.origin : null;
  };
  return { root, home, said, build, builds, found, put, ...places };
}

const laterMs = (path: string, ms: number) =>
  utimesSync(path, new Date(Date.now() + ms), new Date(Date.now() + ms));

describe('buildNativeIfNeeded', () => {
  it('builds once, and again when a source is newer', async ({ skip }) => {
    const { root, said, build, builds, found } = project(cargo(leaving(binaryHere(skip))));
    await build();
    expect(found()).toBe('built here');
    expect(said).toEqual([
      'Building the engine native, once: about a minute …',
      expect.stringMatching(/^Built the engine native in \d+ s\.$/),
    ]);
    await build();
    expect(said).toHaveLength(2);
    laterMs(join(root, 'native', 'src', 'lib.rs'), 5000);
    await build();
    expect(builds()).toHaveLength(2);
  });

  it('builds once for two starts at the same time, and the second says what it waits for', async ({
    skip,
  }) => {
    const { build, builds, said } = project(cargo(leaving(binaryHere(skip))));
    await Promise.all([build(), build()]);
    expect(builds()).toHaveLength(1);
    expect(said.toSorted()).toEqual([
      'Another start is building the engine native: waiting for it …',
      'Building the engine native, once: about a minute …',
      expect.stringMatching(/^Built/),
    ]);
  });

  it('shows what is compiled in one line of a terminal, and nothing elsewhere', async ({ skip }) => {
    const { root } = project(cargo(leaving(binaryHere(skip))));
    const stream = (isTTY: boolean) =>
      Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY, columns: 20 });
    const [terminal, file] = [stream(true), stream(false)];
    const [onTerminal, onFile] = [progressLine(terminal), progressLine(file)];
    const onProgress = (text: string) => {
      onTerminal(text);
      onFile(text);
    };
    await buildNativeIfNeeded({ say: () => undefined, onProgress, root });
    const erase = '\r\u001b[2K';
    expect(terminal.read()).toBe(`${erase}Compiling entail-na${erase}`);
    expect(file.read()).toBeNull();
  });

  it('leaves a prebuilt binary alone', async ({ skip }) => {
    const binary = binaryHere(skip);
    const { build, built, prebuilt, said } = project(cargo(leaving(binary)));
    mkdirSync(dirname(prebuilt), { recursive: true });
    copyFileSync(binary, prebuilt);
    await build();
    expect(existsSync(built)).toBe(false);
    expect(said).toEqual([]);
  });

  it('builds when neither a prebuilt binary nor a new one of its own loads, once', async ({ skip }) => {
    const { build, builds, built, prebuilt, put, found } = project(cargo(leaving(binaryHere(skip))));
    put(prebuilt, '');
    put(built, 'half a file');
    laterMs(built, 5000);
    await build(true);
    expect(found()).toBe('built here');
    await build(true);
    expect(builds()).toHaveLength(1);
  });

  it('takes over nothing that does not load', async () => {
    const text = join(temporaryFolder(), 'text');
    writeFileSync(text, 'no library');
    const { build, built, put, said } = project(cargo(leaving(text)));
    put(built, 'old');
    laterMs(built, -10_000);
    await build();
    expect(said[1]).toContain('cannot be built: What was built is damaged, or of another platform');
    expect(readFileSync(built, 'utf8')).toBe('old');
    expect(readdirSync(dirname(built)).filter((name) => name.includes('new'))).toEqual([]);
    await build();
    expect(said[2]).toContain('it failed a short while ago');
  });

  it('finds the library where a target is set, which it sets to this machine', async ({ skip }) => {
    const { build, builds, found } = project(cargo(leaving(binaryHere(skip), 'this-machine/release')));
    setVariable('CARGO_BUILD_TARGET', 'wasm32-unknown-unknown');
    await build();
    expect(builds()[0]).toMatch(/ this-machine$/);
    expect(found()).toBe('built here');
  });

  it('says in one line that cargo left no library', async () => {
    const { root, build, built, said } = project(cargo(''));
    await build();
    expect(said.slice(1)).toEqual([
      `The engine native cannot be built: cargo left no library in ${join(root, 'native', 'target')}. ` +
        `${WITHOUT} Everything it said is in ${dirname(built)}/build.log.`,
    ]);
    expect((await studioRejectionOf(build(true))).code).toBe('ENGINE_FAILED');
  });

  it('says in one line that the old binary cannot be replaced, and removes the new one', async ({ skip }) => {
    const { build, built, put, said } = project(cargo(leaving(binaryHere(skip))));
    put(join(built, 'in the way'), '');
    await build();
    expect(said).toHaveLength(2);
    expect(said[1]).toContain(`cannot take the place of ${built} (EISDIR). The studio uses`);
    expect(said[1]).toContain('End every studio that runs');
    expect(readdirSync(dirname(built)).toSorted()).toEqual(
      ['build.lock', 'build.log', built.split('/').at(-1)].toSorted(),
    );
  });

  it('says what is wrong when not even the log can be written', async () => {
    const { build, built, put, said } = project(cargo(failing('error: no luck')));
    const log = join(dirname(built), 'build.log');
    put(join(log, 'in the way'), '');
    laterMs(log, -10_000);
    await build();
    expect(said.slice(1)).toEqual([`The engine native cannot be built: no luck. ${WITHOUT}`]);
  });

  it('says in one line that there is no Rust, and goes on', async () => {
    const { build, said } = project(null);
    await build();
    expect(said).toEqual([
      `The engine native cannot be built: there is no Rust here. ${WITHOUT} ` +
        'Get it from https://rustup.rs and start again.',
    ]);
    expect((await studioRejectionOf(build(true))).code).toBe('ENGINE_FAILED');
  });

  it("says that Rust is too old, and takes rustup's where that is newer", async ({ skip }) => {
    const newer = cargo(leaving(binaryHere(skip)), '1.100.0');
    const { home, build, builds, said } = project(cargo('', '1.75.0'));
    await build();
    expect(said).toEqual([
      `The engine native cannot be built: Rust 1.75 is too old; 1.89 or newer is needed. ${WITHOUT} ` +
        'Get it from https://rustup.rs and start again.',
    ]);
    const folder = join(home, '.cargo', 'bin');
    mkdirSync(folder, { recursive: true });
    writeScript(join(folder, 'cargo'), newer);
    await build();
    expect(said[2]).toMatch(/^Built/);
    expect(builds()[0]).toMatch(new RegExp(`^${folder}:`));
  });

  it('goes on without a network, and fails with CI=true', async () => {
    const { build, said } = project(cargo(failing(OFFLINE)));
    await build();
    expect(said).toHaveLength(2);
    expect(said[1]).toMatch(
      /: failed to get `napi` .*: \[6\] Could not resolve host: index\.crates\.io\. The studio uses tensorflow where/,
    );
    setVariable('CI', 'true');
    expect((await studioRejectionOf(build())).message).toContain('failed a short while ago');
    expect((await studioRejectionOf(build(true))).message).toContain('Could not resolve host');
  });

  it('keeps what cargo said when it fails, leaves the old binary, and does not try at every start', async () => {
    const { root, build, built, put, said } = project(cargo(failing('error[E0308]: mismatched types.')));
    put(built, 'old');
    laterMs(built, -10_000);
    await build();
    expect(said[1]).toContain('cannot be built: mismatched types. The studio uses');
    const log = join(dirname(built), 'build.log');
    expect(said[1]).toContain(log);
    expect(readFileSync(log, 'utf8')).toMatch(
      /^cargo 1\.89\.0 .*\n.*Compiling.*\nerror\[E0308\]: mismatched/,
    );
    expect(readFileSync(built, 'utf8')).toBe('old');

    await build();
    expect(said).toHaveLength(3);
    expect(said[2]).toContain('it failed a short while ago');
    laterMs(join(root, 'native', 'Cargo.toml'), 5000);
    await build();
    expect(said.slice(3)).toEqual([said[0], said[1]]);
  });

  it('says that an older binary is used, where that one loads', async ({ skip }) => {
    const library = binaryHere(skip);
    const { root, build, built, said, found } = project(cargo(failing('error: no luck')));
    mkdirSync(dirname(built), { recursive: true });
    copyFileSync(library, built);
    laterMs(join(root, 'native', 'src', 'lib.rs'), 5000);
    await build();
    expect(found()).toBe('built here');
    expect(said[1]).toContain('no luck. The studio uses the engine native as it was built before.');
  });

  it('ends with what it has started when a person stops it', async () => {
    const { root } = project(cargo('echo $$ > "$CARGO_TARGET_DIR/../pid"; sleep 60'));
    const stop = new AbortController();
    const building = buildNativeIfNeeded({ say: () => {}, root, signal: stop.signal });
    const pidFile = join(root, 'native', 'pid');
    await until(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8').endsWith('\n'));
    const waiting = buildNativeIfNeeded({ say: () => {}, root, signal: stop.signal });
    stop.abort();
    for (const stopped of [building, waiting])
      expect((await studioRejectionOf(stopped)).code).toBe('CANCELLED');
    expect(() => process.kill(Number(readFileSync(pidFile, 'utf8')), 0)).toThrow('ESRCH');
    // Nor does the next start take it for one that failed a short while ago.
    expect(existsSync(join(root, 'dist', 'native', 'build.log'))).toBe(false);
  });

  it('fails with CI=true, and when it was asked for', async () => {
    const { build } = project(cargo(failing('error: mismatched types')));
    const error = await studioRejectionOf(build(true));
    expect(error).toMatchObject({ code: 'ENGINE_FAILED' });
    expect(error.message).toContain('mismatched types');
    setVariable('CI', 'true');
    expect((await studioRejectionOf(build())).code).toBe('ENGINE_FAILED');
  });

  it('says in one line that the folder cannot be written', async () => {
    const { root, build, said } = project(cargo(''));
    writeFileSync(join(root, 'dist'), 'in the way');
    await build();
    expect(said).toEqual([
      expect.stringMatching(/^The engine native cannot be built: .*dist.*else wasm, which is slower/),
    ]);
  });

  it('does nothing where there is no crate, as in a packaged application', async () => {
    const { root, build, said } = project(null);
    rmSync(join(root, 'native'), { recursive: true });
    await build();
    expect(said).toEqual([]);
  });
});
