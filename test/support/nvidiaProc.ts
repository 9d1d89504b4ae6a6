/** @file Tests. What /proc and /dev hold where an NVIDIA driver is loaded. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HardwarePlaces } from '../../main/engines/hardware.ts';
import { temporaryFolder } from './temporaryFolder.ts';

/** `version` null: it is loaded, and the file tells no version. */
export function procWithDriver(version: string | null): HardwarePlaces {
  const procFolder = temporaryFolder();
  const folder = join(procFolder, 'driver', 'nvidia');
  mkdirSync(folder, { recursive: true });
  const line = `NVRM version: NVIDIA UNIX x86_64 Kernel Module  ${version}  Sun May 12 19:39:15 UTC 2024\n`;
  writeFileSync(join(folder, 'version'), version === null ? 'nothing of use\n' : line);
  return { procFolder, devFolder: temporaryFolder() };
}

/** The same with GPUs, as the driver lists them by their slots; `isGiven` false: it is not among those of this container. */
export function procWithGpus(
  gpus: readonly { readonly name: string; readonly uuid: string; readonly isGiven?: boolean }[],
): HardwarePlaces {
  const places = procWithDriver('580.95.05');
  for (const [at, { name, uuid, isGiven = true }] of gpus.entries()) {
    const folder = join(places.procFolder, 'driver/nvidia/gpus', `0000:${at + 1}b:00.0`);
    mkdirSync(folder, { recursive: true });
    const lines = [
      `Model: \t\t ${name}`,
      `IRQ:   \t\t 6${at}`,
      `GPU UUID: \t ${uuid}`,
      'Video BIOS: \t 96.00.89.00.01',
      `Bus Location: \t 0000:${at + 1}b:00.0`,
      `Device Minor: \t ${at}`,
    ];
    writeFileSync(join(folder, 'information'), lines.map((line) => `${line}\n`).join(''));
    if (isGiven) writeFileSync(join(places.devFolder, `nvidia${at}`), '');
  }
  return places;
}
