/** @file Tests. Devices: what nvidia-smi says of GPUs, read strictly; which of them a process may use; what a worker is shown. */
import { beforeEach, describe, expect, it } from 'vitest';
import { visibleGpus } from '../../../main/engines/cudaDevices.ts';
import { deviceEnvironment, listDevices, unaskedDevices } from '../../../main/engines/devices.ts';
import type { HardwarePlaces } from '../../../main/engines/hardware.ts';
import { nvidiaSmiGpus, nvidiaSmiProcesses } from '../../../main/engines/nvidiaSmi.ts';
import { workerEnvironment } from '../../../main/engines/registry.ts';
import { areSameChip, type Device, isDeviceName, PROCESSOR } from '../../../shared/devices.ts';
import { onlyPrograms, setVariable } from '../../support/fakePrograms.ts';
import {
  FIRST_UUID,
  nvidiaMachine,
  SECOND_UUID,
  seemToInstallCuda,
  TWO_GPUS,
} from '../../support/nvidiaMachine.ts';
import { procWithGpus } from '../../support/nvidiaProc.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const MIB = 1024 * 1024;

function cudaDataDirectory(): string {
  const dataDirectory = temporaryFolder();
  seemToInstallCuda(dataDirectory);
  return dataDirectory;
}

describe('names of devices', () => {
  it.each(['cpu', 'cuda:0', 'cuda:15', 'webgpu:1'])('%s is one', (name) =>
    expect(isDeviceName(name)).toBe(true),
  );
  it.each(['', 'CPU', 'cuda', 'cuda:', 'cuda:-1', 'cuda:01', 'cuda:1.5', 'cuda:1 x', 'gpu:0', '__proto__'])(
    '"%s" is none',
    (name) => expect(isDeviceName(name)).toBe(false),
  );
});

