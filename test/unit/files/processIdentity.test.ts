/** @file Tests. Telling a process from another with the same number, and work in progress from leftovers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isProcessAlive, processStartTime } from '../../../main/files/processIdentity.ts';
import { sweepTemporary } from '../../../main/files/sealedFolder.ts';
import { isAbandoned, temporaryName } from '../../../main/files/temporaryName.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

const hasProc = process.platform === 'linux';

async function endedProcess(): Promise<{ pid: number; startTime: string | null }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const startTime = processStartTime(child.pid!);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return { pid: child.pid!, startTime };
}

describe('a process', () => {
  test('that runs is alive under its own start time only', () => {
    const startTime = processStartTime(process.pid);
    expect(startTime !== null).toBe(hasProc);
    expect(processStartTime(process.pid)).toBe(startTime);
    expect(isProcessAlive(process.pid, startTime)).toBe(true);
    expect(isProcessAlive(process.pid, null)).toBe(true);
    expect(isProcessAlive(process.pid, 'another boot/1')).toBe(!hasProc);
  });

  test('that has ended is not', async () => {
    const { pid, startTime } = await endedProcess();
    expect(startTime !== null).toBe(hasProc);
    expect(processStartTime(pid)).toBeNull();
    expect(isProcessAlive(pid, startTime)).toBe(false);
    expect(isProcessAlive(pid, null)).toBe(false);
  });

  test.runIf(hasProc)('that has ended but is not collected by its parent counts as ended', async () => {
    // The shell starts a process and becomes one that never collects it; only then may the first one end.
    const script = 'exec 3<&0; sh -c "read line <&3" & echo $!; exec sleep 60';
    const parent = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
    const [text] = await once(parent.stdout.setEncoding('utf8'), 'data');
    const pid = Number(text);
    await until(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n');
    expect(isProcessAlive(pid, null)).toBe(true);
    parent.stdin.end();
    await until(() => !isProcessAlive(pid, null));
    expect(() => process.kill(pid, 0)).not.toThrow();
    expect(processStartTime(pid)).toBeNull();
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  });

  test("of somebody else's is alive", () => {
    expect(isProcessAlive(1, null)).toBe(true);
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 40])('of number %s does not exist', (pid) => {
    expect(isProcessAlive(pid, null)).toBe(false);
  });

  test.runIf(hasProc)('whose name holds parentheses and spaces has a start time', async () => {
    const child = spawn('sh', ['-c', 'printf ") R 1 2 (" > /proc/$$/comm; echo ready; read line'], {
      stdio: 'pipe',
    });
    await once(child.stdout, 'data');
    expect(processStartTime(child.pid!)).toMatch(/^[0-9a-f-]{36}\/[0-9]{2,}$/);
    child.stdin.end();
    await once(child, 'exit');
  });
});

describe('temporary names', () => {
  test('are different each time and fit into 255 bytes', () => {
    const names = Array.from({ length: 100 }, () => temporaryName('n'.repeat(300)));
    expect(new Set(names).size).toBe(100);
    expect(Buffer.byteLength(names[0]!)).toBeLessThan(255);
  });

  test('of living writers stay, those of ended ones and of earlier processes of the same number go', async () => {
    const { pid } = await endedProcess();
    const folder = temporaryFolder();
    const own = temporaryName('ckpt-1');
    const [host, , start, random] = own.slice('ckpt-1.tmp-'.length).split('-');
    const ended = `ckpt-1.tmp-${host}-${pid}-${start}-${random}`;
    const earlier = `settings.json.tmp-${host}-${process.pid}-00000000-${random}`;
    const foreign = `ckpt-2.tmp-00000000-${pid}-${start}-${random}`;
    const foreignOld = `ckpt-3.tmp-00000000-${pid}-${start}-${random}`;
    const kept = [own, foreign, 'ckpt-1', 'ckpt-1.tmp', 'notes.tmp-1-2'];
    for (const name of [...kept, ended, foreignOld]) mkdirSync(join(folder, name));
    writeFileSync(join(folder, ended, 'weights'), 'half');
    writeFileSync(join(folder, earlier), 'half');
    utimesSync(join(folder, foreignOld), 0, 0);
    const gone = hasProc ? [ended, earlier, foreignOld] : [ended, foreignOld];
    expect(sweepTemporary(folder).sort()).toEqual(gone.sort());
    expect(
      readdirSync(folder)
        .filter((name) => kept.includes(name))
        .sort(),
    ).toEqual(kept.sort());
    expect(isAbandoned(folder, own)).toBe(false);
  });
});
