/** @file Runs under Node. `entail datasets download`: fetches a known data set, or one of a hub, and imports it. */
import type { Command } from 'commander';
import type { HubDatasetPlan } from '../data/downloadHubDataset.ts';
import { isHubReference } from '../hub/hubReference.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { mappingFrom } from './datasetsImport.ts';
import { countOf, sizeText } from './figures.ts';
import { importReportLines, nextStepLine } from './importReport.ts';
import { downloadProgressText, importProgressText } from './progressText.ts';
import { printable } from './terminal.ts';

interface DownloadOptions extends CommonOptions {
  readonly name?: string;
  readonly config?: string;
  readonly split?: readonly string[];
  readonly mapping?: string;
  readonly labels?: string;
}

/** What will be fetched from a hub. */
function planLine({ origin, config, splits, leftOut, files, totalBytes, license }: HubDatasetPlan): string {
  const rest = leftOut.length === 0 ? '' : `; left out: ${leftOut.join(', ')}`;
  const terms = license === null ? 'no licence named' : `licence ${license}`;
  return printable(
    `${origin}, ${config}: ${splits.join(', ')} in ${countOf(files, 'file')}, ${sizeText(totalBytes)}, ${terms}${rest}`,
  );
}

export function addDatasetsDownload(parent: Command, cli: Cli): void {
  const command = describe(parent.command('download'), {
    summary: 'fetch a known data set (snli) or one of a hub (hf:OWNER/NAME) and import it',
    details:
      'The download is resumable and its checksums are compared before anything is read. Of a hub the Parquet files are\n' +
      'taken, its own or those that the hub made of it. HF_ENDPOINT names a mirror, HF_TOKEN (or the file that the\n' +
      "login of the hub's tools writes) who you are; HTTPS_PROXY is honoured.\n" +
      'Without a network: get the file elsewhere and use "datasets import".',
    examples: [
      ['datasets download snli', 'the Stanford Natural Language Inference corpus, 94.6 MB'],
      ['datasets download snli --name snli-full', 'under another name'],
      ['datasets download hf:nyu-mll/glue --config mnli --name mnli', 'one part of a data set of the hub'],
      ['datasets download hf:jhu-cogsci/hans --split validation --name hans', 'one of its splits'],
    ],
  });
  command
    .argument('<WHICH>', 'the data set: snli, or hf:OWNER/NAME[@REVISION]')
    .option('--name <NAME>', 'what the data set is called from now on (default: as where it comes from)')
    .option('--config <NAME>', "which part of a hub's data set that holds several")
    .option(
      '--split <NAME>',
      'one of its splits, as the hub calls it; may be repeated (default: all for training, dev and test)',
      (name: string, before: readonly string[] = []) => [...before, name],
    )
    .option('--mapping <PAIRS>', 'which column is what, as for "datasets import"')
    .option('--labels <PAIRS>', 'what each label in the file is called: WORD=NAME,WORD=NAME')
    .action((which: string, options: DownloadOptions) =>
      cli.run(options, async ({ terminal, interruption, studio }) => {
        const mapping = mappingFrom(options);
        const { datasets } = await studio();
        const startedMs = performance.now();
        const { name = isHubReference(which) ? undefined : which, config, split: splits } = options;
        const dataset = await datasets.download(which, {
          ...(name === undefined ? {} : { name }),
          ...(config === undefined ? {} : { config }),
          ...(splits === undefined ? {} : { splits }),
          ...(mapping === undefined ? {} : { mapping }),
          signal: interruption.stop,
          onProgress: (progress) => {
            const elapsedSeconds = (performance.now() - startedMs) / 1000;
            if (progress.step === 'plan') terminal.line(planLine(progress.plan));
            else if (progress.step === 'download')
              terminal.showLive(downloadProgressText({ what: which, elapsedSeconds, ...progress }));
            else terminal.showLive(importProgressText(progress));
            terminal.event('progress', progress);
          },
        });
        for (const line of importReportLines(dataset, terminal)) terminal.line(line);
        terminal.line(`\n${nextStepLine(dataset)}`);
        terminal.event('result', { dataset });
        return undefined;
      }),
    );
}
