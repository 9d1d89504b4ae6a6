/** @file Tests. What keeps TensorFlow from an NVIDIA GPU: each obstacle by its name, and the engine that is taken instead. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { findNative, nativePlaces } from '../../../main/engines/native/loader.ts';
import { chooseEngine } from '../../../main/engines/registry.ts';
import {
  canUseCuda,
  codeFor,
  cudaObstacle,
  machineObstacle,
  requireCudaMachine,
  whyNoGpu,
} from '../../../main/engines/tensorflow/cudaReadiness.ts';
import { tensorflowReport } from '../../../main/engines/tensorflow/doctor.ts';
import { gpuTroubleIn } from '../../../main/engines/tensorflow/gpuTrouble.ts';
import { installTensorflow } from '../../../main/engines/tensorflow/install.ts';
import { installationFolder, MANIFEST_FILE } from '../../../main/engines/tensorflow/installation.ts';
import { selfTestLimitMs } from '../../../main/engines/tensorflow/selfTest.ts';
import { reportLimitMs } from '../../../main/studio/engineReport.ts';
import { EngineService } from '../../../main/studio/engines.ts';
import { onlyPrograms, setVariable } from '../../support/fakePrograms.ts';
import { nvidiaMachine, seemToInstallCuda } from '../../support/nvidiaMachine.ts';
import { procWithDriver } from '../../support/nvidiaProc.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const row = (driver: string, capability: string, name = 'NVIDIA H200') =>
  `0, GPU-aaaaaaaa-0000-1111-2222-333333333333, ${name}, 143771, ${driver}, ${capability}, 0x233510DE`;
const gpu = (computeCapability: string | null) => ({ name: 'GPU', computeCapability, memoryBytes: null });
/** As Linux has it where the driver is loaded; the version that counts is nvidia-smi's. */
const loaded = () => procWithDriver('580.95.05');

let data: string;
beforeEach(() => {
  data = temporaryFolder();
});

/** A file of the manifest that is not there. */
function loseLibrary(): void {
  const path = join(installationFolder(data, 'cuda'), MANIFEST_FILE);
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  const files = [{ path: 'nvidia/cudnn/lib/libcudnn.so.9', sizeBytes: 10, sha256: '' }];
  writeFileSync(path, JSON.stringify({ ...manifest, files }));
}

