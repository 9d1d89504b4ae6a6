/** @file Runs under Node. `entail evaluate`: what a trained model is worth on a split. */

import { type Command, Option } from 'commander';
import type { Dataset } from '../../shared/datasets.ts';
import { OFFERED_ENGINES } from '../../shared/engines.ts';
import type { RunRecord } from '../../shared/runs.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { evaluationData } from './evaluationData.ts';
import { groupLines } from './groupText.ts';
import { fractionText } from './progressText.ts';
import { evaluationLines } from './runsShow.ts';
import { SELECTED_ON_TEST } from './trainingView.ts';
import { engineFrom, splitFrom, wholeNumber } from './values.ts';

interface EvaluateOptions extends CommonOptions {
  readonly dataset?: string;
  readonly data?: string;
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
      'Another data set must have the same labels, in any order; or entailment\n' +
      'and non-entailment (HANS): then every answer but entailment counts as non-entailment, as McCoy et al. 2019 do.\n' +
      'Kinds of examples that the data set tells apart (heuristic, subcase, genre) are judged one by one.',
    examples: [
      ['evaluate r7f3k2', 'the test split of the data set it was trained on'],
      ['evaluate r7f3k2 --dataset mnli --split dev', 'another data set'],
      ['evaluate r7f3k2 --dataset hans --data heuristics_evaluation_set.txt', 'HANS, by heuristic'],
      ['evaluate r7f3k2 --dataset multinli --data multinli_1.0.zip', 'both development sets of MultiNLI'],
      ['evaluate my-nli --dataset snli', 'an imported model'],
    ],
  });
  command
    .option('--dataset <NAME>', "another data set (default: the run's own)")
    .option('--data <PATH>', 'where that data set is, if it has not been imported yet')
    .option('--split <SPLIT>', 'train, dev or test (default: test, or dev where there is no test)')
    .addOption(
      new Option('--engine <NAME>', `${OFFERED_ENGINES.join(' or ')} (default: the best that works)`),
    )
    .option('--threads <N>', 'threads of the engine (default: one a core)')
    .action((reference: string, options: EvaluateOptions) =>
      cli.run(options, async ({ terminal, interruption, studio }) => {
        const engine = engineFrom(options.engine);
        const threads = wholeNumber('--threads', options.threads, { low: 1, high: 1024 }) ?? null;
        const wanted = options.split === undefined ? null : splitFrom(options.split);
        const { datasets, inference } = await studio();
        inference.find(reference);
        const name = await evaluationData(datasets, options, { terminal, interruption });
        const { modelId, run, dataset, evaluation, groups } = await inference.evaluate(reference, {
          engine,
          threads,
          split: wanted,
          dataset: name,
          signal: interruption.stop,
          onProgress: (fraction) => {
            terminal.showLive(`evaluating ${fractionText(fraction)}`);
            terminal.event('progress', { fraction });
          },
        });
        const { split } = evaluation;
        const selectedOnTest = split === 'test' && wasSelectedOn(dataset, run);
        const title = `${run === null ? 'model' : 'run'} ${modelId} on ${dataset.name}, ${split}${selectedOnTest ? SELECTED_ON_TEST : ''}`;
        for (const line of evaluationLines(evaluation, dataset.labels, title)) terminal.line(line);
        for (const line of groupLines(groups, dataset.labels)) terminal.line(line);
        const id = run === null ? { model: modelId } : { runId: modelId };
        terminal.event('result', { ...id, dataset: dataset.name, selectedOnTest, ...evaluation, groups });
        return undefined;
      }),
    );
}
