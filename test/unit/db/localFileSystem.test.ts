/** @file Tests. Local or network: by the kernel's number, by the mount table, by the look of the path. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { networkFileSystem, networkFileSystemOf } from '../../../main/db/localFileSystem.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const EXT4 = 0xef53;
const FUSE = 0x65735546;
const MOUNTS = [
  '/dev/sda1 / ext4 rw 0 0',
  'me@host:/home /home/me/remote fuse.sshfs rw 0 0',
  '/dev/sdb1 /media/my\\040stick fuseblk rw 0 0',
  'server:/x /data/my\\040share nfs4 rw 0 0',
  'tmpfs /home/me/remote/covered tmpfs rw 0 0',
].join('\n');

describe('networkFileSystem', () => {
  test.each([
    ['/home/me/entail', EXT4, null],
    ['/home/me/remote/entail', FUSE, 'fuse.sshfs'],
    ['/home/me/remote', FUSE, 'fuse.sshfs'],
    ['/home/me/remote2', EXT4, null],
    ['/home/me/remote/covered/entail', 0x01021994, null],
    ['/media/my stick/entail', FUSE, null],
    ['/data/my share/entail', 0, 'nfs4'],
    ['/anywhere', 0x6969, 'NFS'],
    ['/anywhere', 0x01021997, '9p'],
    ['/anywhere', 0xff534d42, 'SMB (cifs)'],
    ['/anywhere', 0xff534d42 | 0, 'SMB (cifs)'],
    ['\\\\server\\share\\entail', 0, 'a network share'],
    ['\\\\?\\C:\\entail', 0, null],
    ['C:\\entail', 0, null],
  ])('%s with number %i is on %s', (folder, number, expected) => {
    expect(networkFileSystem(folder, number, MOUNTS)).toBe(expected);
  });

  test('looks where a link leads', () => {
    const folder = temporaryFolder();
    const mounts = `${MOUNTS}\nme@host:/ ${folder} fuse.sshfs rw 0 0`;
    const link = join(temporaryFolder(), 'home');
    symlinkSync(folder, link);
    expect(networkFileSystemOf(link, mounts)).toBe('fuse.sshfs');
  });

  test('takes the folder of this test for local', () => {
    expect(networkFileSystemOf(temporaryFolder())).toBeNull();
  });
});
