/** @file Runs under Node; an entry. The studio without Electron: a loopback server, and an address to open. */
import { hostname, userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import open from 'open';
import { errorData } from '../shared/errors.ts';
import { startDetached, stopDetached } from './headless/detached.ts';
import { type HeadlessOptions, headlessOptions } from './headless/options.ts';
import { addressLines, type RunningHost, startHost } from './headless/run.ts';
import { buildExportPageIfNeeded } from './start/buildExportPage.ts';
import { buildNativeIfNeeded, progressLine } from './start/buildNative.ts';
import { buildPagesIfNeeded } from './start/buildPages.ts';
import { localDataDirectory } from './start/localDirectory.ts';
import { stoppable } from './start/stoppable.ts';
import { chooseDataDirectory } from './studio/dataDirectory.ts';
import { directoryChoice } from './studio/directoryChoice.ts';

const say = (text: string) => void process.stdout.write(`${text}\n`);

async function main(words: readonly string[]): Promise<number> {
  const options = headlessOptions(words, (text) => void process.stdout.write(text));
  if (options === null) return 0;
  const dataDirectory = await localDataDirectory(options.dataDirectory, process.env);
  if (options.stop) {
    await stopDetached(dataDirectory);
    say('The studio has ended; runs that were training are stopped, with a checkpoint.');
    return 0;
  }
  await buildPagesIfNeeded(say);
  await buildExportPageIfNeeded(say);
  await stoppable((signal) => buildNativeIfNeeded({ say, onProgress: progressLine(), signal }));
  if (options.detach) {
    const kept = words.filter((word) => word !== '--detach' && word !== '--open');
    say(
      await startDetached(
        fileURLToPath(import.meta.url),
        [...kept, '--data-dir', dataDirectory],
        dataDirectory,
      ),
    );
    return 0;
  }
  return await serve(options, dataDirectory);
}

async function serve(options: HeadlessOptions, dataDirectory: string): Promise<number> {
  const { port, publicOrigins } = options;
  const usual = chooseDataDirectory(options.dataDirectory, process.env);
  // Before anybody knows that it is there: a signal that comes sooner would end it in no order at all.
  const told = untilTold();
  const host = await startHost({
    ...{ port, dataDirectory, publicOrigins },
    directoryChoice: directoryChoice(usual, options.dataDirectory, process.env),
  });
  const account = `${userInfo().username}@${hostname()}`;
  // A detached one has no terminal.
  const ending = process.stdin.isTTY ? ['Ctrl-C ends it.'] : [];
  // In one piece: whoever starts a detached one finds either nothing in its log, or all of this.
  say([...addressLines(host, publicOrigins, account), ...ending].join('\n'));
  if (options.open)
    await open(host.url).catch(() => say('No browser could be opened: open the address yourself.'));
  await told;
  say('Ending: runs that train are stopped with a checkpoint … (again: at once)');
  await closeOrLeave(host);
  return 0;
}

function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    // A terminal that closes ends what it started; a detached studio has none.
    process.once('SIGHUP', () => resolve());
  });
}

/** One Ctrl-C can arrive more than once within milliseconds; a person who means it twice takes longer. */
const ONE_PRESS_MS = 300;

async function closeOrLeave(host: RunningHost): Promise<void> {
  const toldAtMs = Date.now();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (Date.now() - toldAtMs > ONE_PRESS_MS) process.exit(130);
    });
  }
  await host.close();
}

try {
  process.exitCode = await main(process.argv.slice(2));
  // After good byes nothing should keep the process alive; if something does, it does not for long.
  setTimeout(() => process.exit(), 3000).unref();
} catch (thrown) {
  const { code, message, nextStep } = errorData(thrown);
  process.stderr.write(`error: ${message}\n${nextStep === '' ? '' : `next: ${nextStep}\n`}`);
  process.exit(code === 'USAGE' ? 2 : 1);
}
