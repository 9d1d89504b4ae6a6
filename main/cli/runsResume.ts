/** @file Runs under Node. `entail runs resume`. */
import type { Command } from 'commander';
import { StudioError } from '../../shared/errors.ts';
import { runKind } from '../../shared/runs.ts';
import type { RunService } from '../studio/runs.ts';
import { type Cli, type CommonOptions, describe, type Work } from './command.ts';
import { watchTraining } from './watchTraining.ts';

export function addRunsResume(parent: Command, cli: Cli): void {
  const command = describe(parent.command('resume <RUN>'), {
    summary: 'go on with a run that was paused, stopped or interrupted, or has failed',
    details:
      'A paused run goes on where it is, in the program that trains it. Any other one is trained here (or in a studio that is open):\n' +
      'it continues from the newest checkpoint with the same configuration, engine and threads. On a deterministic engine\n' +
      'the result is the same, bit for bit, as if the run had never been interrupted.',
    examples: [
      ['runs resume r7f3k2', 'the whole id'],
      ['runs resume r7f', 'the beginning of the id is enough when no other begins so'],
    ],
  });
  command.action((run: string, options: CommonOptions) =>
    cli.run(options, async (work) => {
      const { runs, training, queue } = await work.studio();
      const found = runs.find(run);
      if (found.state === 'paused' || found.state === 'pausing') return goOn(work, runs, found.id);
      refuseWaiting(found.id, queue.placeOf(found.id));
      const { epochs } = found.config.hyperparameters;
      return await watchTraining(work, { epochs, kind: runKind(found.config) }, (listener) =>
        training.resume(found.id, listener, work.interruption.stop),
      );
    }),
  );
}

/** The program that has the model loaded hears of it within a second. */
function goOn({ terminal }: Work, runs: RunService, runId: string): undefined {
  runs.continue(runId);
  terminal.line(`Run ${runId} goes on where it trains. Look at it: npx --no entail runs show ${runId}`);
  terminal.event('result', { runId, continued: true });
}

function refuseWaiting(runId: string, place: number | null): void {
  if (place === null) return;
  throw new StudioError('USAGE', `Run ${runId} waits in the queue, at place ${place}.`, {
    nextStep: `npx --no entail queue move ${runId} --to front makes it the next; queue list tells what starts it.`,
  });
}
