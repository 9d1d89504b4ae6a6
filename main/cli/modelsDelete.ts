/** @file Runs under Node. `entail models delete`: says what would go, asks, deletes. */
import type { Command } from 'commander';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { usedByText } from './datasetsDelete.ts';
import { EXIT_FAILED } from './failure.ts';
import { sizeText } from './figures.ts';
import { printable } from './terminal.ts';

interface DeleteOptions extends CommonOptions {
  readonly yes?: true;
}

export function addModelsDelete(parent: Command, cli: Cli): void {
  const command = describe(parent.command('delete <NAME>'), {
    summary: 'delete an imported model (the files it came from stay)',
    details: 'Runs that began from it keep their own weights. Refused while one waits or trains.',
    examples: [
      ['models delete minilm', 'asks before anything goes'],
      ['models delete minilm --yes', 'does not ask: for scripts'],
    ],
  });
  command.option('--yes', 'do not ask').action((name: string, options: DeleteOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const { models } = await studio();
      const sizeBytes = models.sizeOf(name);
      const runs = models.usedBy(name);
      models.requireFree(name);
      terminal.line(`The model ${printable(name)} takes ${sizeText(sizeBytes)}; ${usedByText(runs)}.`);
      terminal.event('plan', { model: name, sizeBytes, runs });
      if (!(await terminal.confirm('Delete it?', { yes: options.yes === true }))) return EXIT_FAILED;
      models.delete(name);
      terminal.line(`Deleted; ${sizeText(sizeBytes)} are free again.`);
      terminal.event('result', { deleted: name, freedBytes: sizeBytes });
      return undefined;
    }),
  );
}
