/** @file Tests. Reading a processor's and an NVIDIA driver's facts from files as Linux writes them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type HardwarePlaces,
  hasNvidiaDriver,
  nvidiaDriver,
  processorFlags,
  vectorInstructions,
} from '../../../main/engines/hardware.ts';
import { instructionFindings } from '../../../main/engines/tensorflow/doctor.ts';
import { isAtLeast } from '../../../main/engines/tensorflow/versions.ts';
import { onlyPrograms } from '../../support/fakePrograms.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

function procWith(files: Readonly<Record<string, string>>): HardwarePlaces {
  const procFolder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(procFolder, name, '..'), { recursive: true });
    writeFileSync(join(procFolder, name), text);
  }
  return { procFolder, devFolder: temporaryFolder() };
}

const OPEN_MODULE =
  'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (user@host)\nGCC version: 13\n';
const CLOSED_MODULE =
  'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\n';

describe('processorFlags', () => {
  it('reads x64 and arm64, and knows when there is nothing to read', () => {
    const x64 = procWith({ cpuinfo: 'processor\t: 0\nmodel name\t: any\nflags\t\t: fpu avx avx2 fma\n' });
    expect(processorFlags(x64)).toEqual(new Set(['fpu', 'avx', 'avx2', 'fma']));
    const arm = procWith({ cpuinfo: 'processor\t: 0\nFeatures\t: fp asimd\n' });
    expect(vectorInstructions(processorFlags(arm))).toBe('neon');
    expect(processorFlags(procWith({}))).toBeNull();
  });

  it('tells the widest instructions by one word', () => {
    expect(vectorInstructions(new Set(['avx', 'avx2', 'avx512f', 'avx512_bf16']))).toBe('avx512-bf16');
    expect(vectorInstructions(new Set(['avx', 'avx2']))).toBe('avx2');
  });
});

describe('instructionFindings', () => {
  it('requires AVX of an x64 processor, and of no other', () => {
    const findings = instructionFindings(new Set(['sse2']), 'x64');
    expect(findings[0]).toMatchObject({ what: 'AVX', found: false, required: true });
    expect(findings.slice(1).map(({ what, required }) => [what, required])).toEqual([
      ['AVX2', false],
      ['FMA', false],
      ['AVX-512', false],
    ]);
    expect(instructionFindings(new Set(['asimd']), 'arm64')).toEqual([]);
  });
});

describe('nvidiaDriver', () => {
  it.each([
    { module: OPEN_MODULE, version: '580.95.05' },
    { module: CLOSED_MODULE, version: '535.183.01' },
  ])('reads $version from /proc when there is no nvidia-smi', async ({ module, version }) => {
    onlyPrograms({});
    const places = procWith({
      'driver/nvidia/version': module,
      'driver/nvidia/gpus/0000:01:00.0/information': 'Model: \t\t NVIDIA H200\nIRQ: 1\n',
    });
    expect(hasNvidiaDriver(places)).toBe(true);
    const gpus = [{ name: 'NVIDIA H200', computeCapability: null, memoryBytes: null }];
    expect(await nvidiaDriver(places)).toEqual({ version, gpus });
  });

  it('asks nvidia-smi first, which knows the compute capability', async () => {
    onlyPrograms({
      'nvidia-smi': `echo "0, GPU-aa, NVIDIA H200, 143771, 580.95.05, 9.0, 0x233510DE"
echo "1, GPU-bb, NVIDIA GB10, [N/A], 580.95.05, 12.1, 0x2E1210DE"`,
    });
    expect(await nvidiaDriver(procWith({}))).toMatchObject({
      version: '580.95.05',
      gpus: [
        { name: 'NVIDIA H200', computeCapability: '9.0', memoryBytes: 143_771 * 2 ** 20 },
        { name: 'NVIDIA GB10', computeCapability: '12.1', memoryBytes: null },
      ],
    });
  });

  it('assumes a GPU where the driver is there and nobody lists what it has', async () => {
    onlyPrograms({});
    const gpus = [{ name: 'NVIDIA GPU', computeCapability: null, memoryBytes: null }];
    const places = procWith({ 'driver/nvidia/version': CLOSED_MODULE });
    expect(await nvidiaDriver(places)).toEqual({ version: '535.183.01', gpus });
  });

  it('finds none where a tool fails and no file is there', async () => {
    onlyPrograms({ 'nvidia-smi': 'echo "could not communicate with the NVIDIA driver"; exit 9' });
    expect(await nvidiaDriver(procWith({}))).toBeNull();
  });
});

describe('isAtLeast', () => {
  it.each([
    ['2.36', '2.27', true],
    ['2.27', '2.27', true],
    ['2.9', '2.27', false],
    ['525.60.13', '525.60.13', true],
    ['525.60', '525.60.13', false],
    ['10.0', '6.0', true],
    [null, '1', false],
  ])('%s against %s: %s', (version, least, expected) => expect(isAtLeast(version, least)).toBe(expected));
});
