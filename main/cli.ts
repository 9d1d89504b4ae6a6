/** @file Runs under Node; an entry. `entail …`: reads the words, runs one command, leaves an exit code. */
import { cliOver, type Outside } from './cli/command.ts';
import { EXIT_DONE, tellFailure } from './cli/failure.ts';
import { buildProgram, parseWords } from './cli/program.ts';
import { Terminal } from './cli/terminal.ts';
import { checkoutEntries } from './entries.ts';
import { readVersion } from './version.ts';

/** After the work is done nothing should keep the process alive; if something does, it does not for longer than this. */
const LAST_WORDS_MS = 3000;

/** A reader that went away (`entail runs list | head -1`) is no reason to break off the work, or to complain. */
function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

/** When the launcher is killed the command stops in good order, as if its terminal had been closed. */
function stopWithLauncher(): void {
  process.once('disconnect', () => process.emit('SIGHUP'));
  // The channel alone must not keep the process alive.
  process.channel?.unref();
}

async function main(words: readonly string[]): Promise<number> {
  ignoreClosedPipes();
  stopWithLauncher();
  const streams = {
    input: process.stdin,
    output: process.stdout,
    errors: process.stderr,
    environment: process.env,
  };
  const version = readVersion();
  const outside: Outside = {
    streams,
    signals: process,
    openStudio: async (given, onNotice, signal) => {
      // Loaded when a command needs it: help and wrong words are answered without databases and engines.
      const [
        { openStudio },
        { chooseDataDirectory },
        { rememberedDirectory },
        { buildNativeIfNeeded, progressLine },
      ] = await Promise.all([
        import('./studio.ts'),
        import('./studio/dataDirectory.ts'),
        import('./studio/directoryChoice.ts'),
        import('./start/buildNative.ts'),
      ]);
      const prepareEngines = () => buildNativeIfNeeded({ say: onNotice, onProgress: progressLine(), signal });
      // The studio's directory, or the two would not see each other.
      const dataDirectory = rememberedDirectory(chooseDataDirectory(given, process.env));
      const prepareExportPage = async () => {
        const { buildExportPageIfNeeded } = await import('./start/buildExportPage.ts');
        return await buildExportPageIfNeeded(onNotice);
      };
      const prepare = { prepareEngines, prepareExportPage };
      return openStudio({ dataDirectory, entries: checkoutEntries(), version, onNotice, ...prepare });
    },
  };
  let exitCode = EXIT_DONE;
  const cli = cliOver(outside, (code) => {
    exitCode = code;
  });
  try {
    await parseWords(buildProgram(cli, process.stdout, version), words);
  } catch (thrown) {
    exitCode = tellFailure(new Terminal(streams, { json: words.includes('--json') }), thrown);
  }
  return exitCode;
}

process.exitCode = await main(process.argv.slice(2));
setTimeout(() => process.exit(), LAST_WORDS_MS).unref();
