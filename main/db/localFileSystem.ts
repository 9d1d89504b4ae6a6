/** @file Node. Tells a local disk from a network one, on which SQLite's shared memory and locks cannot be trusted. */
import { readFileSync, realpathSync, statfsSync } from 'node:fs';
import { StudioError } from '../../shared/errors.ts';

/** Numbers of statfs(2) on Linux. FUSE is not here: it carries local disks too, and the mount table tells which. */
const NETWORK_NUMBERS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'SMB (cifs)'],
  [0xfe534d42, 'SMB 2'],
  [0x01021997, '9p'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
]);

const NETWORK_NAMES =
  /^(nfs\d?|cifs|smb\d?|smbfs|9p|afs|ceph|lustre|davfs|fuse\.(sshfs|rclone|s3fs|gcsfuse|glusterfs|davfs2?|smbnetfs|curlftpfs))$/;

/**
 * The name of the network file system on which `folder` lies, or null when it is local or unknown.
 * `statfsType` is the number of statfs(2); `mounts` the text of /proc/self/mounts, or "" where there is none.
 */
export function networkFileSystem(folder: string, statfsType: number, mounts: string): string | null {
  // //server/share or \\server\share on Windows.
  if (/^[\\/]{2}[^\\/?.]/.test(folder)) return 'a network share';
  const byNumber = NETWORK_NUMBERS.get(statfsType >>> 0);
  if (byNumber !== undefined) return byNumber;
  const type = mountedType(folder, mounts);
  return type !== null && NETWORK_NAMES.test(type) ? type : null;
}

/** Type of the mount with the longest path that holds `folder`; of several on one path the last, which covers them. */
function mountedType(folder: string, mounts: string): string | null {
  let best: { readonly at: string; readonly type: string } | null = null;
  for (const line of mounts.split('\n')) {
    const [, where, type] = line.split(' ');
    if (where === undefined || type === undefined) continue;
    // The kernel writes a space in a path as \040.
    const at = where.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const holds = folder === at || folder.startsWith(at.endsWith('/') ? at : `${at}/`);
    if (holds && (best === null || at.length >= best.at.length)) best = { at, type };
  }
  return best?.type ?? null;
}

/** What `networkFileSystem` says about a folder of this machine; of a link, about where it leads. */
export function networkFileSystemOf(folder: string, mounts = mountTable()): string | null {
  return networkFileSystem(realpathSync(folder), statfsSync(folder).type, mounts);
}

function mountTable(): string {
  try {
    return readFileSync('/proc/self/mounts', 'utf8');
  } catch {
    return '';
  }
}

/** Throws WRITE_FAILED when `fileSystem`, as `networkFileSystemOf` found it, is a network one. */
export function requireLocal(folder: string, fileSystem: string | null): void {
  if (fileSystem === null) return;
  throw new StudioError(
    'WRITE_FAILED',
    `${folder} lies on a network file system (${fileSystem}), where studio.db could be damaged.`,
    {
      nextStep: 'Use a folder on a local disk: --data-dir ~/entail, or set ENTAIL_HOME.',
      place: { file: folder },
    },
  );
}
