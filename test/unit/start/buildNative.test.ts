/** @file Tests. Building the engine native on first start, with a stand-in for cargo: once, aloud, in one rename. */
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nativePlaces } from '../../../main/engines/native/loader.ts';
import { buildNativeIfNeeded } from '../../../main/start/buildNative.ts';
import { onlyPrograms, setVariable } from '../../support/fakePrograms.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const LIBRARIES = ['libentail_native.so', 'libentail_native.dylib', 'entail_native.dll'];

/** Counts its builds, and puts a number into the library under each name that a platform gives it. */
const GOOD_CARGO = `
[ "$1" = --version ] && { echo "cargo 1.89.0"; exit 0; }
mkdir -p "$CARGO_TARGET_DIR/release"
echo x >> "$CARGO_TARGET_DIR/../builds"
echo "   Compiling entail-native v0.1.0" >&2
sleep 0.3
for name in ${LIBRARIES.join(' ')}; do wc -l < "$CARGO_TARGET_DIR/../builds" > "$CARGO_TARGET_DIR/release/$name"; done`;

const BAD_CARGO = `
[ "$1" = --version ] && { echo "cargo 1.60.0"; exit 0; }
echo "error: package requires rustc 1.89 or newer" >&2
exit 101`;

const TOOLS = ['mkdir', 'sleep', 'wc', 'sh'];

/** A project with a crate, and the lines that its builds say. */
function project(cargo: string | null) {
  onlyPrograms(cargo === null ? {} : { cargo }, TOOLS);
  setVariable('HOME', temporaryFolder());
  setVariable('CI', '');
  const root = temporaryFolder();
  mkdirSync(join(root, 'native', 'src'), { recursive: true });
  writeFileSync(join(root, 'native', 'Cargo.toml'), '');
  writeFileSync(join(root, 'native', 'src', 'lib.rs'), '');
  const said: string[] = [];
  const build = (strict = false) => buildNativeIfNeeded({ say: (line) => said.push(line), root, strict });
  return { root, said, build, ...nativePlaces(root) };
}

const laterMs = (path: string, ms: number) =>
  utimesSync(path, new Date(Date.now() + ms), new Date(Date.now() + ms));

describe('buildNativeIfNeeded', () => {
  it('builds once, and again when a source is newer', async () => {
    const { root, said, build, built } = project(GOOD_CARGO);
    await build();
    expect(readFileSync(built, 'utf8').trim()).toBe('1');
    expect(said).toEqual([
      'Building the engine native, once: about a minute …',
      expect.stringMatching(/^Built the engine native in \d+ s\.$/),
    ]);
    await build();
    expect(said).toHaveLength(2);
    laterMs(join(root, 'native', 'src', 'lib.rs'), 5000);
    await build();
    expect(readFileSync(built, 'utf8').trim()).toBe('2');
  });

  it('builds once for two starts at the same time', async () => {
    const { root, build } = project(GOOD_CARGO);
    await Promise.all([build(), build()]);
    expect(readFileSync(join(root, 'native', 'builds'), 'utf8')).toBe('x\n');
  });

  it('leaves a prebuilt binary alone', async () => {
    const { build, built, prebuilt, said } = project(GOOD_CARGO);
    mkdirSync(dirname(prebuilt), { recursive: true });
    writeFileSync(prebuilt, '');
    await build();
    expect(existsSync(built)).toBe(false);
    expect(said).toEqual([]);
  });

  it('says in one line that there is no Rust, and goes on', async () => {
    const { build, said } = project(null);
    await build();
    expect(said).toEqual([
      'The engine native cannot be built: there is no Rust here. The studio uses the engine wasm, which is slower. ' +
        'Get it from https://rustup.rs and start again.',
    ]);
    expect((await studioRejectionOf(build(true))).code).toBe('ENGINE_FAILED');
  });

  it('keeps what cargo said when it fails, leaves the old binary, and does not try at every start', async () => {
    const { root, build, built, said } = project(BAD_CARGO);
    mkdirSync(dirname(built), { recursive: true });
    writeFileSync(built, 'old');
    laterMs(built, -10_000);
    await build();
    expect(said[1]).toContain('cannot be built: package requires rustc 1.89 or newer. The studio uses');
    const log = join(dirname(built), 'build.log');
    expect(said[1]).toContain(log);
    expect(readFileSync(log, 'utf8')).toContain('cargo 1.60.0\nerror: package requires');
    expect(readFileSync(built, 'utf8')).toBe('old');

    await build();
    expect(said).toHaveLength(3);
    expect(said[2]).toContain('it failed a short while ago');
    laterMs(join(root, 'native', 'Cargo.toml'), 5000);
    await build();
    expect(said.slice(3)).toEqual([said[0], said[1]]);
  });

  it('fails with CI=true, and when it was asked for', async () => {
    const { build } = project(BAD_CARGO);
    const error = await studioRejectionOf(build(true));
    expect(error).toMatchObject({ code: 'ENGINE_FAILED' });
    expect(error.message).toContain('rustc 1.89');
    setVariable('CI', 'true');
    expect((await studioRejectionOf(build())).code).toBe('ENGINE_FAILED');
  });

  it('says in one line that the folder cannot be written', async () => {
    const { root, build, said } = project(GOOD_CARGO);
    writeFileSync(join(root, 'dist'), 'in the way');
    await build();
    expect(said).toEqual([
      expect.stringMatching(/^The engine native cannot be built: .*dist.*uses the engine wasm/),
    ]);
  });

  it('does nothing where there is no crate, as in a packaged application', async () => {
    const { root, build, said } = project(null);
    rmSync(join(root, 'native'), { recursive: true });
    await build();
    expect(said).toEqual([]);
  });
});
