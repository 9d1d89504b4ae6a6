/** @file Tests. Locks of GPUs between processes of any data directory: all or none, named, gone with a killed process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockDevices, lockHolderOf } from '../../../main/engines/deviceLocks.ts';
import { type Device, PROCESSOR } from '../../../shared/devices.ts';
import { setVariable } from '../../support/fakePrograms.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const gpu = (name: Device['name'], ...gpus: string[]): Device => ({ ...PROCESSOR, name, gpus });
const FIRST = gpu('cuda:0', 'GPU-first');
const SECOND = gpu('cuda:1', 'GPU-second');
const children: ChildProcess[] = [];

beforeEach(() => setVariable('TMPDIR', temporaryFolder()));
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Another process that locks GPUs and stays; settled once it has them. */
async function lockElsewhere(...devices: Device[]): Promise<ChildProcess> {
  const module = new URL('../../../main/engines/deviceLocks.ts', import.meta.url).href;
  const program = `const { lockDevices } = await import(${JSON.stringify(module)});
    lockDevices(${JSON.stringify(devices)}, 'run r7f3k2');
    console.log('locked');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  return child;
}

describe('a GPU', () => {
  it("is one process's at a time, which is named", async () => {
    const { pid } = await lockElsewhere(FIRST);
    expect(lockHolderOf(FIRST)).toEqual({ pid, purpose: 'run r7f3k2' });
    expect(lockHolderOf(SECOND)).toBeNull();
    const error = studioErrorOf(() => lockDevices([FIRST], 'run other'));
    expect(error.code).toBe('LOCKED');
    expect(error.message).toContain(`process ${pid}`);
    expect(error.message).toContain('run r7f3k2');
  });

  it('is locked under all names that reach it', async () => {
    await lockElsewhere(FIRST);
    expect(lockHolderOf(gpu('webgpu:0', 'GPU-other', 'GPU-first'))).not.toBeNull();
  });

  it('is free the moment its process is killed', async () => {
    const child = await lockElsewhere(FIRST, SECOND);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    expect(lockHolderOf(FIRST)).toBeNull();
    lockDevices([SECOND, FIRST], 'run next').release();
  });
});

describe('several GPUs', () => {
  it('are locked together or not at all', async () => {
    await lockElsewhere(SECOND);
    expect(studioErrorOf(() => lockDevices([FIRST, SECOND], 'both')).code).toBe('LOCKED');
    expect(lockHolderOf(FIRST)).toBeNull();
    const lock = lockDevices([FIRST], 'one');
    expect(studioErrorOf(() => lockDevices([FIRST], 'again')).code).toBe('LOCKED');
    lock.release();
    lock.release();
    expect(lockHolderOf(FIRST)).toBeNull();
  });

  it('may be one chip, which is locked once', () => {
    lockDevices([gpu('webgpu:0', 'GPU-a', 'GPU-b'), gpu('webgpu:1', 'GPU-b', 'GPU-a')], 'run').release();
  });
});

describe('the processor', () => {
  it('is never locked', () => {
    const locks = [lockDevices([PROCESSOR], 'one'), lockDevices([PROCESSOR, PROCESSOR], 'two')];
    expect(lockHolderOf(PROCESSOR)).toBeNull();
    for (const lock of locks) lock.release();
  });
});

describe('the folder of locks', () => {
  const folder = () => join(process.env['TMPDIR']!, `entail-devices-${process.getuid!()}`);

  it('is not followed elsewhere', () => {
    symlinkSync(temporaryFolder(), folder());
    const error = studioErrorOf(() => lockDevices([FIRST], 'run'));
    expect(error).toMatchObject({ code: 'WRITE_FAILED', place: { file: folder() } });
    expect(error.nextStep).toContain('TMPDIR');
  });

  it('that cannot be made is said by name', () => {
    writeFileSync(folder(), '');
    expect(studioErrorOf(() => lockDevices([FIRST], 'run')).place).toEqual({ file: folder() });
  });
});
