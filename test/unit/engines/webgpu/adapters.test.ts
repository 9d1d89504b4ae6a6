/** @file Tests. Which adapter the engine webgpu takes, and what it says where there is none that will do. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { cudaGpus } from '../../../../main/engines/cudaDevices.ts';
import { deviceEnvironment, listDevices } from '../../../../main/engines/devices.ts';
import type { HardwarePlaces } from '../../../../main/engines/hardware.ts';
import { chooseEngine } from '../../../../main/engines/registry.ts';
import { byName, findAdapter, listAdapters } from '../../../../main/engines/webgpu/adapters.ts';
import { loadDawn } from '../../../../main/engines/webgpu/dawn.ts';
import { limitsLacking } from '../../../../main/engines/webgpu/device.ts';
import { isHidden } from '../../../../main/engines/webgpu/webgpuDevices.ts';
import { webgpuReport } from '../../../../main/engines/webgpuDoctor.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { onlyPrograms, setVariable } from '../../../support/fakePrograms.ts';
import { nvidiaMachine } from '../../../support/nvidiaMachine.ts';
import { procWithDriver, procWithGpus } from '../../../support/nvidiaProc.ts';
import { studioRejectionOf } from '../../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';

const uuidOfFirst = 'GPU-aaaaaaaa-0000-1111-2222-333333333333';
const NAME = 'SwiftShader Device (Subzero)';
/** The names of adapters here are those of the driver in software. */
const inSoftware = process.env['ENTAIL_WEBGPU_ADAPTER'] === 'SwiftShader';

beforeEach(({ skip }) => {
  engineForTests('webgpu', skip);
  if (!inSoftware) skip('tested with the driver in software, and another adapter is named');
});

/** A folder with a loader that is none, first on the library path. */
function withoutVulkan(): Record<string, string> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'libvulkan.so.1'), 'no library');
  return { LD_LIBRARY_PATH: folder };
}

describe('adapters', () => {
  it('are listed, those in software last and as such', async () => {
    const listed = await listAdapters(await loadDawn());
    expect(listed.at(-1)).toEqual({ api: 'vulkan', name: NAME, isSoftware: true });
  });

  it('are found by a part of their name', async () => {
    const found = await findAdapter(await loadDawn(), { name: 'subzero' });
    expect(found).toMatchObject({ name: NAME, api: 'vulkan', isSoftware: true });
    expect(found.driver).toMatch(/^SwiftShader driver \d/);
    const error = await studioRejectionOf(findAdapter(await loadDawn(), { name: 'Voodoo' }));
    expect(error).toMatchObject({ code: 'ENGINE_MISSING', message: expect.stringContaining('"Voodoo"') });
    expect(error.message).toContain(`there is "${NAME}"`);
  });

  it('whose whole name is given go before those that have it as a part', () => {
    const listed = ['GPU A100 PCIe', 'GPU A100'].map((name) => ({ name }));
    expect(byName(listed, 'gpu a100')?.name).toBe('GPU A100');
    expect(byName(listed, 'a100')?.name).toBe('GPU A100 PCIe');
    expect(byName(listed, 'B200')).toBeUndefined();
  });

  it('in software are not taken unasked', async () => {
    const error = await studioRejectionOf(findAdapter(await loadDawn(), {}));
    expect(error).toMatchObject({ code: 'ENGINE_MISSING', message: expect.stringContaining(NAME) });
    expect(error.nextStep).toContain('--engine native');
    setVariable('ENTAIL_WEBGPU_ADAPTER', '');
    const asked = await studioRejectionOf(chooseEngine({ dataDirectory: '', asked: 'webgpu' }));
    expect(asked.message).toBe(error.message);
    expect((await listDevices('webgpu', { dataDirectory: '' })).map(({ name }) => name)).toEqual(['cpu']);
  });

  it('are devices when they are named', async () => {
    expect(await chooseEngine({ dataDirectory: '', asked: 'webgpu' })).toBe('webgpu');
    const [device] = await listDevices('webgpu', { dataDirectory: '' });
    expect(device).toMatchObject({ name: 'webgpu:0', title: NAME, gpus: [`webgpu ${NAME}`] });
    expect(deviceEnvironment('webgpu', device!)).toEqual({ ENTAIL_WEBGPU_ADAPTER: NAME });
  });

  it('that can too little are refused by what they lack', async () => {
    const { adapter } = await findAdapter(await loadDawn(), { name: 'subzero' });
    expect(limitsLacking(adapter)).toEqual([]);
    const limits = { ...withOwn(adapter.limits), maxComputeInvocationsPerWorkgroup: 128 };
    expect(limitsLacking({ limits: limits as GPUSupportedLimits })).toEqual([
      'maxComputeInvocationsPerWorkgroup is 128 instead of 256',
    ]);
  });
});

