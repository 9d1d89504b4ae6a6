/** @file Runs under Node. `entail queue add`: makes a run that waits for its turn. */
import type { Command } from 'commander';
import { type Cli, describe } from './command.ts';
import { starterText } from './queueText.ts';
import { addTrainFlags, type TrainOptions, trainRequestFrom } from './trainRequest.ts';

interface AddOptions extends TrainOptions {
  readonly front?: true;
}

export function addQueueAdd(parent: Command, cli: Cli): void {
  const command = describe(parent.command('add'), {
    summary: 'make a run that waits for its turn, with the flags of "train"',
    details:
      'Everything that can be wrong with the run is said at once; its configuration never changes from then on.\n' +
      'It starts when its turn comes in a studio that is open on the same data directory, or in "queue run".',
    examples: [
      ['queue add --dataset snli --seed 1 --name "seed 1"', 'at the end of the queue'],
      ['queue add --dataset snli --epochs 1 --front', 'before all that wait'],
    ],
  });
  command.option('--front', 'before all runs that wait, instead of after them');
  addTrainFlags(command).action((options: AddOptions & Record<string, unknown>) =>
    cli.run(options, async ({ terminal, studio }) => {
      const { queue, models } = await studio();
      const request = trainRequestFrom(options, models);
      const runId = await queue.add(request, options.front === true ? 'front' : 'back');
      const place = queue.placeOf(runId);
      const { workedBy, paused } = queue.show();
      // A studio may have started it already.
      const where = place === null ? 'starts' : `waits at place ${place}`;
      terminal.line(`Run ${terminal.paint('bold', runId)} ${where}.`);
      if (place !== null) terminal.line(starterText({ workedBy, paused }));
      terminal.event('result', { runId, place, workedBy, paused });
      return undefined;
    }),
  );
}
