/** @file Tests. The doctor on this machine, and on one that lacks things: everything is named. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatDoctorReport } from '../../../main/engines/doctorReport.ts';
import type { NativeBinding } from '../../../main/engines/native/binding.ts';
import { findNative, nativePlaces } from '../../../main/engines/native/loader.ts';
import { requirePrecision } from '../../../main/engines/native.ts';
import { readyReport } from '../../../main/engines/nativeDoctor.ts';
import { checkPrecision, precisionHere } from '../../../main/engines/precision.ts';
import { chooseEngine, doctor, workerEnvironment } from '../../../main/engines/registry.ts';
import {
  BINDING_FILE,
  installationFolder,
  MANIFEST_FILE,
} from '../../../main/engines/tensorflow/installation.ts';
import type { DoctorReport, Precision } from '../../../shared/engines.ts';
import { engineForTests } from '../../support/enginesForTests.ts';
import { onlyPrograms, setVariable } from '../../support/fakePrograms.ts';
import { studioErrorOf, studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const finding = (report: DoctorReport | undefined, what: string) =>
  report?.findings.find((one) => one.what === what);

describe('doctor', () => {
  it('looks at every engine here', async () => {
    const [native, tensorflow, webgpu, wasm] = await doctor({ dataDirectory: temporaryFolder() });
    expect(native).toMatchObject({ engine: 'native', deterministic: { value: true } });
    expect(tensorflow).toMatchObject({ engine: 'tensorflow', verdict: 'not installed' });
    expect(tensorflow?.nextStep).toContain('npx --no entail engines install tensorflow');
    const looked = tensorflow?.findings.map(({ what }) => what);
    for (const what of ['Platform', 'python3', 'pip', 'C++ compiler', 'NVIDIA driver', 'Installation'])
      expect(looked).toContain(what);
    expect(webgpu).toMatchObject({ engine: 'webgpu', deterministic: { value: true } });
    expect(wasm).toMatchObject({
      engine: 'wasm',
      verdict: 'ready',
      nextStep: '',
      deterministic: { value: true },
    });
  });

  it('names a compiler and a python3 that are missing, and says what to install', async () => {
    onlyPrograms({});
    setVariable('CXX', '');
    const [report] = await doctor({ dataDirectory: temporaryFolder(), engines: ['tensorflow'] });
    expect(report?.verdict).toBe('not installed');
    expect(finding(report, 'python3')).toMatchObject({ found: false, required: true });
    expect(finding(report, 'pip')).toMatchObject({ found: false });
    expect(finding(report, 'C++ compiler')?.detail).toContain('none of c++, g++ and clang++');
    expect(report?.summary).toContain('python3 was not found on the PATH');
    expect(report?.nextStep).toMatch(/Install Python 3 .* Install a C\+\+ compiler .* Then: npx/);
  });

  it('names the compiler that CXX gives and that does not run', async () => {
    setVariable('CXX', join(temporaryFolder(), 'no-compiler'));
    const [report] = await doctor({ dataDirectory: temporaryFolder(), engines: ['tensorflow'] });
    expect(finding(report, 'C++ compiler')?.detail).toContain('CXX');
  });

  it('finds an installation that does not load broken, whatever its library does', async () => {
    const data = temporaryFolder();
    const folder = installationFolder(data, 'cpu');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, BINDING_FILE), 'no library');
    const { platform, arch } = process;
    const files = [{ path: BINDING_FILE, sizeBytes: 10, sha256: '' }];
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
      files,
    };
    writeFileSync(join(folder, MANIFEST_FILE), JSON.stringify(manifest));
    const [report] = await doctor({ dataDirectory: data, engines: ['tensorflow'] });
    expect(report?.verdict).toBe('broken');
    expect(finding(report, 'A product of two matrices')).toMatchObject({ found: false, required: true });
    expect(report?.nextStep).toContain('engines uninstall tensorflow');
  });
});

describe('readyReport', () => {
  const machine = { version: '0.1.0', bf16: false, physicalCores: 4, threads: 4 };

  it('says that a processor has no instructions that help', () => {
    const report = readyReport('prebuilt', { ...machine, instructionSet: 'scalar' });
    expect(formatDoctorReport([report]).split('\n')).toEqual(
      expect.arrayContaining([
        'native: ready. Works on 4 cores, slowly: without AVX2 or NEON.',
        '  absent  Processor instructions: none that help: several times slower than with AVX2 or NEON',
      ]),
    );
  });

  it('names those that it uses', () => {
    const report = readyReport('built here', { ...machine, instructionSet: 'neon' });
    expect(report.summary).toBe('Works on 4 cores with NEON.');
    expect(finding(report, 'Processor instructions')).toMatchObject({ found: true, detail: 'NEON' });
  });
});

describe('chooseEngine', () => {
  it('takes native where it loads and no GPU is to be served, and wasm where nothing is', async ({
    skip,
  }) => {
    const dataDirectory = temporaryFolder();
    const nowhere = { dataDirectory, asked: null, native: nativePlaces(temporaryFolder()) };
    expect(await chooseEngine(nowhere)).toBe('wasm');
    const missing = await studioRejectionOf(chooseEngine({ ...nowhere, asked: 'native' }));
    expect(missing).toMatchObject({ code: 'ENGINE_MISSING' });
    expect(missing.nextStep).toContain('npm run native');
    engineForTests('native', skip);
    expect(await chooseEngine({ dataDirectory, asked: null })).toBe('native');
  });

  it('refuses what is not there', async () => {
    const dataDirectory = temporaryFolder();
    expect(await chooseEngine({ dataDirectory, asked: 'cpu' })).toBe('cpu');
    expect(workerEnvironment('wasm', { dataDirectory, threads: 2 })).toEqual({});
    const error = await studioRejectionOf(chooseEngine({ dataDirectory, asked: 'tensorflow' }));
    expect(error.code).toBe('ENGINE_MISSING');
    expect(error.nextStep).toContain('engines install tensorflow');
  });
});

describe('precision', () => {
  const wish = (precision: Precision) => ({ precision, dataDirectory: temporaryFolder() });

  it('is single everywhere, and bfloat16 on native alone', () => {
    checkPrecision('wasm', wish('fp32'));
    expect(precisionHere('wasm', wish('bf16'))).toBe('fp32');
    const error = studioErrorOf(() => checkPrecision('tensorflow', wish('bf16')));
    expect(error.code).toBe('USAGE');
    expect(error.message).toContain('single precision only');
    expect(error.nextStep).toContain('--engine native');
    const half = studioErrorOf(() => checkPrecision('native', wish('fp16')));
    expect(half.message).toBe('The engine native computes in single precision and bf16, not in fp16.');
    expect(half.nextStep).toContain('--engine webgpu');
  });

  it('of 16 bits on webgpu is refused until it was tried on a GPU', () => {
    expect(precisionHere('webgpu', wish('fp16'))).toBe('fp32');
    const error = studioErrorOf(() => checkPrecision('webgpu', wish('fp16')));
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('not been tried') });
  });

  it('of bfloat16 is refused where the processor has none', ({ skip }) => {
    engineForTests('native', skip);
    const search = findNative();
    const hasBf16 = search.kind === 'found' && search.binding.describe().bf16;
    expect(precisionHere('native', wish('bf16'))).toBe(hasBf16 ? 'bf16' : 'fp32');
    const without = { describe: () => ({ bf16: false }) } as NativeBinding;
    expect(studioErrorOf(() => requirePrecision('bf16', without)).message).toContain('AVX512-BF16');
    requirePrecision('fp32', without);
  });
});

describe('formatDoctorReport', () => {
  const report: DoctorReport = {
    engine: 'tensorflow',
    verdict: 'broken',
    summary: `It does not load ${join(homedir(), 'data', 'x.so')}.`,
    findings: [
      { what: 'AVX', found: false, detail: 'missing', required: true },
      { what: 'AVX2', found: false, detail: 'missing', required: false },
      { what: 'pip', found: true, detail: 'pip 24', required: true },
    ],
    deterministic: { value: false, why: 'a reason' },
    nextStep: 'a step',
  };

  it('shows every finding with its weight', () => {
    const lines = formatDoctorReport([report]).split('\n');
    expect(lines).toContain('  MISSING AVX: missing');
    expect(lines).toContain('  absent  AVX2: missing');
    expect(lines).toContain('  found   pip: pip 24');
    expect(lines).toContain('  not deterministic: a reason');
    expect(lines).toContain('  next: a step');
  });

  it('holds no home folder', () => {
    const text = formatDoctorReport([report]);
    expect(text).not.toContain(homedir());
    expect(text).toContain(`It does not load ~${join('/', 'data', 'x.so')}.`);
  });
});
