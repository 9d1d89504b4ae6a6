/** @file Runs under Node. `entail evaluate`: what a trained model is worth on a split. */

import { type Command, Option } from 'commander';
import type { Dataset } from '../../shared/datasets.ts';
import { OFFERED_ENGINES } from '../../shared/engines.ts';
import type { RunRecord } from '../../shared/runs.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { fractionText } from './progressText.ts';
import { evaluationLines } from './runsShow.ts';
import { SELECTED_ON_TEST } from './trainingView.ts';
import { engineFrom, splitFrom, wholeNumber } from './values.ts';

interface EvaluateOptions extends CommonOptions {
  readonly dataset?: string;
  readonly split?: string;
  readonly engine?: string;
  readonly threads?: string;
}

/** True when the test labels of this data set chose the weights of the run. */
function wasSelectedOn(dataset: Dataset, run: RunRecord | null): boolean {
  return run?.result?.selectedOnTest === true && dataset.contentHash === run.config.dataset.contentHash;
}

export function addEvaluate(program: Command, cli: Cli): void {
  const command = describe(program.command('evaluate <MODEL>'), {
    summary: 'loss, accuracy, macro-F1 and confusion matrix of a trained model',
    details:
      'MODEL is a run, of which the weights are used that it ended with, or an imported model with a head.\n' +
      'Another data set must have the same labels.',
    examples: [
      ['evaluate r7f3k2', 'the test split of the data set it was trained on'],
      ['evaluate r7f3k2 --dataset mnli --split dev', 'another data set'],
      ['evaluate my-nli --dataset snli', 'an imported model'],
    ],
  });
  command
    .option('--dataset <NAME>', "another data set (default: the run's own)")
    .option('--split <SPLIT>', 'train, dev or test (default: test)')
    .addOption(
      new Option('--engine <NAME>', `${OFFERED_ENGINES.join(' or ')} (default: the best that works)`),
    )
    .option('--threads <N>', 'threads of the engine (default: one a core)')
    .action((reference: string, options: EvaluateOptions) =>
      cli.run(options, async ({ terminal, interruption, studio }) => {
        const engine = engineFrom(options.engine);
        const threads = wholeNumber('--threads', options.threads, { low: 1, high: 1024 }) ?? null;
        const split = splitFrom(options.split ?? 'test');
        const { inference } = await studio();
        const { modelId, run, dataset, evaluation } = await inference.evaluate(reference, {
          engine,
          threads,
          split,
          dataset: options.dataset ?? null,
          signal: interruption.stop,
          onProgress: (fraction) => {
            terminal.showLive(`evaluating ${fractionText(fraction)}`);
            terminal.event('progress', { fraction });
          },
        });
        const selectedOnTest = split === 'test' && wasSelectedOn(dataset, run);
        const title = `${run === null ? 'model' : 'run'} ${modelId} on ${dataset.name}, ${split}${selectedOnTest ? SELECTED_ON_TEST : ''}`;
        for (const line of evaluationLines(evaluation, dataset.labels, title)) terminal.line(line);
        const id = run === null ? { model: modelId } : { runId: modelId };
        terminal.event('result', { ...id, dataset: dataset.name, selectedOnTest, ...evaluation });
        return undefined;
      }),
    );
}
