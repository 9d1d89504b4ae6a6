/** @file Runs under Node. `entail datasets show`: the import report, and a few examples. */
import type { Command } from 'commander';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { importReportLines } from './importReport.ts';
import { printable } from './terminal.ts';
import { splitFrom, wholeNumber } from './values.ts';

interface ShowOptions extends CommonOptions {
  readonly examples?: string;
  readonly split?: string;
}

const MOST_EXAMPLES = 1000;

export function addDatasetsShow(parent: Command, cli: Cli): void {
  const command = describe(parent.command('show <NAME>'), {
    summary: 'what an import found: rows, labels, lengths, rejected rows',
    examples: [
      ['datasets show snli', 'the report of the import'],
      ['datasets show snli --examples 10 --split dev', 'the report, and the first ten dev pairs'],
    ],
  });
  command
    .option('--examples <N>', `show the first N examples too (0 to ${MOST_EXAMPLES}; default 0)`)
    .option('--split <SPLIT>', 'which split the examples come from: train, dev or test (default: train)')
    .action((name: string, options: ShowOptions) =>
      cli.run(options, async ({ terminal, studio }) => {
        const count = wholeNumber('--examples', options.examples, { low: 0, high: MOST_EXAMPLES }) ?? 0;
        const split = splitFrom(options.split ?? 'train');
        const { datasets } = await studio();
        const dataset = datasets.require(name);
        const examples = datasets.examples(dataset.id, split, { from: 0, count });
        terminal.document(count === 0 ? dataset : { ...dataset, examples });
        for (const line of importReportLines(dataset, terminal)) terminal.line(line);
        for (const { index, premise, hypothesis, label } of examples) {
          terminal.line(
            `\n${split} ${index}: ${terminal.paint('bold', printable(dataset.labels[label] ?? String(label)))}`,
          );
          terminal.line(`  ${printable(premise.raw)}`);
          if (hypothesis !== null) terminal.line(`  ${printable(hypothesis.raw)}`);
        }
        return undefined;
      }),
    );
}
