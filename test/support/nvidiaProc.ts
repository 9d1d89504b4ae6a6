/** @file Tests. What /proc holds where an NVIDIA driver is loaded. */
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
  return { procFolder };
}