describe('CUDA_VISIBLE_DEVICES', () => {
  const uuid = (at: number) => `GPU-aaaaaaaa-0000-1111-2222-33333333333${at}`;
  // A driver in software that nvidia-smi takes for a GPU: what is tested is which name hides which adapter.
  const gpu = (at: number, name: string) => `${at}, ${uuid(at)}, ${name}, 143771, 580.95.05, 9.0, 0x233510DE`;
  const names = async () => (await listDevices('webgpu', { dataDirectory: '' })).map(({ name }) => name);

  it.each(['', '-1', '1'])('"%s" hides the only GPU that an adapter can be', async (variable) => {
    nvidiaMachine([gpu(0, NAME), gpu(1, 'NVIDIA H200')], ['node']);
    setVariable('CUDA_VISIBLE_DEVICES', variable);
    expect(await names()).toEqual(['cpu']);
    const error = await studioRejectionOf(chooseEngine({ dataDirectory: '', asked: 'webgpu' }));
    expect(error).toMatchObject({
      code: 'ENGINE_MISSING',
      message: `CUDA_VISIBLE_DEVICES hides the GPU ${NAME}.`,
    });
    const report = await webgpuReport({ dataDirectory: '' });
    expect(report).toMatchObject({ verdict: 'unsupported', summary: `CUDA_VISIBLE_DEVICES hides ${NAME}.` });
  });

  it('leaves an adapter that may be a GPU which it leaves, and all that it may be are locked', async () => {
    nvidiaMachine([gpu(0, NAME), gpu(1, NAME)], ['node']);
    setVariable('CUDA_VISIBLE_DEVICES', '1');
    const [device] = await listDevices('webgpu', { dataDirectory: '' });
    expect(device).toMatchObject({ name: 'webgpu:0', gpus: [uuid(1), uuid(0)] });
    expect(await chooseEngine({ dataDirectory: '', asked: 'webgpu' })).toBe('webgpu');
  });

  it('hides no GPU of another maker', async () => {
    nvidiaMachine([gpu(0, 'NVIDIA H200')], ['node']);
    setVariable('CUDA_VISIBLE_DEVICES', '');
    expect(await names()).toEqual(['webgpu:0']);
  });
});

describe('one GPU by two engines, without nvidia-smi', () => {
  const asCuda = async (hardware: HardwarePlaces) => (await cudaGpus(hardware)).visible[0]!;
  const adapter = (name: string) => ({ name });

  it('has one name for both, by the files of the driver', async () => {
    onlyPrograms({}, ['node']);
    setVariable('CUDA_VISIBLE_DEVICES', '0');
    const hardware = procWithGpus([{ name: NAME, uuid: uuidOfFirst }]);
    const [device] = await listDevices('webgpu', { dataDirectory: '', hardware });
    expect(device!.gpus).toEqual((await asCuda(hardware)).gpus);
    expect(device!.gpus).toEqual([uuidOfFirst]);
  });

  it('may be any of NVIDIA where nobody tells which it is', async () => {
    onlyPrograms({}, ['node']);
    setVariable('CUDA_VISIBLE_DEVICES', '-1');
    const cuda = await cudaGpus(procWithDriver('580.95.05'));
    expect(isHidden(adapter('NVIDIA L4'), cuda)).toBe(true);
    expect(isHidden(adapter(NAME), cuda)).toBe(false);
  });
});

describe('the doctor', () => {
  it('tells what the adapter can, and that it computes', async () => {
    const report = await webgpuReport({ dataDirectory: '', named: 'swiftshader' });
    expect(report).toMatchObject({ engine: 'webgpu', verdict: 'ready', nextStep: '' });
    expect(report.summary).toContain(`Works on ${NAME}`);
    const found = (what: string) => report.findings.find((one) => one.what === what)?.found;
    for (const what of ['Dawn (npm webgpu)', 'libvulkan.so.1', 'subgroups', 'A product of two matrices'])
      expect(found(what), what).toBe(true);
    expect(found('shader-f16')).toBe(false);
  });

  it('says that there is software alone', async () => {
    setVariable('ENTAIL_WEBGPU_ADAPTER', '');
    const report = await webgpuReport({ dataDirectory: '' });
    expect(report).toMatchObject({ verdict: 'unsupported', summary: expect.stringContaining(NAME) });
  });

  it('names the loader of Vulkan where it is missing', async () => {
    setVariable('ENTAIL_WEBGPU_ADAPTER', '');
    const report = await webgpuReport({ dataDirectory: '', environment: withoutVulkan() });
    expect(report).toMatchObject({ verdict: 'unsupported', summary: 'No GPU was found.' });
    expect(report.findings).toContainEqual(
      expect.objectContaining({ what: 'libvulkan.so.1', found: false, required: true }),
    );
    expect(report.nextStep).toContain('libvulkan1');
  });
});

/** Limits are getters of a class. */
const withOwn = (limits: GPUSupportedLimits) =>
  Object.fromEntries(
    Object.keys(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(limits))).map((name) => [
      name,
      Reflect.get(limits, name),
    ]),
  );
