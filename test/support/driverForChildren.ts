/**
 * @file Tests. An NVIDIA driver that processes started by this one seem to find, in a view of /proc of their own, which only
 * root on Linux may have. They find no GPU, and engines compute on the processor.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { writeScript } from './fakePrograms.ts';
import { temporaryFolder } from './temporaryFolder.ts';

/** What `procWithDriver` makes for this process, where `hardware.ts` looks when nobody tells it another place. */
const MOUNT =
  'mount -t tmpfs tmpfs /proc/driver && mkdir /proc/driver/nvidia && echo of a test > /proc/driver/nvidia/version';

/** Until the test ends, for children that Node forks; false where that is not allowed. */
export function seemToHaveDriver(): boolean {
  const { execPath } = process;
  const node = join(temporaryFolder(), 'node');
  writeScript(node, `exec unshare --mount sh -c '${MOUNT} && exec "$0" "$@"' '${execPath}' "$@"`);
  try {
    execFileSync(node, ['--version'], { stdio: 'ignore' });
  } catch {
    return false;
  }
  process.execPath = node;
  onTestFinished(() => {
    process.execPath = execPath;
  });
  return true;
}