describe('an obstacle', () => {
  it.each([
    { what: 'a driver too old', gpus: [row('470.57.02', '8.0')], name: 'driver too old', says: '525.60.13' },
    {
      what: 'a GPU too old',
      gpus: [row('580.95.05', '5.2', 'GTX 980')],
      name: 'GPU too old',
      says: 'GTX 980 (5.2)',
    },
  ])('of $what is named, and native or wasm is taken', async ({ gpus, name, says }) => {
    nvidiaMachine(gpus);
    seemToInstallCuda(data);
    const obstacle = await cudaObstacle(data, loaded());
    expect(obstacle).toMatchObject({ name });
    expect(obstacle?.sentence).toContain(says);
    expect(await canUseCuda(data, loaded())).toBe(false);
    const wish = { dataDirectory: data, asked: null, native: nativePlaces(temporaryFolder()) };
    // TensorFlow on the processor is what is left here.
    expect(await chooseEngine({ ...wish, hardware: loaded() })).toBe('tensorflow');
    expect(await whyNoGpu(data, 'cuda', loaded())).toContain(says);
    const refused = await studioRejectionOf(requireCudaMachine(loaded()));
    expect(refused.code).toBe('ENGINE_MISSING');
    expect(refused.message).toContain(says);
    expect(refused.nextStep).toContain('--anyway');
  });

  it('of no driver is named before anything is fetched', async () => {
    onlyPrograms({});
    const places = { procFolder: temporaryFolder(), devFolder: temporaryFolder() };
    const fetched = installTensorflow({ dataDirectory: data, cuda: true, hardware: places });
    const refused = await studioRejectionOf(fetched);
    expect(refused.message).toBe('TensorFlow cannot use a GPU here: no NVIDIA driver was found.');
    expect(refused.nextStep).toContain('525.60.13');
  });

  it('of a driver that does not answer is told from having none', async () => {
    onlyPrograms({ 'nvidia-smi': 'echo "Driver/library version mismatch"; exit 18' });
    seemToInstallCuda(data);
    const places = procWithDriver(null);
    expect(await cudaObstacle(data, places)).toMatchObject({ name: 'driver does not answer' });
    const report = await tensorflowReport(data, places);
    const driver = report.findings.find(({ what }) => what === 'NVIDIA driver');
    expect(driver).toMatchObject({ found: false });
    expect(driver?.detail).toContain('restart the machine');
  });

  it('of a driver that shows no GPU is named', async () => {
    onlyPrograms({});
    seemToInstallCuda(data);
    const places = loaded();
    mkdirSync(join(places.procFolder, 'driver', 'nvidia', 'gpus'));
    expect(await cudaObstacle(data, places)).toMatchObject({ name: 'no GPU' });
  });

  it('of half an installation names the file that is missing', async () => {
    nvidiaMachine();
    seemToInstallCuda(data);
    loseLibrary();
    const obstacle = await cudaObstacle(data, loaded());
    expect(obstacle?.name).toBe('not whole');
    expect(obstacle?.sentence).toContain('libcudnn.so.9 is missing');
    expect(obstacle?.nextStep).toContain('install tensorflow --cuda');
    const asked = chooseEngine({ dataDirectory: data, asked: 'tensorflow', hardware: loaded() });
    expect((await studioRejectionOf(asked)).message).toContain('libcudnn.so.9 is missing');
  });

  it('is none where all is well, and none without an installation or without a driver', async () => {
    nvidiaMachine();
    expect(await cudaObstacle(data, loaded())).toBeNull();
    expect(await canUseCuda(data, loaded())).toBe(false);
    seemToInstallCuda(data);
    expect(await cudaObstacle(data, loaded())).toBeNull();
    expect(await canUseCuda(data, loaded())).toBe(true);
    expect(await canUseCuda(data, { procFolder: temporaryFolder(), devFolder: temporaryFolder() })).toBe(
      false,
    );
    expect(await chooseEngine({ dataDirectory: data, asked: null, hardware: loaded() })).toBe('tensorflow');
    expect(await whyNoGpu(data, 'cpu', loaded())).toContain('--cuda is for the GPU');
    expect(await whyNoGpu(data, 'cuda', loaded())).toContain('CUDA libraries do not load');
  });

  it.each(['', '-1', '7', 'none'])(
    'of CUDA_VISIBLE_DEVICES "%s", which hides the GPUs, is named, and native is taken',
    async (variable) => {
      nvidiaMachine();
      seemToInstallCuda(data);
      setVariable('CUDA_VISIBLE_DEVICES', variable);
      expect(await cudaObstacle(data, loaded())).toMatchObject({
        name: 'GPU hidden',
        sentence: 'CUDA_VISIBLE_DEVICES hides NVIDIA H200, NVIDIA H200',
      });
      expect(await canUseCuda(data, loaded())).toBe(false);
      const taken = findNative().kind === 'found' ? 'native' : 'tensorflow';
      expect(await chooseEngine({ dataDirectory: data, asked: null, hardware: loaded() })).toBe(taken);
    },
  );

  it('is the variable too where it leaves only a GPU that is too old', async () => {
    const old = '1, GPU-bbbbbbbb-0000-1111-2222-333333333333, GTX 980, 4096, 580.95.05, 5.2, 0x13C010DE';
    nvidiaMachine([row('580.95.05', '9.0'), old]);
    seemToInstallCuda(data);
    setVariable('CUDA_VISIBLE_DEVICES', '1');
    expect((await cudaObstacle(data, loaded()))?.sentence).toBe('CUDA_VISIBLE_DEVICES hides NVIDIA H200');
    setVariable('CUDA_VISIBLE_DEVICES', '1,0');
    expect(await cudaObstacle(data, loaded())).toBeNull();
  });

  it.each(['MIG-5d2f6f0e-1111-2222-3333-444444444444', 'MIG-GPU-aaaaaaaa-0000-1111-2222-333333333333/1/0'])(
    'is none where the variable names a slice of a GPU: %s',
    async (slice) => {
      nvidiaMachine([row('580.95.05', '9.0')]);
      seemToInstallCuda(data);
      setVariable('CUDA_VISIBLE_DEVICES', slice);
      expect(await canUseCuda(data, loaded())).toBe(true);
    },
  );

  it('is none as long as the driver does not say which GPUs there are: a run waits for it', async () => {
    nvidiaMachine().setGpus(['Timeout reached while waiting for the driver.']);
    seemToInstallCuda(data);
    setVariable('CUDA_VISIBLE_DEVICES', '');
    expect(await cudaObstacle(data, loaded())).toBeNull();
  });

  it('of hidden GPUs is what the doctor says, and nothing is to be installed again', async () => {
    nvidiaMachine();
    setVariable('CUDA_VISIBLE_DEVICES', '');
    const report = await tensorflowReport(data, loaded());
    expect(report.findings).toContainEqual({
      ...{ what: 'CUDA_VISIBLE_DEVICES', detail: 'CUDA_VISIBLE_DEVICES hides NVIDIA H200, NVIDIA H200' },
      ...{ found: false, required: false },
    });
  });

  it('is told where tensorflow is asked for by name and computes on the processor', async () => {
    nvidiaMachine();
    seemToInstallCuda(data);
    setVariable('CUDA_VISIBLE_DEVICES', '');
    const notices: string[] = [];
    const onNotice = (notice: string) => void notices.push(notice);
    const service = new EngineService(data, async () => {}, { onNotice, hardware: loaded() });
    expect(await service.choose('tensorflow')).toBe('tensorflow');
    expect(notices).toEqual([
      'TensorFlow cannot use the GPU: CUDA_VISIBLE_DEVICES hides NVIDIA H200, NVIDIA H200. It computes on the processor. ' +
        'Leave that variable out or name the GPU in it, or use another engine.',
    ]);
  });

  it('is told once, with the engine that is taken and what to do', async () => {
    nvidiaMachine([row('470.57.02', '8.0')]);
    seemToInstallCuda(data);
    loseLibrary();
    const notices: string[] = [];
    const service = new EngineService(data, async () => {}, {
      onNotice: (notice) => notices.push(notice),
      hardware: loaded(),
    });
    const engine = await service.choose(null);
    await service.choose(null);
    expect(notices).toEqual([
      expect.stringContaining('not whole: nvidia/cudnn/lib/libcudnn.so.9 is missing'),
    ]);
    expect(notices[0]).toContain(`The engine ${engine} is taken.`);
    rmSync(installationFolder(data, 'cuda'), { recursive: true });
  });
});

