/** @file Runs under Node. `entail models download`: a model of a hub, or one of the book's, fetched and imported. */
import type { Command } from 'commander';
import type { ModelDownloadPlan } from '../models/download/downloadProgress.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { sizeText } from './figures.ts';
import { labelsFrom } from './modelLabels.ts';
import { sentencesFrom } from './modelsImport.ts';
import { modelLines, modelNextStep } from './modelText.ts';
import { downloadProgressText, fractionText } from './progressText.ts';
import { tableLines } from './tables.ts';
import { printable } from './terminal.ts';

interface DownloadOptions extends CommonOptions {
  readonly name?: string;
  readonly labels?: string;
  readonly sentences?: string;
  readonly licence?: string;
}

function planLines({ origin, files, licence }: ModelDownloadPlan): string[] {
  const known = files.filter(({ sizeBytes }) => sizeBytes !== null);
  const totalBytes = known.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
  const rows = known.map(({ path, sizeBytes }) => [printable(path), sizeText(sizeBytes ?? 0)]);
  const total = known.length === 0 ? '' : `, ${sizeText(totalBytes)}`;
  return [
    printable(`${origin}${total}, ${licence === null ? 'no licence stated' : `licence ${licence}`}`),
    ...(rows.length === 0 ? [] : tableLines([{ title: 'file' }, { title: 'size', right: true }], rows)),
    '',
  ];
}

export function addModelsDownload(parent: Command, cli: Cli): void {
  const command = describe(parent.command('download <WHICH>'), {
    summary: "fetch a model of a hub (hf:OWNER/NAME) or the book's bert.small or bert.base, and import it",
    details:
      'Only what is needed of it is fetched: configuration, weights, tokenizer and card. The download is resumable, and\n' +
      'every file is compared with its sum. HF_ENDPOINT names a mirror, HF_TOKEN (or the file that the login of the\n' +
      "hub's tools writes) who you are; HTTPS_PROXY is honoured.\n" +
      'Without a network: bring a folder, and use "models import".',
    examples: [
      ['models download hf:google-bert/bert-base-uncased', 'BERT, at what its branch is today'],
      ['models download hf:sentence-transformers/all-MiniLM-L6-v2@main --name minilm', 'under another name'],
      ['models download bert.small', "the book's pretrained model"],
    ],
  });
  command
    .option('--name <NAME>', 'what the model is called from now on (default: as where it comes from)')
    .option('--labels <PAIRS>', 'what each output of its head means: LABEL_0=NAME,LABEL_1=NAME')
    .option('--sentences <N>', 'whether its head reads 1 sentence or 2 (default: 2)')
    .option('--licence <WORDS>', 'its licence, where nothing states one')
    .action((which: string, options: DownloadOptions) =>
      cli.run(options, async ({ terminal, interruption, studio }) => {
        const request = {
          ...(options.name === undefined ? {} : { name: options.name }),
          labels: options.labels === undefined ? null : labelsFrom(options.labels),
          sentences: sentencesFrom(options.sentences),
          licence: options.licence ?? null,
        };
        const { models } = await studio();
        const startedMs = performance.now();
        const model = await models.download(which, {
          ...request,
          signal: interruption.stop,
          onProgress: (progress) => {
            const elapsedSeconds = (performance.now() - startedMs) / 1000;
            if (progress.step === 'plan') for (const line of planLines(progress.plan)) terminal.line(line);
            else if (progress.step === 'download')
              terminal.showLive(downloadProgressText({ what: which, elapsedSeconds, ...progress }));
            else terminal.showLive(`importing ${fractionText(progress.fraction)}`);
            terminal.event('progress', progress);
          },
        });
        for (const line of modelLines(model)) terminal.line(line);
        terminal.line(`\n${modelNextStep(model)}`);
        terminal.event('result', { model });
        return undefined;
      }),
    );
}
