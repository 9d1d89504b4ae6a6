/** @file Runs under Node. `entail datasets list`. */
import type { Command } from 'commander';
import { SPLITS } from '../../shared/datasets.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { countText } from './figures.ts';
import { tableLines } from './tables.ts';

export function addDatasetsList(parent: Command, cli: Cli): void {
  const command = describe(parent.command('list'), {
    summary: 'the imported data sets',
    examples: [
      ['datasets list', 'names, rows and labels'],
      ['datasets list --json', 'the same as a JSON array'],
    ],
  });
  command.action((options: CommonOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const datasets = (await studio()).datasets.list();
      terminal.document(datasets);
      if (datasets.length === 0) {
        terminal.line('No data set yet. Import one: npx --no entail datasets import PATH --name NAME');
        return undefined;
      }
      const columns = [
        { title: 'name' },
        ...SPLITS.map((title) => ({ title, right: true })),
        { title: 'labels' },
        { title: 'imported' },
      ];
      const rows = datasets.map((dataset) => [
        dataset.name,
        ...SPLITS.map((split) => countText(dataset.rows[split])),
        dataset.labels.join(', '),
        dataset.importedAt.slice(0, 10),
      ]);
      for (const line of tableLines(columns, rows)) terminal.line(line);
      return undefined;
    }),
  );
}
