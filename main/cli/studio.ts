/** @file Runs under Node. `entail studio`: where the studio is that is open here, or how to open one. */
import type { Command } from 'commander';
import { detachedAddress } from '../headless/detached.ts';
import { isStudioOpen, runningStudio, type StudioAddress } from '../studio/studioLock.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { printable } from './terminal.ts';

export function addStudio(program: Command, cli: Cli): void {
  const command = describe(program.command('studio'), {
    summary: 'where the studio is that is open here, or how to open one',
    details:
      'The studio is the same in a window and in a browser. While it is open on a data directory, runs that are\n' +
      'started from the command line wait in its queue.',
    examples: [
      ['studio', 'its address, with the key where it was started with --detach'],
      ['studio --json', 'the same as a JSON object: open, host, pid, url, dataDirectory'],
    ],
  });
  command.action((options: CommonOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const { dataDirectory } = await studio();
      const open = isStudioOpen(dataDirectory);
      // What stands there after a crash is no studio's address.
      const address = open ? runningStudio(dataDirectory) : null;
      const url = address?.url == null ? null : await addressOf(dataDirectory, address.url);
      const { host = null, pid = null } = address ?? {};
      terminal.document({ open, host, pid, url: url?.text ?? null, dataDirectory });
      for (const line of open ? openLines(address, url) : closedLines(dataDirectory, options.dataDir))
        terminal.line(line);
      return undefined;
    }),
  );
}

interface Address {
  readonly text: string;
  readonly hasKey: boolean;
}

async function addressOf(dataDirectory: string, origin: string): Promise<Address> {
  const whole = await detachedAddress(dataDirectory, origin);
  return { text: whole ?? origin, hasKey: whole !== null };
}

function openLines(address: StudioAddress | null, url: Address | null): string[] {
  if (address === null) return ['A studio is opening or closing on this data directory.'];
  if (url === null) return [`A studio is open in a window (process ${address.pid}).`];
  const key = url.hasKey
    ? 'The address holds the key: whoever has it can use this studio.'
    : 'The address with its key was printed where it was started.';
  return [`A studio is open (process ${address.pid}) at ${url.text}`, key];
}

function closedLines(dataDirectory: string, given: string | undefined): string[] {
  const place = given === undefined ? '' : ` --data-dir ${JSON.stringify(dataDirectory)}`;
  const desktop = `npm start${place === '' ? '' : ` --${place}`}`;
  const rows = [
    [desktop, 'in a window; in a browser where there is no Electron'],
    [`npm run studio:headless -- --open${place}`, 'in a browser'],
    [`npm run studio:headless -- --detach${place}`, 'on a server: goes on after you log out'],
  ] as const;
  return [
    `No studio is open on ${printable(dataDirectory)}. Open one:`,
    ...rows.flatMap(([line, what]) => [`  $ ${line}`, `      ${what}`]),
  ];
}
