/** @file Runs under Node. `entail datasets download`: fetches a known data set and imports it. */
import type { Command } from 'commander';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { importReportLines } from './importReport.ts';
import { downloadProgressText, importProgressText } from './progressText.ts';

interface DownloadOptions extends CommonOptions {
  readonly name?: string;
}

export function addDatasetsDownload(parent: Command, cli: Cli): void {
  const command = describe(parent.command('download'), {
    summary: 'fetch a known data set (snli) and import it',
    details:
      'The download is resumable and its checksum is compared before anything is unpacked. HTTPS_PROXY is honoured.\n' +
      'Without a network: get the file elsewhere and use "datasets import".',
    examples: [
      ['datasets download snli', 'the Stanford Natural Language Inference corpus, 94.6 MB'],
      ['datasets download snli --name snli-full', 'under another name'],
    ],
  });
  command
    .argument('<WHICH>', 'the data set: snli')
    .option('--name <NAME>', 'what the data set is called from now on (default: snli)')
    .action((which: string, options: DownloadOptions) =>
      cli.run(options, async ({ terminal, interruption, studio }) => {
        const { datasets } = await studio();
        const startedMs = performance.now();
        const dataset = await datasets.download(which, {
          name: options.name ?? which,
          signal: interruption.stop,
          onProgress: (progress) => {
            const elapsedSeconds = (performance.now() - startedMs) / 1000;
            terminal.showLive(
              progress.step === 'download'
                ? downloadProgressText({ what: which, elapsedSeconds, ...progress })
                : importProgressText(progress),
            );
            terminal.event('progress', progress);
          },
        });
        for (const line of importReportLines(dataset, terminal)) terminal.line(line);
        terminal.line(`\nTrain on it: npx --no entail train --dataset ${dataset.name}`);
        terminal.event('result', { dataset });
        return undefined;
      }),
    );
}
