/** @file Tests. What the supervisor makes of workers that crash, hang, do not listen, or lose their supervisor. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isProcessAlive, processStartTime } from '../../../main/files/processIdentity.ts';
import { encodeSafetensors } from '../../../main/files/safetensors.ts';
import { initialValues, parameterShapes } from '../../../main/model/parameters.ts';
import { newestCheckpoint, weightsToUse } from '../../../main/training/checkpoints.ts';
import { longestFirstStepMs } from '../../../main/training/patience.ts';
import { SupervisedChild } from '../../../main/training/supervisedChild.ts';
import type { DeviceName } from '../../../shared/devices.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { checkpointFolders, prepareRun, train } from '../../support/trainedRun.ts';
import { until } from '../../support/until.ts';

const HEARTBEAT = join(import.meta.dirname, '..', '..', '..', 'main', 'training');

/** A child whose whole program is `body`; `beat` is at hand. */
function childFile(body: string): string {
  const path = join(temporaryFolder(), 'child.ts');
  const imports = `import { startHeartbeat } from '${HEARTBEAT}/heartbeat.ts';\n`;
  writeFileSync(
    path,
    `${imports}const { beat } = startHeartbeat('${HEARTBEAT}/heartbeatThread.ts');\nprocess.on('message', () => {});\n${body}\n`,
  );
  return path;
}

function ended(body: string, limits = {}) {
  return new Promise<{ code: string; message: string }>((resolve) => {
    const child = new SupervisedChild<{ kind: string }, { kind: string }>({
      entry: childFile(body),
      environment: {},
      limits,
      onMessage: ({ kind }) => {
        if (kind === 'stop me') child.stop({ kind: 'stop' });
        if (kind === 'kill me') child.kill();
        if (kind === 'stepped') child.stepped();
      },
      onEnd: resolve,
    });
  });
}

it('names the exit code and the last words of a worker that ends', async () => {
  const error = await ended(`process.stderr.write('out of paper\\n', () => process.exit(3));`);
  expect(error).toMatchObject({
    code: 'WORKER_CRASHED',
    message: expect.stringMatching(/exit code 3.*out of paper/),
  });
});

it('survives a native abort of the worker', async () => {
  const error = await ended('process.abort();');
  expect(error).toMatchObject({ code: 'WORKER_CRASHED', message: expect.stringContaining('SIGABRT') });
});

const LOST = 'CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure';

it.each([
  ['throws', `Promise.reject(new Error('Invalid TF_Status: 13\\nMessage: ${LOST}'));`],
  ['is aborted by its library', `process.stderr.write('${LOST}\\n', () => process.abort());`],
  ['stands still', `process.stderr.write('${LOST}\\n'); beat(); for (;;);`],
])('names a lost GPU where the worker %s', async (_, body) => {
  const port = `import { openChildPort } from '${HEARTBEAT}/childPort.ts';
openChildPort(async () => {}, (error) => ({ kind: 'failed', error }));\n`;
  const told: { readonly error?: object }[] = [];
  const onMessage = (message: { readonly error?: object }) => void told.push(message);
  const end = await new Promise<object>((resolve) => {
    const entry = childFile(`${port}${body}`);
    const limits = { leastHangMs: 2000 };
    new SupervisedChild({ entry, environment: {}, limits, onMessage, onEnd: resolve });
  });
  const error = { code: 'DEVICE_LOST', message: expect.stringContaining(LOST) };
  expect(told[0]?.error ?? end).toMatchObject(error);
});

it('tells of memory, and of smaller micro-batches, where the system has killed a worker', async () => {
  const error = await ended(`process.kill(process.pid, 'SIGKILL');`);
  expect(error).toMatchObject({
    code: 'WORKER_CRASHED',
    message: expect.stringContaining('out of memory'),
    nextStep: expect.stringContaining('smaller --micro-batch-tokens'),
  });
});

it('ends a worker whose work does not move, although its threads are alive', async () => {
  const error = await ended('beat(); for (;;);', { leastHangMs: 2000 });
  expect(error.code).toBe('WORKER_HUNG');
});

