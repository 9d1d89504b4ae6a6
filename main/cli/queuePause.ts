/** @file Runs under Node. `entail queue pause` and `entail queue resume`. */
import type { Command } from 'commander';
import type { QueueListing } from '../studio/storedQueue.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { starterText, waitingText } from './queueText.ts';

export function addQueuePause(parent: Command, cli: Cli): void {
  const command = describe(parent.command('pause'), {
    summary: 'start nothing more; what trains goes on',
    examples: [['queue pause', 'until "queue resume", also when the studio is closed and opened again']],
  });
  command.action((options: CommonOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const listing = (await studio()).queue.pause(true);
      terminal.line(`The queue is paused: nothing more starts; ${waitingText(listing.waiting.length)}.`);
      for (const { id } of listing.running)
        terminal.line(`Run ${id} goes on. To stop it too: Ctrl-C where it trains, or "Stop" in the studio.`);
      terminal.event('result', resultOf(listing));
      return undefined;
    }),
  );
}

export function addQueueResume(parent: Command, cli: Cli): void {
  const command = describe(parent.command('resume'), {
    summary: 'go on after a pause',
    details: 'A run that is paused itself goes on with "runs resume RUN".',
    examples: [['queue resume', 'what waits may start again']],
  });
  command.action((options: CommonOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const listing = (await studio()).queue.pause(false);
      const { length } = listing.waiting;
      terminal.line(`The queue goes on; ${waitingText(length)}.`);
      if (length > 0) terminal.line(starterText(listing));
      terminal.event('result', resultOf(listing));
      return undefined;
    }),
  );
}

function resultOf({ paused, waiting, workedBy }: QueueListing): object {
  return { paused, waiting: waiting.map(({ id }) => id), workedBy };
}
