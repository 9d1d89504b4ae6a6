/** @file Runs under Node. `entail queue remove`. */
import type { Command } from 'commander';
import { type Cli, type CommonOptions, describe } from './command.ts';

export function addQueueRemove(parent: Command, cli: Cli): void {
  const command = describe(parent.command('remove <RUN>'), {
    summary: 'take a waiting run out of the queue',
    details:
      'A run that has never trained is gone with that; one that was to go on from a checkpoint is what it was before,\n' +
      'with all its figures. A run that trains is not touched.',
    examples: [['queue remove r7f3k2', 'the others move up']],
  });
  command.action((run: string, options: CommonOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const { id, state } = (await studio()).queue.remove(run);
      terminal.line(
        state === null
          ? `Run ${id} is out of the queue; it had never trained, and is gone.`
          : `Run ${id} is out of the queue, and ${state} as before. Go on with it: npx --no entail runs resume ${id}`,
      );
      terminal.event('result', { runId: id, deleted: state === null });
      return undefined;
    }),
  );
}
