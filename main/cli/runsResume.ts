/** @file Runs under Node. `entail runs resume`. */
import type { Command } from 'commander';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { watchTraining } from './watchTraining.ts';

export function addRunsResume(parent: Command, cli: Cli): void {
  const command = describe(parent.command('resume <RUN>'), {
    summary: 'go on with a run that was stopped, interrupted or has failed',
    details:
      'Continues from the newest checkpoint with the same configuration, engine and threads. On a deterministic engine\n' +
      'the result is the same, bit for bit, as if the run had never been interrupted.',
    examples: [
      ['runs resume r7f3k2', 'the whole id'],
      ['runs resume r7f', 'the beginning of the id is enough when no other begins so'],
    ],
  });
  command.action((run: string, options: CommonOptions) =>
    cli.run(options, async (work) => {
      const { runs, training } = await work.studio();
      const { epochs } = runs.find(run).config.hyperparameters;
      return await watchTraining(work, { epochs }, (listener) =>
        training.resume(run, listener, work.interruption.stop),
      );
    }),
  );
}
