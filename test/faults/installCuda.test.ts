/** @file Tests. TensorFlow for CUDA on a machine whose CUDA libraries do not load: installed, kept, and the reason said aloud. */
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { tensorflowReport } from '../../main/engines/tensorflow/doctor.ts';
import type { InstallPlan } from '../../main/engines/tensorflow/fetchWheels.ts';
import { installRecipe } from '../../main/engines/tensorflow/install.ts';
import { installationFolder } from '../../main/engines/tensorflow/installation.ts';
import type { Wheel } from '../../main/engines/tensorflow/recipe.ts';
import { nodeApiHeaders } from '../../main/engines/tensorflow/requirements.ts';
import { programPath, setVariable, writeScript } from '../support/fakePrograms.ts';
import { procWithDriver } from '../support/nvidiaProc.ts';
import { recipeOf, writeSmallWheel } from '../support/smallWheel.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const SOURCE = join(dirname(import.meta.dirname), 'support', 'standInLibrary.cc');
const BROKEN =
  "Could not load dynamic library 'libcudnn.so.9'; dlerror: libcudnn.so.9: invalid ELF header\nCannot dlopen some GPU libraries.";

let data: string;
let wheel: Wheel;

beforeEach(({ skip }) => {
  if (programPath('python3') === null || programPath('c++') === null || nodeApiHeaders() === null) {
    if (process.env['CI'] === 'true')
      throw new Error('With CI=true nothing is skipped: python3, c++ or node-api-headers is missing.');
    skip('python3, a C++ compiler or node-api-headers is missing');
  }
  data = temporaryFolder();
  const index = temporaryFolder();
  wheel = writeSmallWheel(index);
  setVariable('PIP_NO_INDEX', '1');
  setVariable('PIP_FIND_LINKS', index);
  // A small library in the place of the binding, which the wheel's libraries could not be linked with.
  const compiler = join(temporaryFolder(), 'compiler');
  const build = `exec '${programPath('c++')}' -std=c++17 -fPIC -shared '-I${nodeApiHeaders()}' '${SOURCE}' -o "$2"`;
  writeScript(
    compiler,
    `[ "$1" = --version ] && { echo "stand-in 1.0"; exit 0; }\nwhile [ "$1" != -o ]; do shift; done\n${build}`,
  );
  setVariable('CXX', compiler);
});

/** To whoever asks nvidia-smi. */
function showH200(): void {
  const row = '0, GPU-aaaaaaaa-0000-1111-2222-333333333333, NVIDIA H200, 143771, 580.95.05, 9.0, 0x233510DE';
  const folder = temporaryFolder();
  const words = 'index,uuid,name,memory.total,driver_version,compute_cap,pci.device_id';
  writeScript(join(folder, 'nvidia-smi'), `[ "$1" = --query-gpu=${words} ] && echo '${row}'`);
  setVariable('PATH', `${folder}${delimiter}${process.env['PATH'] ?? ''}`);
}

it('shows what will be fetched, installs, and says which library does not load', async () => {
  setVariable('ENTAIL_TEST_SAYS', BROKEN);
  const hardware = procWithDriver('580.95.05');
  const plans: InstallPlan[] = [];
  const outcome = await installRecipe(recipeOf(wheel, 'cuda'), {
    ...{ dataDirectory: data, cuda: true, hardware },
    onPlan: (plan) => plans.push(plan),
  });
  const { project, version, sizeBytes } = wheel;
  expect(plans).toEqual([
    {
      wheels: [{ project, version, sizeBytes, isThere: false }],
      downloadBytes: sizeBytes,
      unpackedBytes: wheel.unpackedBytes,
    },
  ]);
  const trouble = 'the CUDA library libcudnn.so.9 does not load (libcudnn.so.9: invalid ELF header)';
  expect(outcome).toMatchObject({ alreadyThere: false, usesGpu: false, gpuTrouble: trouble });
  expect(existsSync(join(installationFolder(data, 'cuda'), 'installed.json'))).toBe(true);

  const report = await tensorflowReport(data, procWithDriver('580.95.05'));
  const tested = report.findings.find(({ what }) => what === 'A product of two matrices');
  expect(tested?.detail).toBe(`right, on the CPU: ${trouble}`);
  expect(report.verdict).toBe('ready');
});

it('does not tell anybody to install again what CUDA_VISIBLE_DEVICES hides the GPU from', async () => {
  const hardware = procWithDriver('580.95.05');
  showH200();
  await installRecipe(recipeOf(wheel, 'cuda'), { dataDirectory: data, cuda: true, hardware });
  setVariable('CUDA_VISIBLE_DEVICES', '-1');
  expect(await tensorflowReport(data, hardware)).toMatchObject({
    verdict: 'ready',
    summary: 'Works on the CPU only: CUDA_VISIBLE_DEVICES hides NVIDIA H200.',
    nextStep: 'Leave that variable out or name the GPU in it, or use another engine.',
  });
});

it('says that the driver compiles first for a GPU that the wheel has no code for', async () => {
  showH200();
  const tested: string[] = [];
  await installRecipe(recipeOf(wheel, 'cuda'), {
    ...{ dataDirectory: data, cuda: true, hardware: procWithDriver('580.95.05') },
    onProgress: ({ phase, what }) => {
      if (phase === 'testing') tested.push(what);
    },
  });
  expect(tested).toEqual([
    'a product of two matrices; the driver compiles for this GPU first, for up to half an hour',
  ]);
});

it('is silent of GPUs on a machine that has none', async () => {
  setVariable('ENTAIL_TEST_SAYS', 'Could not find cuda drivers on your machine, GPU will not be used.');
  const hardware = { procFolder: temporaryFolder(), devFolder: temporaryFolder() };
  const options = { dataDirectory: data, cuda: true, hardware };
  expect((await installRecipe(recipeOf(wheel, 'cuda'), options)).gpuTrouble).toBeNull();
  expect(readFileSync(join(installationFolder(data, 'cuda'), 'installed.json'), 'utf8')).toContain(
    'stand-in',
  );
});