describe('what the wheel has for a GPU', () => {
  it.each([
    ['8.6', ''],
    ['7.5', ''],
    ['8.9', ''],
    [null, ''],
    ['5.0', '6.0 or more is needed'],
    ['9.0', 'the driver compiles at the first start'],
    ['12.0', 'the driver compiles at the first start'],
  ])('of compute capability %s: "%s"', (capability, says) => {
    const code = codeFor(gpu(capability));
    if (says === '') expect(code).toBe('');
    else expect(code).toContain(says);
  });

  it.each([
    { gpus: ['8.0', '9.0'], minutes: 60 },
    { gpus: ['12.0'], minutes: 60 },
    { gpus: ['8.9', '5.0', null], minutes: 2 },
    { gpus: [], minutes: 2 },
  ])('gives a first product of two matrices $minutes minutes on $gpus', ({ gpus, minutes }) =>
    expect(selfTestLimitMs('cuda', { version: '580.95.05', gpus: gpus.map(gpu) })).toBe(minutes * 60_000),
  );

  it('takes no time from an installation for the processor, or without a driver', () => {
    expect(selfTestLimitMs('cpu', { version: '580.95.05', gpus: [gpu('9.0')] })).toBe(120_000);
    expect(selfTestLimitMs('cuda', null)).toBe(120_000);
  });

  it.each([
    { device: 'cuda:0', computeCapability: '9.0', minutes: 80 },
    { device: 'cuda:0', computeCapability: null, minutes: 80 },
    { device: 'cuda:0', computeCapability: '8.9', minutes: 20 },
    { device: 'webgpu:0', computeCapability: null, minutes: 20 },
    { device: 'cpu', computeCapability: null, minutes: 20 },
  ] as const)('gives the test of an engine $minutes minutes on $device of $computeCapability', (one) =>
    expect(reportLimitMs({ name: one.device, computeCapability: one.computeCapability })).toBe(
      one.minutes * 60_000,
    ),
  );

  it('is enough when one GPU of several is able', () => {
    const driver = { version: '580.95.05', gpus: [gpu('5.0'), gpu('8.0')] };
    expect(machineObstacle(driver, true)).toBeNull();
  });
});

/** Words of the library that the recipe pins, as it writes them to its error output. */
describe('why the library uses no GPU', () => {
  it.each([
    [
      "W0000 dso_loader.cc:52] Could not load dynamic library 'libcudnn.so.9'; dlerror: libcudnn.so.9: cannot open shared object file: No such file or directory\nW0000 gpu_device.cc:2431] Cannot dlopen some GPU libraries. Please make sure",
      'the CUDA library libcudnn.so.9 does not load (libcudnn.so.9: cannot open shared object file: No such file or directory)',
    ],
    [
      'W0000 gpu_device.cc:2456] Ignoring visible gpu device (device: 0, name: NVIDIA GeForce GTX 980, pci bus id: 0000:01:00.0, compute capability: 5.2) with Cuda compute capability 5.2. The minimum required Cuda capability is 6.0.',
      'the GPU has compute capability 5.2, and TensorFlow needs 6.0',
    ],
    [
      'E0000 cuda_platform.cc:51] failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected',
      'CUDA sees no GPU',
    ],
    [
      'E0000 cuda_platform.cc:51] failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: UNKNOWN ERROR (303)',
      'it finds no CUDA driver (libcuda.so.1)',
    ],
    [
      'E0000 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: CUDA_ERROR_INVALID_DEVICE',
      'CUDA does not start (INTERNAL: CUDA error: Failed call to cuInit: CUDA_ERROR_INVALID_DEVICE)',
    ],
    [
      'I0000 cudart_stub.cc:31] Could not find cuda drivers on your machine, GPU will not be used.',
      'it finds no CUDA driver (libcuda.so.1)',
    ],
    [
      'CUDA driver version is insufficient for CUDA runtime version',
      'the NVIDIA driver is too old for these CUDA libraries',
    ],
  ])('is read from its words', (stderr, clause) => expect(gpuTroubleIn(stderr)).toBe(clause));

  it('is not known where it says nothing', () =>
    expect(gpuTroubleIn('oneDNN custom operations are on')).toBeNull());
});
