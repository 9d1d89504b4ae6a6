/** @file Runs under Node. `entail queue list`. */
import type { Command } from 'commander';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { queueLines } from './queueText.ts';

export function addQueueList(parent: Command, cli: Cli): void {
  const command = describe(parent.command('list'), {
    summary: 'what trains now, and what waits in which order',
    details: 'Tells too whether the queue is paused, and what starts the runs that wait.',
    examples: [
      ['queue list', 'one line a run'],
      ['queue list --json', 'the same as a JSON object: running, waiting, paused, pausedBy, workedBy'],
    ],
  });
  command.action((options: CommonOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const { queue: stored } = await studio();
      const queue = stored.show(await stored.blocks());
      terminal.document(queue);
      for (const line of queueLines(queue)) terminal.line(line);
      return undefined;
    }),
  );
}
