/** @file Runs under Node. `entail runs resume`. */
import { type Command, Option } from 'commander';
import { StudioError } from '../../shared/errors.ts';
import { runKind } from '../../shared/runs.ts';
import type { RunService } from '../studio/runs.ts';
import { type Cli, type CommonOptions, describe, type Work } from './command.ts';
import { besideProgramsOption, devicesFrom, RESUME_DEVICES_HELP } from './devicesFlag.ts';
import { microBatchTokensFrom } from './hyperparameterFlags.ts';
import { watchTraining } from './watchTraining.ts';

interface ResumeOptions extends CommonOptions {
  readonly devices?: string;
  readonly besidePrograms?: true;
  readonly microBatchTokens?: string;
}

export function addRunsResume(parent: Command, cli: Cli): void {
  const command = describe(parent.command('resume <RUN>'), {
    summary: 'go on with a run that was paused, stopped or interrupted, or has failed',
    details:
      'A paused run goes on where it is, in the program that trains it. Any other one is trained here (or in a studio that is open):\n' +
      'it continues from the newest checkpoint with the same configuration, engine and threads. On a deterministic engine\n' +
      'the result is the same, bit for bit, as if the run had never been interrupted.\n' +
      'With --devices it goes on on those, and asks for them from then on; the last bits may differ on more or fewer.\n' +
      'With --micro-batch-tokens it computes so many tokens at once from then on, where memory did not suffice for more.',
    examples: [
      ['runs resume r7f3k2', 'the whole id'],
      ['runs resume r7f', 'the beginning of the id is enough when no other begins so'],
      ['runs resume r7f3k2 --devices 0', 'on one GPU, whatever it was trained on before'],
      ['runs resume r7f3k2 --micro-batch-tokens 2048', 'with less memory'],
    ],
  });
  command
    .addOption(new Option('--devices <LIST>', RESUME_DEVICES_HELP))
    .addOption(
      new Option(
        '--micro-batch-tokens <N>',
        'tokens computed at once; 0 takes what about 1 GiB of activations holds (0, or 64 to 1048576; default: as before)',
      ),
    )
    .addOption(besideProgramsOption());
  command.action((run: string, options: ResumeOptions) =>
    cli.run(options, async (work) => {
      const devices = devicesFrom(options.devices);
      const microBatchTokens = microBatchTokensFrom(options.microBatchTokens);
      const { runs, training, queue } = await work.studio();
      const found = runs.find(run);
      if (found.state === 'paused' || found.state === 'pausing') {
        const isOtherwise = [devices, options.besidePrograms, microBatchTokens].some(
          (wish) => wish !== undefined,
        );
        if (isOtherwise) throw isLoaded(found.id);
        return goOn(work, runs, found.id);
      }
      refuseWaiting(found.id, queue.placeOf(found.id));
      const { epochs } = found.config.hyperparameters;
      return await watchTraining(work, { epochs, kind: runKind(found.config) }, (listener) =>
        training.resume(found.id, {
          ...{ listener, signal: work.interruption.stop },
          ...{ devices, besidePrograms: options.besidePrograms, microBatchTokens },
        }),
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

function isLoaded(runId: string): StudioError {
  return new StudioError('USAGE', `Run ${runId} is paused, and goes on as it is, on its devices.`, {
    nextStep: 'Go on without these flags, or stop it where it trains and resume it then.',
  });
}

function refuseWaiting(runId: string, place: number | null): void {
  if (place === null) return;
  throw new StudioError('USAGE', `Run ${runId} waits in the queue, at place ${place}.`, {
    nextStep: `npx --no entail queue move ${runId} --to front makes it the next; queue list tells what starts it.`,
  });
}
