/** @file Tests. One holder at a time, and a lock that dies with its holder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { acquireFileLock, awaitFileLock, isFileLocked, readLockHolder } from '../../main/files/fileLock.ts';
import { processStartTime } from '../../main/files/processIdentity.ts';
import { seededRandom } from '../support/powerCutDisk.ts';
import { studioErrorOf, studioRejectionOf } from '../support/studioErrorOf.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

function lockPath(): string {
  return join(temporaryFolder(), 'run.lock');
}

/** A process that runs `fileLockContender.ts` and has printed its first line. */
async function contender(
  path: string,
  mode: 'hold' | 'contend' | 'ask',
): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fileLockContender.ts'), path, mode], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  return { child, line };
}

describe('a file lock', () => {
  test('is held by one at a time, and again after release', () => {
    const path = lockPath();
    const lock = acquireFileLock(path, { purpose: 'training run 12' });
    const error = studioErrorOf(() => acquireFileLock(path, { purpose: 'another' }));
    expect(error.code).toBe('LOCKED');
    lock.release();
    lock.release();
    acquireFileLock(path, { purpose: 'another' }).release();
    expect(readdirSync(join(path, '..'))).toEqual(['run.lock']);
  });

  test('says who holds it, what for, since when, and what to do', () => {
    const path = lockPath();
    const lock = acquireFileLock(path, { purpose: 'training run 12' });
    const { message, nextStep, place } = studioErrorOf(() => acquireFileLock(path, { purpose: 'another' }));
    const holder = readLockHolder(path);
    expect(holder).toMatchObject({ pid: process.pid, host: hostname(), purpose: 'training run 12' });
    expect(holder?.startTime).toBe(processStartTime(process.pid));
    for (const part of [path, `process ${process.pid}`, 'training run 12', holder!.since]) {
      expect(message).toContain(part);
    }
    expect(nextStep).toContain(`process ${process.pid}`);
    expect(place).toEqual({ file: path });
    lock.release();
    expect(readLockHolder(path)).toBeNull();
  });

  test('is still held when its name is gone, garbage, or that of a dead process', () => {
    const path = lockPath();
    const lock = acquireFileLock(path, { purpose: 'training' });
    const dead = { pid: 2 ** 30, startTime: null, host: hostname(), purpose: 'x', since: 'y' };
    for (const text of ['', '{"pid":', '{"__proto__":{"pid":1}}', JSON.stringify(dead)]) {
      writeFileSync(`${path}.holder`, text);
      expect(studioErrorOf(() => acquireFileLock(path, { purpose: 'b' })).message).toContain(
        'another process',
      );
    }
    lock.release();
  });

  test('is free when only a name was left behind', () => {
    const path = lockPath();
    const alive = { pid: process.pid, startTime: null, host: hostname(), purpose: 'x', since: 'y' };
    writeFileSync(`${path}.holder`, JSON.stringify(alive));
    acquireFileLock(path, { purpose: 'training' }).release();
  });

  test('is held without a name when the name cannot be written', () => {
    const path = lockPath();
    // A folder where the name belongs: as on a full disk, the name cannot be put there.
    mkdirSync(`${path}.holder`);
    const lock = acquireFileLock(path, { purpose: 'clearing a full disk' });
    expect(studioErrorOf(() => acquireFileLock(path, { purpose: 'other' }))).toMatchObject({
      code: 'LOCKED',
    });
    lock.release();
    acquireFileLock(path, { purpose: 'other' }).release();
  });

  test('names the machine of a holder elsewhere', () => {
    const path = lockPath();
    const lock = acquireFileLock(path, { purpose: 'training' });
    const elsewhere = { pid: 7, startTime: null, host: 'gpu-box', purpose: 'x', since: 'y' };
    writeFileSync(`${path}.holder`, JSON.stringify(elsewhere));
    expect(studioErrorOf(() => acquireFileLock(path, { purpose: 'b' })).message).toContain(
      'process 7 on gpu-box',
    );
    lock.release();
  });

  test('explains a missing folder and a file that is no lock, which it leaves as it is', () => {
    const path = lockPath();
    expect(studioErrorOf(() => acquireFileLock(join(path, 'none', 'x'), { purpose: 'a' })).message).toContain(
      'folder',
    );
    const text = 'Something that somebody wrote, longer than the header of a database file. '.repeat(10);
    writeFileSync(path, text);
    const error = studioErrorOf(() => acquireFileLock(path, { purpose: 'a' }));
    expect(error.code).toBe('WRITE_FAILED');
    expect(error.message).toContain('something else');
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
});

describe('between processes, a file lock', () => {
  test('keeps others out, and is free once its holder is killed with -9', async () => {
    const path = lockPath();
    const { child, line } = await contender(path, 'hold');
    expect(line).toBe('held\n');
    const error = studioErrorOf(() => acquireFileLock(path, { purpose: 'another' }));
    expect(error.code).toBe('LOCKED');
    expect(error.message).toContain(`process ${child.pid} (contender)`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(existsSync(`${path}.holder`)).toBe(true);
    acquireFileLock(path, { purpose: 'another' }).release();
  });

  test('is had by who waits for it as soon as it is free, and waits no longer than was said', async () => {
    const path = lockPath();
    const { child } = await contender(path, 'hold');
    const late = await studioRejectionOf(awaitFileLock(path, { purpose: 'another', mostMs: 0 }));
    expect(late.code).toBe('LOCKED');
    const waiting = awaitFileLock(path, { purpose: 'another', mostMs: 60_000 });
    child.stdin!.end();
    (await waiting).release();
    expect(isFileLocked(path)).toBe(false);
  });

  test('is given up, name and all, by a process that ends without releasing it', async () => {
    const path = lockPath();
    const { child } = await contender(path, 'hold');
    child.stdin!.end();
    await once(child, 'exit');
    expect(existsSync(`${path}.holder`)).toBe(false);
    acquireFileLock(path, { purpose: 'another' }).release();
  });

  test('is held by none of those who only ask, however many ask at once', async () => {
    const path = lockPath();
    const asking = await Promise.all([1, 2, 3].map(() => contender(path, 'ask')));
    for (let turn = 0; turn < 100; turn++) {
      expect(isFileLocked(path)).toBe(false);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const codes = asking.map(async ({ child }) => {
      child.stdin!.end();
      const [code] = await once(child, 'exit');
      return code;
    });
    expect(await Promise.all(codes)).toEqual([0, 0, 0]);
    const { child } = await contender(path, 'hold');
    expect(isFileLocked(path)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isFileLocked(path)).toBe(false);
  });

  test('is never held twice while four contend for it and holders are killed', async () => {
    const path = lockPath();
    const random = seededRandom(5);
    const running = await Promise.all([1, 2, 3, 4].map(() => contender(path, 'contend')));
    for (let kill = 0; kill < 8; kill++) {
      await new Promise((resolve) => setTimeout(resolve, 20 + random() * 60));
      const victim = running[kill % running.length]!;
      expect(victim.child.exitCode).toBeNull();
      victim.child.kill('SIGKILL');
      await once(victim.child, 'exit');
      running[kill % running.length] = await contender(path, 'contend');
    }
    // A contender that meets another inside exits with 1 by itself.
    const codes = running.map(async ({ child }) => {
      child.stdin!.end();
      const [code] = await once(child, 'exit');
      return code;
    });
    expect(await Promise.all(codes)).toEqual([0, 0, 0, 0]);
    expect(statSync(`${path}.turns`).size).toBeGreaterThan(10);
  });
});
