/** @file Runs under Node. `entail models list`. */
import type { Command } from 'commander';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { countText, sizeText } from './figures.ts';
import { headText, networkText } from './modelText.ts';
import { tableLines } from './tables.ts';
import { printable } from './terminal.ts';

export function addModelsList(parent: Command, cli: Cli): void {
  const command = describe(parent.command('list'), {
    summary: 'the imported models',
    details: 'Every run is a model too: "runs list" shows those.',
    examples: [
      ['models list', 'names, networks and heads'],
      ['models list --json', 'the same as a JSON array'],
    ],
  });
  command.action((options: CommonOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const { models, damaged } = (await studio()).models.list();
      terminal.document(models);
      for (const { name, error } of damaged) terminal.notice(`${name}: ${error.message}`);
      if (models.length === 0) {
        terminal.line('No model yet. Import one: npx --no entail models import PATH --name NAME');
        return undefined;
      }
      const columns = [
        { title: 'name' },
        { title: 'family' },
        { title: 'network' },
        { title: 'parameters', right: true },
        { title: 'size', right: true },
        { title: 'head' },
      ];
      const rows = models.map((model) => [
        ...[printable(model.name), model.family, networkText(model.model)],
        ...[countText(model.parameters), sizeText(model.sizeBytes), headText(model.head)],
      ]);
      for (const line of tableLines(columns, rows)) terminal.line(line);
      return undefined;
    }),
  );
}
