/** @file Tests. Writing sealed folders while disks fill up, processes die and the power goes: old or new, never mixed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nodeFileSystem } from '../../main/files/fileSystem.ts';
import { removeSealedFolder, sweepTemporary, writeSealedFolder } from '../../main/files/sealedFolder.ts';
import { newestValid, readSealedFolder } from '../../main/files/sealedFolderReading.ts';
import { failingFileSystem, quickFileSystem, stoppingFileSystem } from '../support/faultyFileSystem.ts';
import { fingerprint, sampleContent } from '../support/folderContents.ts';
import { powerCutDisk, seededRandom } from '../support/powerCutDisk.ts';
import { studioErrorOf } from '../support/studioErrorOf.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const OLD = fingerprint(sampleContent(1));
const NEW = fingerprint(sampleContent(2));

/** The new folder is whole or absent, and the old one is as it was. */
function checkOldOrNew(parent: string): 'old' | 'new' {
  expect(fingerprint(readSealedFolder(join(parent, 'ckpt-1')))).toBe(OLD);
  const { found } = newestValid(parent, ['ckpt-2', 'ckpt-1']);
  if (found?.name === 'ckpt-1') expect(readdirSync(parent)).not.toContain('ckpt-2');
  else expect(fingerprint(found!.files)).toBe(NEW);
  return found?.name === 'ckpt-1' ? 'old' : 'new';
}

function parentWithOld(): string {
  const parent = temporaryFolder();
  writeSealedFolder(parent, 'ckpt-1', sampleContent(1), { fileSystem: quickFileSystem() });
  return parent;
}

/** Removes as if the processes that wrote had ended: by hand what this living process left. */
function clearOwnLeftovers(parent: string): void {
  expect(sweepTemporary(parent)).toEqual([]);
  for (const name of readdirSync(parent))
    if (name.includes('.tmp-')) nodeFileSystem.remove(join(parent, name));
}

describe('writing a sealed folder', () => {
  test.each([
    ['ENOSPC', 'DISK_FULL'],
    ['EIO', 'WRITE_FAILED'],
  ])(
    'with %s at every operation: %s, nothing left behind, and possible again afterwards',
    (code, expected) => {
      for (let k = 1; ; k++) {
        const parent = parentWithOld();
        const { fileSystem, failed } = failingFileSystem(k, code);
        const error = attempt(() => writeSealedFolder(parent, 'ckpt-2', sampleContent(2), { fileSystem }));
        if (!failed()) {
          expect(k).toBeGreaterThan(15);
          break;
        }
        expect(error?.code).toBe(expected);
        expect(error?.message).toContain('ckpt-2');
        checkOldOrNew(parent);
        expect(readdirSync(parent).filter((name) => name.includes('.tmp-'))).toEqual([]);
        writeSealedFolder(parent, 'ckpt-2', sampleContent(2), { fileSystem: quickFileSystem() });
        expect(checkOldOrNew(parent)).toBe('new');
      }
    },
  );

  test('stopped at every operation', () => {
    for (let k = 1; ; k++) {
      const parent = parentWithOld();
      const { fileSystem, stopped } = stoppingFileSystem(k);
      attempt(() => writeSealedFolder(parent, 'ckpt-2', sampleContent(2), { fileSystem }));
      const state = checkOldOrNew(parent);
      if (!stopped()) {
        expect([k > 15, state]).toEqual([true, 'new']);
        break;
      }
      clearOwnLeftovers(parent);
      writeSealedFolder(parent, 'ckpt-2', sampleContent(2), { fileSystem: quickFileSystem() });
      expect(checkOldOrNew(parent)).toBe('new');
    }
  });

  test('over a damaged one, stopped at every operation: damaged, absent or new, never mixed', () => {
    for (let k = 1; ; k++) {
      const parent = parentWithOld();
      writeSealedFolder(parent, 'ckpt-2', sampleContent(3), { fileSystem: quickFileSystem() });
      truncateSync(join(parent, 'ckpt-2', 'config.json'), 1);
      const { fileSystem, stopped } = stoppingFileSystem(k);
      attempt(() => writeSealedFolder(parent, 'ckpt-2', sampleContent(2), { fileSystem }));
      const { found } = newestValid(parent, ['ckpt-2', 'ckpt-1']);
      expect(fingerprint(found!.files)).toBe(found!.name === 'ckpt-2' ? NEW : OLD);
      clearOwnLeftovers(parent);
      writeSealedFolder(parent, 'ckpt-2', sampleContent(2), { fileSystem: quickFileSystem() });
      expect(checkOldOrNew(parent)).toBe('new');
      if (!stopped()) break;
    }
  });

  test('with the power cut at every operation; what was reported as written is always there', () => {
    for (let operations = 0, cut = true; cut; operations++) {
      for (let seed = 0; seed < 15; seed++) {
        const disk = powerCutDisk();
        disk.fileSystem.makeFolder('/checkpoints');
        disk.fileSystem.syncFolder('/');
        writeSealedFolder('/checkpoints', 'ckpt-1', sampleContent(1), { fileSystem: disk.fileSystem });
        disk.cutAfter(operations);
        attempt(() =>
          writeSealedFolder('/checkpoints', 'ckpt-2', sampleContent(2), { fileSystem: disk.fileSystem }),
        );
        cut = disk.isOff();
        const folder = join(temporaryFolder(), 'disk');
        disk.surviveInto(folder, seededRandom(seed * 1000 + operations));
        const state = checkOldOrNew(join(folder, 'checkpoints'));
        if (!cut) expect(state).toBe('new');
      }
    }
  });
});