describe('a worker whose first step takes long', () => {
  const limits = { leastHangMs: 1000, firstHangMs: 30_000 };

  it('is waited for: nobody knows yet how long a step takes', async () => {
    const error = await ended('setTimeout(() => process.exit(6), 4000);', limits);
    expect(error.message).toContain('exit code 6');
  });

  it('is not when a step has been made', async () => {
    const body = `beat(); process.send({ kind: 'stepped' }); setTimeout(() => process.exit(6), 30_000);`;
    expect((await ended(body, limits)).code).toBe('WORKER_HUNG');
  });

  it("is given the time that a GPU's driver takes to compile TensorFlow's kernels", () => {
    const minutes = (devices: DeviceName[]) => longestFirstStepMs(devices) / 60_000;
    expect(minutes(['cuda:0'])).toBeGreaterThanOrEqual(45);
    expect(minutes(['cpu', 'cuda:1'])).toBeGreaterThanOrEqual(45);
    expect(minutes(['cpu'])).toBe(10);
    expect(minutes(['webgpu:0'])).toBe(10);
  });
});

it('kills a worker that neither answers a stop nor moves', async () => {
  const error = await ended(`process.send({ kind: 'stop me' }, () => { for (;;); });`, {
    firstStopGraceMs: 1000,
  });
  expect(error.code).toBe('INTERRUPTED');
});

/**
 * Patience with a worker that nothing is wrong with. It begins before the worker's program does, which a busy machine takes
 * seconds to load; each of these workers lives for longer, and waits for time to pass, so that they may do so together.
 */
const PATIENCE_MS = 10_000;

it.concurrent('does not take a slow worker for a hanging one', async ({ expect }) => {
  const slow = `let n = 0; setInterval(() => { beat(); if (++n === 20) process.exit(7); }, 600);`;
  const error = await ended(slow, { leastHangMs: PATIENCE_MS });
  expect(error.message).toContain('exit code 7');
});

it.concurrent('lets a worker finish that works on after a stop', async ({ expect }) => {
  const body = `process.send({ kind: 'stop me' }); let n = 0; setInterval(() => { beat(); if (++n === 30) process.exit(9); }, 400);`;
  const error = await ended(body, { firstStopGraceMs: PATIENCE_MS });
  expect(error.message).toContain('exit code 9');
});

it.concurrent('does not blame the worker when the supervisor itself stood still', async ({
  expect,
  onTestFinished,
}) => {
  const worker = childFile(`setInterval(beat, 200); process.send({ kind: 'pid', pid: process.pid });`);
  const supervisor = join(temporaryFolder(), 'supervisor.ts');
  const limits = `{ leastHangMs: ${PATIENCE_MS} }`;
  // It looks at its worker several times, by its own clock, between hearing that it goes on and its last word.
  const source = `import { SupervisedChild } from '${HEARTBEAT}/supervisedChild.ts';
const child = new SupervisedChild({ entry: ${JSON.stringify(worker)}, environment: {}, limits: ${limits},
  onMessage: ({ pid }) => console.log(pid), onEnd: (error) => { console.log(error.code); process.exit(0); } });
process.stdin.once('data', () => setTimeout(() => { console.log('alive'); child.kill(); }, 2500));`;
  writeFileSync(supervisor, source);
  const process_ = spawn(process.execPath, [supervisor], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void process_.kill('SIGKILL'));
  let said = '';
  process_.stdout.on('data', (text) => {
    said += String(text);
  });
  const closed = new Promise((resolve) => process_.once('close', resolve));
  await until(() => said.includes('\n'));
  expect(said).toMatch(/^\d+\n$/);
  const pid = Number(said);
  // As Ctrl-Z does: both stand still for longer than a hang may take, then both go on.
  for (const stopped of [process_.pid!, pid]) process.kill(stopped, 'SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS + 2000));
  for (const stopped of [process_.pid!, pid]) process.kill(stopped, 'SIGCONT');
  process_.stdin.write('on');
  await closed;
  expect(said).toMatch(/^\d+\nalive\nINTERRUPTED\n$/);
});

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'trains on when a worker gets %s beside its supervisor',
  async (signal) => {
    const run = await prepareRun(temporaryFolder(), { epochs: 3, batchSize: 32 });
    let sent = false;
    const attempt = train(run, {
      onReport: (report, training) => {
        if (report.kind !== 'started' || sent) return;
        sent = true;
        process.kill(training.pids[0]!, signal);
      },
    });
    expect(await attempt.done).toMatchObject({ outcome: 'finished' });
    expect(sent).toBe(true);
  },
);

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'takes %s that came before the worker could listen for the end that somebody wished',
  async (signal) => {
    const error = await ended(`process.kill(process.pid, '${signal}'); setInterval(() => {}, 1000);`);
    expect(error).toMatchObject({ code: 'INTERRUPTED', message: expect.stringContaining(signal) });
  },
);

