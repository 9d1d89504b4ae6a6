/** @file Runs under Node. `entail runs list`. */

import type { Command } from 'commander';
import { type RunRecord, runKind } from '../../shared/runs.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { countText, threeDecimals } from './figures.ts';
import { standingText } from './queueText.ts';
import { tableLines } from './tables.ts';
import { printable } from './terminal.ts';
import { wholeNumber } from './values.ts';

interface ListOptions extends CommonOptions {
  readonly all?: true;
  readonly experiment?: string;
  readonly limit?: string;
}

const COLUMNS = [
  { title: 'run' },
  { title: 'name' },
  { title: 'data set' },
  { title: 'size' },
  { title: 'engine' },
  { title: 'state' },
  { title: 'dev', right: true },
  { title: 'test', right: true },
  { title: 'pairs/s', right: true },
  { title: 'made' },
];

/** "0.784*" where the kept weights were chosen by test labels. */
export function testAccuracyText({ result }: Pick<RunRecord, 'result'>): string {
  return result === null ? '-' : `${threeDecimals(result.testAccuracy)}${result.selectedOnTest ? '*' : ''}`;
}

function rowOf(run: RunRecord): string[] {
  return [
    run.id,
    run.name ?? '',
    `${run.config.dataset.name}${runKind(run.config) === 'pretraining' ? ' (text)' : ''}`,
    run.config.hyperparameters.size,
    run.engine?.engine ?? run.config.engine ?? '',
    standingText(run),
    threeDecimals(run.result?.devAccuracy ?? null),
    testAccuracyText(run),
    run.result === null ? '-' : countText(run.result.pairsPerSecond),
    run.createdAt.slice(0, 16).replace('T', ' '),
  ];
}

function nothingText({ experiment, all }: ListOptions): string {
  if (experiment !== undefined) return `No run of the experiment "${printable(experiment)}".`;
  const archived = all === true ? '' : ' (archived ones: --all)';
  return `No run yet${archived}. Start one: npx --no entail demo, or npx --no entail train --dataset NAME`;
}

export function addRunsList(parent: Command, cli: Cli): void {
  const command = describe(parent.command('list'), {
    summary: 'the training runs, newest first',
    examples: [
      ['runs list', 'state, accuracy and speed of each run'],
      ['runs list --experiment seeds --json', 'the runs of one experiment, as a JSON array'],
    ],
  });
  command
    .option('--all', 'archived runs too')
    .option('--experiment <NAME>', 'only the runs of this experiment')
    .option('--limit <N>', 'only the newest N')
    .action((options: ListOptions) =>
      cli.run(options, async ({ terminal, studio }) => {
        const limit = wholeNumber('--limit', options.limit, { low: 1, high: 1_000_000 });
        const runs = (await studio()).runs.list({
          includeArchived: options.all === true,
          ...(options.experiment === undefined ? {} : { experiment: options.experiment }),
          ...(limit === undefined ? {} : { limit }),
        });
        terminal.document(runs);
        if (runs.length === 0) {
          terminal.line(nothingText(options));
          return undefined;
        }
        for (const line of tableLines(COLUMNS, runs.map(rowOf))) terminal.line(line);
        if (runs.some(({ result }) => result?.selectedOnTest === true)) terminal.line('* selected on test');
        return undefined;
      }),
    );
}
