/** @file Tests. A disk that can be filled up: a file system of its own, which only root on Linux may mount. */
import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './temporaryFolder.ts';

export interface SmallDisk {
  readonly folder: string;
  /** Takes all room but so many bytes. */
  fill(leftBytes: number): void;
  /** Gives it back. */
  empty(): void;
}

/** Mounted until the test ends; null where that is not allowed. */
export function smallDisk(megabytes: number): SmallDisk | null {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return null;
  }
  onTestFinished(() => {
    execFileSync('umount', [folder]);
  });
  const filler = join(folder, 'filler');
  return {
    folder,
    fill: (leftBytes) => {
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(filler, Buffer.alloc(bavail * bsize - leftBytes));
    },
    empty: () => rmSync(filler),
  };
}