it('leaves no orphan when the supervisor is killed', async () => {
  const worker = childFile(`setInterval(beat, 100); process.send({ kind: 'pid', pid: process.pid });`);
  const supervisor = join(temporaryFolder(), 'supervisor.ts');
  const source = `import { SupervisedChild } from '${HEARTBEAT}/supervisedChild.ts';
new SupervisedChild({ entry: ${JSON.stringify(worker)}, environment: {}, onMessage: ({ pid }) => console.log(pid), onEnd: () => {} });
setInterval(() => {}, 1000);`;
  writeFileSync(supervisor, source);
  const process_ = spawn(process.execPath, [supervisor], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  process_.stdout.on('data', (text) => {
    said += String(text);
  });
  await until(() => said.includes('\n'));
  const pid = Number(said);
  const startTime = processStartTime(pid);
  expect(isProcessAlive(pid, startTime)).toBe(true);
  process_.kill('SIGKILL');
  await until(() => !isProcessAlive(pid, startTime));
});

it('stops a run whose loss is no longer a number, before anything of it is saved', async () => {
  const run = await prepareRun(temporaryFolder(), { epochs: 2, batchSize: 32 });
  const startFrom = join(temporaryFolder(), 'huge.safetensors');
  const tensors = parameterShapes(run.config.model).map((shape, position) => {
    const values = initialValues(shape, position, 0);
    if (shape.name === 'output.weight') values.fill(3e38);
    return [shape.name, { dtype: 'F32' as const, shape: [...shape.shape], values }] as const;
  });
  writeFileSync(startFrom, Buffer.concat(encodeSafetensors(new Map(tensors))));
  const config = { ...run.config, startFrom };
  const attempt = train({ config, job: { ...run.job, config } });
  expect(await attempt.done).toMatchObject({
    outcome: 'failed',
    error: { code: 'LOSS_NOT_FINITE', nextStep: expect.stringContaining('lower learning rate') },
  });
  expect(attempt.reports.filter(({ kind }) => kind === 'checkpoint')).toEqual([]);
});

it('passes over a checkpoint with one flipped byte, aloud', async () => {
  const run = await prepareRun(temporaryFolder(), { epochs: 3, batchSize: 32 });
  expect(await train(run).done).toMatchObject({ outcome: 'finished' });
  const folders = checkpointFolders(run);
  const newest = folders.at(-1)!;
  const file = join(run.job.runDirectory, 'checkpoints', newest, 'weights.safetensors');
  const bytes = readFileSync(file);
  bytes[bytes.length - 100]! ^= 1;
  writeFileSync(file, bytes);
  const { checkpoint, damaged } = newestCheckpoint(run.job.runDirectory);
  expect(checkpoint?.folder).toBe(folders.at(-2));
  expect(damaged[0]).toMatchObject({
    code: 'CHECKSUM_MISMATCH',
    message: expect.stringContaining('weights.safetensors'),
  });
  // What the run ended with is not replaced by older weights in silence.
  expect(studioErrorOf(() => weightsToUse(run.job.runDirectory, 'last')).code).toBe('CHECKSUM_MISMATCH');
  const again = train(run, { resume: true });
  expect(await again.done).toMatchObject({ outcome: 'finished' });
  expect(again.reports).toContainEqual(
    expect.objectContaining({
      kind: 'log',
      level: 'warning',
      text: expect.stringContaining('older checkpoint'),
    }),
  );
});

it('hands over what happened before a checkpoint before it is written', async () => {
  const run = await prepareRun(temporaryFolder(), { epochs: 4, batchSize: 32 });
  const attempt = train(run);
  expect(await attempt.done).toMatchObject({ outcome: 'finished' });
  const saving = attempt.batches.filter((batch) =>
    batch.some((report) => report.kind === 'progress' && report.phase === 'saving'),
  );
  expect(saving).toHaveLength(4);
  // Nothing waits behind it, where a crash would lose what the checkpoint says is done.
  for (const batch of saving) expect(batch.at(-1)).toMatchObject({ kind: 'progress', phase: 'saving' });
});

it('keeps the two newest checkpoints, and the best one when it is asked for', async () => {
  const run = await prepareRun(temporaryFolder(), { epochs: 5, batchSize: 32, keep: 'best' });
  const attempt = train(run);
  expect(await attempt.done).toMatchObject({ outcome: 'finished' });
  const folders = checkpointFolders(run);
  expect(folders.filter((name) => name.endsWith('-best'))).toHaveLength(1);
  expect(folders.filter((name) => !name.endsWith('-best'))).toHaveLength(2);
  const written = attempt.reports.filter(({ kind }) => kind === 'checkpoint').length;
  const removed = attempt.reports.filter(({ kind }) => kind === 'checkpointRemoved').length;
  expect(written - removed).toBe(folders.length);
});
