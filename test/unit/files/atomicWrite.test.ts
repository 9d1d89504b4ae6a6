/** @file Tests. Replacing a file: whole or not at all, whatever fails. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeFileAtomic } from '../../../main/files/atomicWrite.ts';
import { type FileSystem, nodeFileSystem } from '../../../main/files/fileSystem.ts';
import {
  failingFileSystem,
  stoppingFileSystem,
  systemError,
  watchedFileSystem,
} from '../../support/faultyFileSystem.ts';
import { powerCutDisk, seededRandom } from '../../support/powerCutDisk.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

function oldFile(): { folder: string; path: string } {
  const folder = temporaryFolder();
  const path = join(folder, 'settings.json');
  writeFileSync(path, 'old');
  return { folder, path };
}

function operationsOf(act: (fileSystem: FileSystem) => void): number {
  let operations = 0;
  const before = (count: number) => {
    operations = count;
  };
  act(watchedFileSystem({ before }));
  return operations;
}

describe('writeFileAtomic', () => {
  test('replaces text and bytes, and leaves nothing else behind', () => {
    const { folder, path } = oldFile();
    writeFileAtomic(path, 'größer 😀');
    expect(readFileSync(path, 'utf8')).toBe('größer 😀');
    writeFileAtomic(path, new Uint8Array([0, 255, 10]));
    expect([...readFileSync(path)]).toEqual([0, 255, 10]);
    writeFileAtomic(path, '');
    expect(readFileSync(path, 'utf8')).toBe('');
    expect(readdirSync(folder)).toEqual(['settings.json']);
  });

  test('writes everything when the system takes a few bytes at a time', () => {
    const { path } = oldFile();
    const write = (file: number, bytes: Uint8Array) => nodeFileSystem.write(file, bytes.subarray(0, 7));
    writeFileAtomic(path, 'x'.repeat(1000), { ...nodeFileSystem, write });
    expect(readFileSync(path, 'utf8')).toBe('x'.repeat(1000));
  });

  test.each([
    ['ENOSPC', 'DISK_FULL'],
    ['EACCES', 'WRITE_FAILED'],
  ])('%s at any operation is %s, keeps the old file and clears up', (code, expected) => {
    const { folder, path } = oldFile();
    const operations = operationsOf((fileSystem) => writeFileAtomic(path, 'new', fileSystem));
    for (let k = 1; k <= operations; k++) {
      writeFileSync(path, 'old');
      // EACCES and its like are retried, so the trouble has to last.
      const before = (count: number, operation: string) => {
        if (count >= k && operation !== 'remove') throw systemError(code);
      };
      const error = studioErrorOf(() => writeFileAtomic(path, 'new', watchedFileSystem({ before })));
      expect(error.code).toBe(expected);
      expect(readdirSync(folder)).toEqual(['settings.json']);
      // Only the last operation, syncing the folder, comes after the rename.
      expect(readFileSync(path, 'utf8')).toBe(k === operations ? 'new' : 'old');
    }
  });

  test.each([
    ['ENOSPC', 'DISK_FULL', 'the disk is full'],
    ['EDQUOT', 'DISK_FULL', 'quota'],
    ['EIO', 'WRITE_FAILED', 'input/output error'],
    ['EROFS', 'WRITE_FAILED', 'read-only'],
    ['EMFILE', 'WRITE_FAILED', 'too many files'],
    ['EACCES', 'WRITE_FAILED', 'permission denied'],
    ['EWHATEVER', 'WRITE_FAILED', 'injected'],
  ])('%s is explained as %s, with the path and a next step', (code, expected, words) => {
    const { path } = oldFile();
    const error = studioErrorOf(() => writeFileAtomic(path, 'new', failingFileSystem(2, code).fileSystem));
    expect(error.code).toBe(expected);
    expect(error.message).toContain(path);
    expect(error.message).toContain(words);
    expect(error.nextStep).not.toBe('');
    expect(error.place).toEqual({ file: path });
  });

  test('one failed sync is final', () => {
    const { path } = oldFile();
    let syncs = 0;
    const before = (_: number, operation: string) => {
      if (operation === 'syncFile' && ++syncs === 1) throw systemError('EIO');
    };
    expect(studioErrorOf(() => writeFileAtomic(path, 'new', watchedFileSystem({ before }))).code).toBe(
      'WRITE_FAILED',
    );
    expect(syncs).toBe(1);
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  test.each(['EBUSY', 'EPERM', 'EACCES'])('a rename that fails with %s is tried 20 times more', (code) => {
    const { path } = oldFile();
    const failingFirst = (times: number) => {
      let renames = 0;
      const before = (_: number, operation: string) => {
        if (operation === 'rename' && ++renames <= times) throw systemError(code);
      };
      return watchedFileSystem({ before });
    };
    writeFileAtomic(path, 'patient', failingFirst(20));
    expect(readFileSync(path, 'utf8')).toBe('patient');
    expect(studioErrorOf(() => writeFileAtomic(path, 'new', failingFirst(21))).code).toBe('WRITE_FAILED');
    expect(readFileSync(path, 'utf8')).toBe('patient');
  });

  test('killed at any operation: the old content or the new', () => {
    for (let k = 1; ; k++) {
      const { path } = oldFile();
      const { fileSystem, stopped } = stoppingFileSystem(k);
      try {
        writeFileAtomic(path, 'brand new', fileSystem);
      } catch {}
      expect(['old', 'brand new']).toContain(readFileSync(path, 'utf8'));
      if (!stopped()) {
        expect(k).toBeGreaterThan(5);
        expect(readFileSync(path, 'utf8')).toBe('brand new');
        break;
      }
    }
  });

  test('a fault that passes leaves the next attempt to succeed', () => {
    const { path } = oldFile();
    const { fileSystem, failed } = failingFileSystem(2, 'ENOSPC');
    expect(studioErrorOf(() => writeFileAtomic(path, 'new', fileSystem)).code).toBe('DISK_FULL');
    expect(failed()).toBe(true);
    writeFileAtomic(path, 'new', fileSystem);
    expect(readFileSync(path, 'utf8')).toBe('new');
  });

  test('power cut at any operation: the old content or the new; after success always the new', () => {
    for (let operations = 0; operations < 10; operations++) {
      for (let seed = 0; seed < 30; seed++) {
        const disk = powerCutDisk();
        writeFileAtomic('/settings.json', 'old', disk.fileSystem);
        disk.cutAfter(operations);
        let done = false;
        try {
          writeFileAtomic('/settings.json', 'brand new', disk.fileSystem);
          done = true;
        } catch {}
        const folder = join(temporaryFolder(), 'disk');
        disk.surviveInto(folder, seededRandom(seed));
        const found = readFileSync(join(folder, 'settings.json'), 'utf8');
        expect(done ? ['brand new'] : ['old', 'brand new']).toContain(found);
      }
    }
  });

  test('a folder in the way, a missing folder and a name that is too long are explained', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'taken'));
    writeFileSync(join(folder, 'taken', 'something'), '');
    expect(studioErrorOf(() => writeFileAtomic(join(folder, 'taken'), 'x')).message).toContain(
      'folder of that name',
    );
    expect(studioErrorOf(() => writeFileAtomic(join(folder, 'none', 'x'), 'x')).message).toContain(
      'does not exist',
    );
    expect(studioErrorOf(() => writeFileAtomic(join(folder, 'n'.repeat(300)), 'x')).message).toContain(
      'too long',
    );
    expect(readdirSync(folder)).toEqual(['taken']);
  });
});
