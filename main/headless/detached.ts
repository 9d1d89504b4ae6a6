/** @file Runs under Node. A studio that goes on after logout: started apart, found again, ended in good order. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StudioError } from '../../shared/errors.ts';
import { isStudioOpen, runningStudio } from '../studio/studioLock.ts';

/** One that ends is noticed at once; a machine that is busy with other things may take this long to open a large studio. */
const START_MS = 120_000;
const STOP_MS = 90_000;
const LOOK_MS = 100;
const ANSWER_MS = 5000;

/** Starts `words` in a process of its own and returns what it printed up to its address. @throws StudioError. */
export async function startDetached(
  entry: string,
  words: readonly string[],
  dataDirectory: string,
): Promise<string> {
  const path = logPath(dataDirectory);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
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

/** Beside the data; for nobody else's eyes. */
function logPath(dataDirectory: string): string {
  return join(dataDirectory, 'logs', 'headless.log');
}

/**
 * The address with its key that a detached studio printed when it started; null when the studio at `origin` was started
 * otherwise: then only the terminal that started it has shown the key.
 */
export async function detachedAddress(dataDirectory: string, origin: string): Promise<string | null> {
  let said: string;
  try {
    said = readFileSync(logPath(dataDirectory), 'utf8');
  } catch {
    return null;
  }
  const key = /#k=([\w-]+)/.exec(said)?.[1];
  return key !== undefined && (await isKey(origin, key)) ? `${origin}/#k=${key}` : null;
}

/** The log may be that of an earlier studio, on the same port: only the one that runs knows its key. */
async function isKey(origin: string, key: string): Promise<boolean> {
  try {
    const answer = await fetch(`${origin}/rpc/app/info`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
      body: '{}',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return answer.ok;
  } catch {
    return false;
  }
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
