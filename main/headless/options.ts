/** @file Runs under Node. The words after `studio:headless`, parsed. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { StudioError } from '../../shared/errors.ts';

export interface HeadlessOptions {
  readonly port: number;
  /** Null is the person's own. */
  readonly dataDirectory: string | null;
  readonly publicOrigins: readonly string[];
  readonly detach: boolean;
  readonly stop: boolean;
  readonly open: boolean;
}

const EXAMPLES = `
Examples:
  $ npm run studio:headless -- --port 0
      a studio for this machine's browser, on any free port
  $ npm run studio:headless -- --port 8123 --detach
      on a server: goes on after you log out; the address is printed first
  $ npm run studio:headless -- --stop
      ends a detached one in good order, with checkpoints
  $ npm run studio:headless -- --port 8123 --public-origin https://box.example
      behind a reverse proxy that shows it as https://box.example`;

/** Null when help was asked for and has been printed. @throws StudioError USAGE. */
export function headlessOptions(
  words: readonly string[],
  print: (text: string) => void,
): HeadlessOptions | null {
  const command = new Command('npm run studio:headless --')
    .description('The studio in a browser, over loopback: for machines without Electron, and for servers.')
    .option('--port <N>', 'the port to listen on; 0 is any free one', portFrom, 0)
    .option(
      '--data-dir <FOLDER>',
      'where Entail keeps its data (default: ENTAIL_HOME, or the place of this platform)',
    )
    .option(
      '--public-origin <ORIGIN>',
      'an address under which a tunnel or proxy shows it; may be repeated',
      originFrom,
      [],
    )
    .option('--detach', 'go on after logout; its messages are in logs/headless.log of the data directory')
    .option('--stop', 'end the detached studio of the data directory, in good order')
    .option('--open', 'open the address in a browser')
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', EXAMPLES)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: () => {} });
  try {
    command.parse(words, { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return null;
    throw new StudioError('USAGE', thrown.message.replace(/^error: /, '').replaceAll('\n', ' '), {
      nextStep: 'npm run studio:headless -- --help shows what there is.',
    });
  }
  const options = command.opts<{
    port: number;
    dataDir?: string;
    publicOrigin: string[];
    detach?: true;
    stop?: true;
    open?: true;
  }>();
  return {
    port: options.port,
    dataDirectory: options.dataDir ?? null,
    publicOrigins: options.publicOrigin,
    detach: options.detach === true,
    stop: options.stop === true,
    open: options.open === true,
  };
}

function portFrom(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw new InvalidArgumentError('A port is a number from 0 to 65535.');
}

function originFrom(text: string, before: string[]): string[] {
  const url = URL.canParse(text) ? new URL(text) : null;
  const plain = url !== null && /^https?:$/.test(url.protocol) && url.origin === text.replace(/\/$/, '');
  // A star would look as if it stood for many; it would stand for itself.
  if (plain && !url.hostname.includes('*')) return [...before, url.origin];
  throw new InvalidArgumentError(
    'An origin is a scheme, a host and perhaps a port, such as https://box.example:8443.',
  );
}
