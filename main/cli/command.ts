/** @file Runs under Node. What every command shares: its common options, its examples, and how its work is run. */
import { type Command, Option } from 'commander';
import { errorData, StudioError } from '../../shared/errors.ts';
import type { Studio } from '../studio.ts';
import { EXIT_DONE, tellFailure } from './failure.ts';
import { Interruption, type SignalSource } from './interruption.ts';
import { type Streams, Terminal } from './terminal.ts';

/** The world outside, given by main/cli.ts, so that tests can give another. */
export interface Outside {
  readonly streams: Streams;
  readonly signals: SignalSource;
  /**
   * Opens the studio of a data directory; null is the person's own (ENTAIL_HOME, or the platform's place). `stop` ends what
   * is made ready for it.
   */
  openStudio(
    dataDirectory: string | null,
    onNotice: (notice: string) => void,
    stop: AbortSignal,
  ): Promise<Studio>;
}

export interface CommonOptions {
  readonly json?: true;
  readonly dataDir?: string;
}

export interface Work {
  readonly terminal: Terminal;
  readonly interruption: Interruption;
  /** Opened when first asked for, closed after the command. */
  studio(): Promise<Studio>;
}

/** What the commands are built with. */
export interface Cli {
  /** Runs one command's work from options to exit code; never throws. */
  run(options: CommonOptions, work: (work: Work) => Promise<number | undefined>): Promise<void>;
}

/** `leave` is told the exit code of the one command that ran. */
export function cliOver(outside: Outside, leave: (exitCode: number) => void): Cli {
  return {
    async run(options, work) {
      const terminal = new Terminal(outside.streams, { json: options.json === true });
      const interruption = new Interruption(outside.signals);
      const force = untilForced(interruption.kill);
      let opened: Promise<Studio> | null = null;
      const studio = async () => {
        const onNotice = (notice: string) => terminal.notice(notice);
        opened ??= outside.openStudio(options.dataDir ?? null, onNotice, interruption.stop);
        return await opened;
      };
      try {
        leave((await Promise.race([work({ terminal, interruption, studio }), force.done])) ?? EXIT_DONE);
      } catch (thrown) {
        leave(tellFailure(terminal, thrown));
      } finally {
        force.end();
        terminal.endLive();
        interruption.end();
        // Where it is forced, the studio itself may be what hangs.
        await Promise.race([closeQuietly(opened, terminal), force.done.catch(() => {})]);
      }
    },
  };
}

/** A second Ctrl-C ends what listens to it at once; whatever is still there after so long does not listen. */
const FORCE_MS = 10_000;

/** `done` rejects when a command is to be left behind: one that waits for a driver, a library, another program. */
function untilForced(kill: AbortSignal): { readonly done: Promise<never>; end(): void } {
  const { promise: done, reject } = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const force = () => reject(new StudioError('INTERRUPTED', 'Ended at once, as asked.'));
  kill.addEventListener('abort', () => {
    timer = setTimeout(force, FORCE_MS);
  });
  return { done, end: () => clearTimeout(timer) };
}

/** Closing cannot undo what was done, so that its failure is only told; one that did not open has been told already. */
async function closeQuietly(opened: Promise<Studio> | null, terminal: Terminal): Promise<void> {
  const studio = await opened?.catch(() => null);
  try {
    studio?.close();
  } catch (thrown) {
    terminal.notice(errorData(thrown).message);
  }
}

export interface Description {
  readonly summary: string;
  /** More than the summary, for --help. */
  readonly details?: string;
  /** Command lines after `npx --no entail `, each with what it does. */
  readonly examples: readonly (readonly [string, string])[];
}

/** Gives a command its texts. */
export function describe(command: Command, { summary, details, examples }: Description): Command {
  const shown = examples.map(([line, what]) => `  $ npx --no entail ${line}\n      ${what}`);
  return command
    .summary(summary)
    .description(details === undefined ? summary : `${summary}\n\n${details.replaceAll('\n', ' ')}`)
    .addHelpText('after', `\nExamples:\n${shown.join('\n')}`);
}

/** The options that every command has; added last, so that a command's own stand first in its help. */
export function addCommonOptions(command: Command): void {
  const dataDirectory = 'where Entail keeps its data (default: ENTAIL_HOME, or the place of this platform)';
  command
    .addOption(new Option('--json', 'print JSON for scripts instead of text for people').helpGroup('Common:'))
    .addOption(new Option('--data-dir <FOLDER>', dataDirectory).helpGroup('Common:'))
    .addHelpOption(new Option('-h, --help', 'show this help').helpGroup('Common:'));
}
