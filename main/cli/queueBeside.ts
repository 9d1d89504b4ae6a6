/** @file Runs under Node. `entail queue beside`. */
import type { Command } from 'commander';
import { type Cli, type CommonOptions, describe } from './command.ts';

export function addQueueBeside(parent: Command, cli: Cli): void {
  const command = describe(parent.command('beside <RUN>'), {
    summary: 'start a waiting run beside other programs, instead of waiting for them',
    details:
      'A run waits for every program that computes on its GPU, also for a notebook that is left open. After this it does not\n' +
      'wait for programs that are no Entail: both then share the GPU and its memory. It still waits for other runs.',
    examples: [['queue beside r7f3k2', 'what "queue list" says of it tells what it waits for']],
  });
  command.action((run: string, options: CommonOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const { queue } = await studio();
      const runId = queue.besidePrograms(run);
      terminal.line(`Run ${runId} does not wait for other programs any more.`);
      terminal.event('result', { runId, besidePrograms: true });
      return undefined;
    }),
  );
}
