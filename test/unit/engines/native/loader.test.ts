/** @file Tests. Finding the compiled crate: a prebuilt binary before one that was built here; what does not load is told. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findNative, loadNative, nativePlaces } from '../../../../main/engines/native/loader.ts';
import { nativeReport } from '../../../../main/engines/nativeDoctor.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { onlyPrograms, setVariable } from '../../../support/fakePrograms.ts';
import { studioErrorOf } from '../../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';

/** Places in a folder of their own, where both folders are there. */
function emptyPlaces() {
  const places = nativePlaces(temporaryFolder());
  for (const path of Object.values(places)) mkdirSync(dirname(path), { recursive: true });
  return places;
}

/** The binary that the tests run with. */
function binaryHere(skip: (reason: string) => void): string {
  engineForTests('native', skip);
  const { prebuilt, built } = nativePlaces();
  const search = findNative();
  return search.kind === 'found' && search.origin === 'prebuilt' ? prebuilt : built;
}

/** Where a file of the ELF format says for which processor it is, and another one. */
const ELF_MACHINE = 18;
const ELF_RISCV = 243;

describe('the loader', () => {
  it('says that there is nothing, and what to do', async () => {
    const places = emptyPlaces();
    const error = studioErrorOf(() => loadNative(places));
    expect(error).toMatchObject({ code: 'ENGINE_MISSING' });
    expect(error.message).toBe(
      `The engine native is not here: there is no binary for ${process.platform} on ${process.arch}.`,
    );
    expect(error.nextStep).toContain('npm run native');
    const report = await nativeReport(places);
    expect(report).toMatchObject({ engine: 'native', verdict: 'not installed' });
    expect(report.nextStep).toContain('--engine wasm');
  });

  it('says that the tool for building is missing', async () => {
    onlyPrograms({});
    setVariable('HOME', temporaryFolder());
    const { findings } = await nativeReport(emptyPlaces());
    const cargo = findings.find(({ what }) => what === 'Rust (cargo)');
    expect(cargo).toMatchObject({ found: false, required: true });
  });

  it('says that the tool for building is too old, and where to get another', async () => {
    onlyPrograms({ cargo: 'echo "cargo 1.75.0"' });
    setVariable('HOME', temporaryFolder());
    const { findings } = await nativeReport(emptyPlaces());
    expect(findings.find(({ what }) => what === 'Rust (cargo)')).toEqual({
      what: 'Rust (cargo)',
      found: false,
      detail: 'Rust 1.75 is too old; 1.89 or newer is needed; get it from https://rustup.rs',
      required: true,
    });
  });

  it('tells a binary of another platform from none', async ({ skip }) => {
    const places = emptyPlaces();
    const bytes = readFileSync(binaryHere(skip));
    if (process.platform === 'linux') bytes.writeUInt16LE(ELF_RISCV, ELF_MACHINE);
    else bytes.fill(0, 0, 64);
    writeFileSync(places.built, bytes);
    const { message, code } = studioErrorOf(() => loadNative(places));
    expect(code).toBe('ENGINE_MISSING');
    expect(message).toContain('its binary (built here) is damaged, or of another platform');
    expect(await nativeReport(places)).toMatchObject({ verdict: 'broken' });
  });

  it('refuses what loads and is something else', () => {
    const places = emptyPlaces();
    const other = `better-sqlite3/prebuilds/${process.platform}-${process.arch}.node`;
    copyFileSync(`node_modules/${other}`, places.prebuilt);
    expect(studioErrorOf(() => loadNative(places)).message).toContain('is of another version of Entail');
  });

  it('takes a prebuilt binary first, and the one built here when that does not load', ({ skip }) => {
    const places = emptyPlaces();
    const binary = binaryHere(skip);
    copyFileSync(binary, places.built);
    expect(findNative(places)).toMatchObject({ kind: 'found', origin: 'built here' });
    writeFileSync(places.prebuilt, 'half a file');
    expect(findNative(places)).toMatchObject({ kind: 'found', origin: 'built here' });
    copyFileSync(binary, places.prebuilt);
    expect(findNative(places)).toMatchObject({ kind: 'found', origin: 'prebuilt' });
  });
});

describe('the doctor', () => {
  it('shows instruction set, threads and what the processor lacks', async ({ skip }) => {
    binaryHere(skip);
    const report = await nativeReport();
    expect(report).toMatchObject({ verdict: 'ready', nextStep: '', deterministic: { value: true } });
    const found = new Map(report.findings.map((one) => [one.what, one]));
    expect(found.get('Binary')?.detail).toContain(`${process.platform} ${process.arch}`);
    expect(found.get('Processor instructions')?.detail).not.toBe('');
    expect(found.get('Physical cores')?.detail).toMatch(
      /^\d+; a run uses \d+ threads unless --threads says otherwise$/,
    );
    expect(found.has('bfloat16 (AVX512-BF16)')).toBe(true);
  });
});
