/**
 * @file Tests. A machine that seems to have NVIDIA GPUs: an nvidia-smi of our own answers for the driver, and an installation
 * of TensorFlow for CUDA that has a manifest and nothing else. Nothing can be computed on it.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installationFolder, MANIFEST_FILE } from '../../main/engines/tensorflow/installation.ts';
import { TENSORFLOW_VERSION } from '../../main/engines/tensorflow/recipe.ts';
import { onlyPrograms, setVariable } from './fakePrograms.ts';
import { temporaryFolder } from './temporaryFolder.ts';

export const TWO_GPUS = [
  '0, GPU-aaaaaaaa-0000-1111-2222-333333333333, NVIDIA H200, 143771, 580.95.05, 9.0, 0x233510DE',
  '1, GPU-bbbbbbbb-0000-1111-2222-333333333333, NVIDIA H200, 143771, 580.95.05, 9.0, 0x233510DE',
];
export const FIRST_UUID = 'GPU-aaaaaaaa-0000-1111-2222-333333333333';
export const SECOND_UUID = 'GPU-bbbbbbbb-0000-1111-2222-333333333333';

export interface NvidiaMachine {
  /** Lines as `--query-compute-apps=gpu_uuid,pid,process_name,used_memory` gives them. */
  setProcesses(lines: readonly string[]): void;
  /** As `TWO_GPUS`, or what a driver says instead that is in trouble. */
  setGpus(lines: readonly string[]): void;
}

/** Until the test ends; the PATH holds nvidia-smi, sh's cat, and the real programs named in `links`. */
export function nvidiaMachine(
  gpus: readonly string[] = TWO_GPUS,
  links: readonly string[] = [],
): NvidiaMachine {
  const folder = temporaryFolder();
  const gpuFile = join(folder, 'gpus');
  const processFile = join(folder, 'processes');
  // In one piece: whoever asks meanwhile would take half a list for all of it.
  const write = (path: string, lines: readonly string[]) => {
    writeFileSync(`${path}.new`, lines.map((line) => `${line}\n`).join(''));
    renameSync(`${path}.new`, path);
  };
  write(gpuFile, gpus);
  write(processFile, []);
  const script = `case "$1" in
--query-gpu=index,uuid,name,memory.total,driver_version,compute_cap,pci.device_id) cat '${gpuFile}' ;;
--query-compute-apps=gpu_uuid,pid,process_name,used_memory) cat '${processFile}' ;;
*) echo "Field is not a valid field to query."; exit 2 ;;
esac`;
  onlyPrograms({ 'nvidia-smi': script }, ['cat', ...links]);
  setVariable('CUDA_VISIBLE_DEVICES', '0,1,2,3');
  return {
    setProcesses: (lines) => write(processFile, lines),
    setGpus: (lines) => write(gpuFile, lines),
  };
}

/** TensorFlow for CUDA, as far as its manifest goes. */
export function seemToInstallCuda(dataDirectory: string): void {
  const folder = installationFolder(dataDirectory, 'cuda');
  mkdirSync(folder, { recursive: true });
  const manifest = {
    ...{ format: 1, kind: 'cuda', tensorflowVersion: TENSORFLOW_VERSION, bindingVersion: '4.22.0' },
    ...{ compiler: 'none', platform: process.platform, arch: process.arch },
    ...{ installedAt: '2026-11-28T00:00:00Z', wheels: [], files: [] },
  };
  writeFileSync(join(folder, MANIFEST_FILE), JSON.stringify(manifest));
}
