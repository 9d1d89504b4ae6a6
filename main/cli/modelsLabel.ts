/** @file Runs under Node. `entail models label`: says what the outputs of an imported head mean. */
import type { Command } from 'commander';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { labelsFrom } from './modelLabels.ts';
import { modelNextStep } from './modelText.ts';
import { printable } from './terminal.ts';

interface LabelOptions extends CommonOptions {
  readonly labels: string;
}

export function addModelsLabel(parent: Command, cli: Cli): void {
  const command = describe(parent.command('label <NAME>'), {
    summary: 'say what the outputs of a head mean that does not name them',
    details: 'For a model that said LABEL_0 when it was imported; it can be asked and evaluated then.',
    examples: [
      [
        'models label my-nli --labels LABEL_0=contradiction,LABEL_1=entailment,LABEL_2=neutral',
        'in the order of its file',
      ],
    ],
  });
  command
    .requiredOption('--labels <PAIRS>', 'what each output means: LABEL_0=NAME,LABEL_1=NAME')
    .action((name: string, options: LabelOptions) =>
      cli.run(options, async ({ terminal, interruption, studio }) => {
        const { models } = await studio();
        const model = await models.label(name, labelsFrom(options.labels), { signal: interruption.stop });
        terminal.line(`${printable(name)} answers ${model.head!.labels!.map(printable).join(', ')}.`);
        terminal.line(modelNextStep(model));
        terminal.event('result', { model });
        return undefined;
      }),
    );
}
