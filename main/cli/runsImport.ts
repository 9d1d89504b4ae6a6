/** @file Runs under Node. `entail runs import`: a run that another studio has exported. */
import type { Command } from 'commander';
import { type Cli, type CommonOptions, describe } from './command.ts';

export function addRunsImport(parent: Command, cli: Cli): void {
  const command = describe(parent.command('import <FILE>'), {
    summary: 'take in a run of another studio',
    details:
      'The file is what export --to run wrote: configuration, curves, evaluations, predictions and a checkpoint. Every sum\n' +
      'in it is compared. The run gets an id of its own here; with its data set imported, it can be looked at and go on.',
    examples: [['runs import r7f3k2.entail-run.zip', 'then runs show, predict, export as any other']],
  });
  command.action((file: string, options: CommonOptions) =>
    cli.run(options, async ({ terminal, interruption, studio }) => {
      const { takeInRun } = await studio();
      terminal.showLive('reading');
      const { runId, originalId } = await takeInRun(file, interruption.stop);
      terminal.line(`run ${runId} is here (${originalId} where it was trained)`);
      terminal.event('result', { runId, originalId });
      return undefined;
    }),
  );
}
