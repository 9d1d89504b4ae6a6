/** @file Runs under Node. A studio that goes on after logout: started apart, found again, ended in good order. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StudioError } from '../../shared/errors.ts';
import { isStudioOpen, runningStudio } from '../studio/studioLock.ts';

const START_MS = 30_000;
const STOP_MS = 90_000;
const LOOK_MS = 100;

/** Starts `words` in a process of its own and returns what it printed up to its address. @throws StudioError. */
export async function startDetached(
  entry: string,
  words: readonly string[],
  dataDirectory: string,
): Promise<string> {
  const logs = join(dataDirectory, 'logs');
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const path = join(logs, 'headless.log');
  // The log holds the address with its key: for nobody else's eyes.
  const log = openSync(path, 'w', 0o600);
  const child = spawn(process.execPath, [entry, ...words], { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  let ended = false;
  child.on('exit', () => {
    ended = true;
  });
  const until = Date.now() + START_MS;
  while (Date.now() < until) {
    await sleep(LOOK_MS);
    const said = readFileSync(path, 'utf8');
    if (/#k=/.test(said)) {
      child.unref();
      return `${said.trimEnd()}\n\nDetached: process ${child.pid}, messages in ${path}. End it with --stop.`;
    }
    if (ended)
      throw new StudioError('INTERNAL', said.trim() || 'The studio ended at once.', {
        nextStep: `Look into ${path}.`,
      });
  }
  child.kill();
  throw new StudioError('INTERNAL', 'The studio did not start in time.', { nextStep: `Look into ${path}.` });
}

/** @throws StudioError NOT_FOUND when there is none; LOCKED when it does not end. */
export async function stopDetached(dataDirectory: string): Promise<void> {
  const address = runningStudio(dataDirectory);
  if (address === null || address.host !== 'headless' || !isStudioOpen(dataDirectory)) {
    throw new StudioError('NOT_FOUND', `No detached studio is open on ${dataDirectory}.`);
  }
  process.kill(address.pid, 'SIGTERM');
  const until = Date.now() + STOP_MS;
  while (Date.now() < until) {
    if (!isStudioOpen(dataDirectory)) return;
    await sleep(LOOK_MS);
  }
  throw new StudioError('LOCKED', `The studio (process ${address.pid}) has not ended yet.`, {
    nextStep: 'It may be writing a large checkpoint: look again in a minute.',
  });
}
