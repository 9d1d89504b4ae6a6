/** @file Runs under Node. `entail models show`: what an imported model is, and where it comes from. */
import type { Command } from 'commander';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { modelLines, modelNextStep } from './modelText.ts';

export function addModelsShow(parent: Command, cli: Cli): void {
  const command = describe(parent.command('show <NAME>'), {
    summary: 'one imported model: network, head, tokenizer, licence, origin',
    examples: [
      ['models show minilm', 'everything but its weights'],
      ['models show minilm --json', 'the same as a JSON object'],
    ],
  });
  command.action((name: string, options: CommonOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const { models } = await studio();
      const model = models.require(name);
      const runs = models.usedBy(name);
      terminal.document({ ...model, folder: models.folder(name), runs });
      for (const line of modelLines(model)) terminal.line(line);
      if (runs.length > 0) terminal.line(`runs that began from it: ${runs.join(', ')}`);
      terminal.line(`\n${modelNextStep(model)}`);
      return undefined;
    }),
  );
}