test('removing a sealed folder, stopped at every operation: whole or gone', () => {
  for (let k = 1; ; k++) {
    const parent = parentWithOld();
    const { fileSystem, stopped } = stoppingFileSystem(k);
    attempt(() => removeSealedFolder(parent, 'ckpt-1', fileSystem));
    if (readdirSync(parent).includes('ckpt-1'))
      expect(fingerprint(readSealedFolder(join(parent, 'ckpt-1')))).toBe(OLD);
    if (!stopped()) {
      expect(readdirSync(parent)).toEqual([]);
      break;
    }
  }
});

describe('a process that writes sealed folders', () => {
  test('is killed a dozen times: every folder is whole, none that was reported is lost, leftovers are swept', async () => {
    const parent = join(temporaryFolder(), 'checkpoints');
    mkdirSync(parent);
    const random = seededRandom(3);
    let swept = 0;
    for (let kill = 0; kill < 12; kill++) {
      const reported = await writeUntilKilled(parent, random() * 60);
      const folders = readdirSync(parent).filter((name) => !name.includes('.tmp-'));
      for (const name of reported) expect(folders).toContain(name);
      for (const name of folders) {
        const seed = Number(name.slice('ckpt-'.length));
        expect(fingerprint(readSealedFolder(join(parent, name)))).toBe(fingerprint(sampleContent(seed)));
      }
      swept += sweepTemporary(parent).length;
      expect(readdirSync(parent).filter((name) => name.includes('.tmp-'))).toEqual([]);
      for (const name of folders) removeSealedFolder(parent, name);
    }
    expect(swept).toBeGreaterThan(0);
  });
});

/** Kills the writer some time after it has reported its first folder; returns what it reported. */
async function writeUntilKilled(parent: string, delayMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'sealedFolderWriter.ts'), parent], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (output === '') setTimeout(() => child.kill('SIGKILL'), delayMs);
    output += text;
  });
  await once(child, 'close');
  return output.split('\n').slice(0, -1);
}

function attempt(act: () => unknown): { code: string; message: string } | null {
  try {
    act();
    return null;
  } catch (thrown) {
    return studioErrorOf(() => {
      throw thrown;
    });
  }
}