describe('nvidia-smi', () => {
  it('tells each GPU with all that is needed of it', async () => {
    nvidiaMachine();
    expect((await nvidiaSmiGpus())?.[1]).toEqual({
      ...{ index: 1, uuid: SECOND_UUID, name: 'NVIDIA H200', memoryBytes: 143_771 * MIB },
      ...{ driver: '580.95.05', computeCapability: '9.0', pciDeviceId: 0x2335 },
    });
  });

  it('may not know everything', async () => {
    nvidiaMachine([`0, ${FIRST_UUID}, Tesla, [N/A], 535.183.01, [N/A], [Not Supported]`]);
    expect(await nvidiaSmiGpus()).toEqual([
      expect.objectContaining({ memoryBytes: null, computeCapability: null, pciDeviceId: null }),
    ]);
  });

  it('names processes without their folders, and leaves out what only draws', async () => {
    nvidiaMachine().setProcesses([
      `${FIRST_UUID}, 4711, /usr/bin/python3, 512`,
      `${FIRST_UUID}, 12, C:\\Windows\\dwm.exe, [N/A]`,
    ]);
    const python = { gpuUuid: FIRST_UUID, pid: 4711, program: 'python3', memoryBytes: 512 * MIB };
    expect(await nvidiaSmiProcesses()).toEqual([python]);
  });

  it.each([
    ['a column less', `0, ${FIRST_UUID}, NVIDIA H200, 143771, 580.95.05, 9.0`],
    ['a column more', `0, ${FIRST_UUID}, NVIDIA H200, 143771, 580.95.05, 9.0, 0x233510DE, 1`],
    ['another uuid', '0, MIG-1, NVIDIA H200, 143771, 580.95.05, 9.0, 0x233510DE'],
    ['an index that is none', `x, ${FIRST_UUID}, NVIDIA H200, 143771, 580.95.05, 9.0, 0x233510DE`],
    ['words', 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'],
  ])('is not believed with %s', async (_, line) => {
    nvidiaMachine([line]);
    expect(await nvidiaSmiGpus()).toBeNull();
  });

  it('fails without harm', async () => {
    onlyPrograms({ 'nvidia-smi': 'echo "No devices were found"; exit 6' });
    expect(await nvidiaSmiGpus()).toBeNull();
    onlyPrograms({});
    expect(await nvidiaSmiProcesses()).toBeNull();
  });
});

describe('CUDA_VISIBLE_DEVICES', () => {
  it.each([
    [undefined, [0, 1]],
    ['0', [0]],
    ['1,0', [1, 0]],
    ['GPU-bbbb', [1]],
    ['0,7,1', [0]],
    ['-1', []],
    ['', []],
    ['MIG-5d2f6f0e-1111-2222-3333-444444444444', [2]],
    [`MIG-${SECOND_UUID}/7/0,MIG-${FIRST_UUID}/1/0,0`, [2, 3, 0]],
    ['0,MIG-5d2f6f0e', [0, 3]],
    ['MIG-GPU-cccccccc/7/0,0', []],
    ['MIG-,0', []],
    ['MIG-a b,0', []],
  ])('%s leaves %j', async (variable, expected) => {
    nvidiaMachine();
    const gpus = (await nvidiaSmiGpus())!;
    expect(visibleGpus(gpus, variable).map(({ index }) => index)).toEqual(expected);
  });
});

describe('the devices of an engine', () => {
  it('are the processor, where an engine knows no other', async () => {
    nvidiaMachine();
    expect(await listDevices('native', { dataDirectory: cudaDataDirectory() })).toEqual([PROCESSOR]);
    expect(await listDevices('tensorflow', { dataDirectory: temporaryFolder() })).toEqual([PROCESSOR]);
  });

  it('are the GPUs before the processor, for TensorFlow with CUDA', async () => {
    nvidiaMachine();
    const dataDirectory = cudaDataDirectory();
    const devices = await listDevices('tensorflow', { dataDirectory });
    expect(devices.map(({ name }) => name)).toEqual(['cuda:0', 'cuda:1', 'cpu']);
    expect(unaskedDevices(devices).map(({ name }) => name)).toEqual(['cuda:0', 'cuda:1']);
    setVariable('CUDA_VISIBLE_DEVICES', '1');
    const left = await listDevices('tensorflow', { dataDirectory });
    expect(left.map(({ name }) => name)).toEqual(['cuda:1', 'cpu']);
  });

  it.each([
    [undefined, ['cuda:1', 'cpu']],
    ['0', ['cpu']],
    ['-1', ['cpu']],
  ])('are no GPU that TensorFlow has no code for: %s', async (variable, expected) => {
    nvidiaMachine([
      `0, ${FIRST_UUID}, GTX 980, 4096, 580.95.05, 5.2, 0x13C010DE`,
      `1, ${SECOND_UUID}, NVIDIA A100, 40960, 580.95.05, 8.0, 0x20B010DE`,
    ]);
    if (variable === undefined) delete process.env['CUDA_VISIBLE_DEVICES'];
    else setVariable('CUDA_VISIBLE_DEVICES', variable);
    const devices = await listDevices('tensorflow', { dataDirectory: cudaDataDirectory() });
    expect(devices.map(({ name }) => name)).toEqual(expected);
  });

  it('are slices of a GPU as the variable names them, each shown to a worker as it is', async () => {
    nvidiaMachine(TWO_GPUS.slice(0, 1));
    const slices = ['MIG-5d2f6f0e-1111-2222-3333-444444444444', `MIG-${FIRST_UUID}/2/0`];
    setVariable('CUDA_VISIBLE_DEVICES', slices.join(','));
    const devices = await listDevices('tensorflow', { dataDirectory: cudaDataDirectory() });
    expect(devices.map(({ name, title }) => [name, title])).toEqual([
      ...[
        ['cuda:1', 'MIG slice of NVIDIA H200'],
        ['cuda:2', 'MIG slice of NVIDIA H200'],
      ],
      ['cpu', 'processor'],
    ]);
    expect(devices[0]).toMatchObject({ computeCapability: '9.0', memoryBytes: null, gpus: [slices[0]] });
    const shown = unaskedDevices(devices).map((device) => deviceEnvironment('tensorflow', device));
    expect(shown).toEqual(slices.map((slice) => ({ CUDA_VISIBLE_DEVICES: slice })));
    expect(areSameChip(devices[0]!, devices[1]!)).toBe(false);
  });

  it.each([
    [undefined, ['cuda:3', 'cuda:2', 'cuda:1', 'cuda:4', 'cuda:0', 'cpu']],
    ['0,1,2', ['cuda:0', 'cuda:1', 'cuda:2', 'cpu']],
  ])('are the best first, unless a person has said in which order: %s', async (variable, expected) => {
    const gpu = (index: number, memoryMib: string, capability: string) =>
      `${index}, ${FIRST_UUID.slice(0, -1)}${index}, A GPU, ${memoryMib}, 580.95.05, ${capability}, 0x233510DE`;
    nvidiaMachine([
      gpu(0, '99999', '[N/A]'),
      gpu(1, '8192', '9.0'),
      gpu(2, '16384', '9.0'),
      gpu(3, '4096', '12.0'),
      gpu(4, '8192', '9.0'),
    ]);
    if (variable === undefined) delete process.env['CUDA_VISIBLE_DEVICES'];
    else setVariable('CUDA_VISIBLE_DEVICES', variable);
    const devices = await listDevices('tensorflow', { dataDirectory: cudaDataDirectory() });
    expect(devices.map(({ name }) => name)).toEqual(expected);
  });

  it('are shown to a worker one at a time', async () => {
    nvidiaMachine(TWO_GPUS);
    const dataDirectory = cudaDataDirectory();
    const [, second] = await listDevices('tensorflow', { dataDirectory });
    const environment = workerEnvironment('tensorflow', { dataDirectory, threads: 1, device: second! });
    expect(environment).toMatchObject({ CUDA_VISIBLE_DEVICES: SECOND_UUID, TF_NUM_INTRAOP_THREADS: '1' });
    // Without it the first worker takes all of the GPU's memory, whatever the run needs.
    expect(environment).toMatchObject({ TF_FORCE_GPU_ALLOW_GROWTH: 'true' });
    expect(deviceEnvironment('tensorflow', PROCESSOR)).toEqual({ CUDA_VISIBLE_DEVICES: '-1' });
    expect(deviceEnvironment('native', PROCESSOR)).toEqual({});
  });

  it('are refused where a worker would compute on another one', () => {
    const unknown: Device = { ...PROCESSOR, name: 'cuda:1', gpus: [] };
    expect(() => deviceEnvironment('tensorflow', unknown)).toThrow('A worker cannot be shown the GPU cuda:1');
  });
});

describe('without nvidia-smi', () => {
  const gpus = [
    { name: 'NVIDIA H200', uuid: FIRST_UUID },
    { name: 'NVIDIA H200', uuid: SECOND_UUID },
  ];
  const listed = async (hardware: HardwarePlaces) =>
    (await listDevices('tensorflow', { dataDirectory: cudaDataDirectory(), hardware })).map(
      ({ name, title, gpus: names }) => [name, title, ...names].join(' '),
    );

  // Nothing of the machine that the test runs on.
  beforeEach(() => {
    onlyPrograms({});
    setVariable('CUDA_VISIBLE_DEVICES', '0,1');
  });

  it('GPUs have the uuids that the files of the driver tell, so that one has one name for all', async () => {
    const hardware = procWithGpus(gpus);
    const both = [`cuda:0 NVIDIA H200 ${FIRST_UUID}`, `cuda:1 NVIDIA H200 ${SECOND_UUID}`];
    expect(await listed(hardware)).toEqual([...both, 'cpu processor']);
    setVariable('CUDA_VISIBLE_DEVICES', SECOND_UUID.slice(0, 10));
    expect(await listed(hardware)).toEqual([both[1], 'cpu processor']);
    const [device] = await listDevices('tensorflow', { dataDirectory: cudaDataDirectory(), hardware });
    expect(deviceEnvironment('tensorflow', device!)).toEqual({ CUDA_VISIBLE_DEVICES: SECOND_UUID });
  });

  it('those that a container was not given are none', async () => {
    const hardware = procWithGpus([{ ...gpus[0]!, isGiven: false }, gpus[1]!]);
    expect(await listed(hardware)).toEqual([`cuda:0 NVIDIA H200 ${SECOND_UUID}`, 'cpu processor']);
  });

  it('one whose uuid is not told yet is the first, whatever the others are', async () => {
    const hardware = procWithGpus([
      { ...gpus[0]!, uuid: 'GPU-????????-????-????-????-????????????' },
      gpus[1]!,
    ]);
    expect(await listed(hardware)).toEqual(['cuda:0 NVIDIA H200 first NVIDIA GPU', 'cpu processor']);
    for (const nothing of ['', '-1', 'none']) {
      setVariable('CUDA_VISIBLE_DEVICES', nothing);
      expect(await listed(hardware)).toEqual(['cpu processor']);
    }
  });
});

describe('two devices', () => {
  const gpu = (name: Device['name'], gpus: string[]): Device => ({ ...PROCESSOR, name, gpus });

  it('are one chip when they may be the same GPU', () => {
    const cuda = gpu('cuda:0', [FIRST_UUID]);
    expect(areSameChip(cuda, gpu('webgpu:0', [FIRST_UUID, SECOND_UUID]))).toBe(true);
    expect(areSameChip(cuda, gpu('cuda:1', [SECOND_UUID]))).toBe(false);
    expect(areSameChip(PROCESSOR, PROCESSOR)).toBe(true);
    expect(areSameChip(PROCESSOR, cuda)).toBe(false);
  });
});
