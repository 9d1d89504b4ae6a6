/** @file Runs under Node. `entail models import`: a model that others have trained, from its files. */
import type { Command } from 'commander';
import { StudioError } from '../../shared/errors.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { labelsFrom } from './modelLabels.ts';
import { modelLines, modelNextStep } from './modelText.ts';
import { fractionText } from './progressText.ts';
import { wholeNumber } from './values.ts';

interface ImportOptions extends CommonOptions {
  readonly name: string;
  readonly labels?: string;
  readonly heads?: string;
  readonly layers?: string;
  readonly sentences?: string;
  readonly licence?: string;
}

const MOST = 512;

export function addModelsImport(parent: Command, cli: Cli): void {
  const command = describe(parent.command('import <PATH>'), {
    summary: "import a Hugging Face folder of the BERT family, or the book's archive",
    details:
      'PATH is a folder with config.json, model.safetensors or pytorch_model.bin, and vocab.txt or tokenizer.json\n' +
      "(BERT of every size, MiniLM, DistilBERT), or the book's zip or folder of vocab.json and pretrained.params.\n" +
      'Nothing in it is run. The files are copied: they may go afterwards.',
    examples: [
      ['models import all-MiniLM-L6-v2 --name minilm', 'a folder from a model hub'],
      ['models import bert.small.torch.zip --name bert.small', "the book's pretrained model"],
      [
        'models import my-nli --name my-nli --labels LABEL_0=contradiction,LABEL_1=entailment,LABEL_2=neutral',
        'a head that does not name its outputs',
      ],
    ],
  });
  command
    .requiredOption('--name <NAME>', 'what the model is called from now on')
    .option('--labels <PAIRS>', 'what each output of its head means: LABEL_0=NAME,LABEL_1=NAME')
    .option('--sentences <N>', 'whether its head reads 1 sentence or 2 (default: 2)')
    .option('--heads <N>', "attention heads of a book's model whose shapes are of no named size")
    .option('--layers <N>', "layers that a book's model must have (default: those in its file)")
    .option('--licence <WORDS>', 'its licence, where its files do not state one')
    .action((path: string, options: ImportOptions) =>
      cli.run(options, async ({ terminal, interruption, studio }) => {
        const request = {
          ...{ path, name: options.name, origin: null, licence: options.licence ?? null },
          labels: options.labels === undefined ? null : labelsFrom(options.labels),
          sentences: sentencesFrom(options.sentences),
          heads: wholeNumber('--heads', options.heads, { low: 1, high: MOST }) ?? null,
          layers: wholeNumber('--layers', options.layers, { low: 1, high: MOST }) ?? null,
        };
        const { models } = await studio();
        const model = await models.import(request, {
          signal: interruption.stop,
          onProgress: (fraction) => {
            terminal.showLive(`importing ${fractionText(fraction)}`);
            terminal.event('progress', { fraction });
          },
        });
        for (const line of modelLines(model)) terminal.line(line);
        terminal.line(`\n${modelNextStep(model)}`);
        terminal.event('result', { model });
        return undefined;
      }),
    );
}

/** @throws StudioError USAGE. */
export function sentencesFrom(given: string | undefined): 1 | 2 {
  if (given === undefined || given === '2') return 2;
  if (given === '1') return 1;
  throw new StudioError('USAGE', `--sentences must be 1 or 2; "${given}" is not.`, {
    nextStep: 'A model of inference reads 2: leave --sentences out.',
  });
}
