/** @file Runs under Node. `entail engines install`. */
import type { Command } from 'commander';
import type { InstallPlan } from '../engines/tensorflow/fetchWheels.ts';
import type { InstallProgress } from '../engines/tensorflow/install.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { sizeText } from './figures.ts';
import { downloadProgressText } from './progressText.ts';
import { tableLines } from './tables.ts';
import type { Terminal } from './terminal.ts';
import { requireInstallable } from './values.ts';

interface InstallOptions extends CommonOptions {
  readonly cuda?: true;
  readonly anyway?: true;
  readonly keepDownloads?: true;
}

/** A live line on a terminal, one line a step elsewhere. */
function progressTeller(terminal: Terminal): (progress: InstallProgress) => void {
  let told = '';
  const startedMs = performance.now();
  return (progress) => {
    const { phase, what, doneBytes, totalBytes } = progress;
    terminal.event('progress', progress);
    const step = `${phase} ${what}`;
    if (step !== told) terminal.line(step);
    told = step;
    const elapsedSeconds = (performance.now() - startedMs) / 1000;
    if (totalBytes > 0)
      terminal.showLive(
        downloadProgressText({ what: phase, receivedBytes: doneBytes, totalBytes, elapsedSeconds }),
      );
  };
}

/** What will be fetched, and how much it is, before it is fetched. */
function tellPlan(terminal: Terminal, plan: InstallPlan): void {
  const { wheels, downloadBytes, unpackedBytes } = plan;
  terminal.event('plan', plan);
  const columns = [{ title: 'wheel' }, { title: 'version' }, { title: 'size', right: true }, { title: '' }];
  const rows = wheels.map(({ project, version, sizeBytes, isThere }) => [
    ...[project, version, sizeText(sizeBytes)],
    isThere ? 'there already' : '',
  ]);
  for (const line of tableLines(columns, rows)) terminal.line(line);
  const fetched = downloadBytes === 0 ? 'Nothing is fetched' : `${sizeText(downloadBytes)} are fetched`;
  terminal.line(`${fetched}; ${sizeText(unpackedBytes)} are kept.`);
}

export function addEnginesInstall(parent: Command, cli: Cli): void {
  const command = describe(parent.command('install <NAME>'), {
    summary: 'install an engine that does not come with npm (tensorflow)',
    details:
      'Fetches the TensorFlow library with pip (274 MB; with --cuda some gigabytes), compares its checksums and compiles\n' +
      'a small binding. Needs Python 3 with pip and a C++ compiler. Run it again to go on after an interruption.',
    examples: [
      ['engines install tensorflow', 'TensorFlow for this processor'],
      ['engines install tensorflow --cuda', 'TensorFlow for an NVIDIA GPU'],
    ],
  });
  command
    .option('--cuda', 'for an NVIDIA GPU')
    .option('--anyway', 'with --cuda: also where no GPU can be used, such as the login node of a cluster')
    .option('--keep-downloads', 'keep the downloaded files for another machine or another try')
    .action((name: string, options: InstallOptions) =>
      cli.run(options, async ({ terminal, interruption, studio }) => {
        const engine = requireInstallable(name);
        const { engines } = await studio();
        const { installation, alreadyThere, usesGpu, gpuTrouble } = await engines.installTensorflow({
          cuda: options.cuda === true,
          anyway: options.anyway === true,
          onPlan: (plan) => tellPlan(terminal, plan),
          keepDownloads: options.keepDownloads === true,
          signal: interruption.stop,
          onProgress: progressTeller(terminal),
        });
        const where = `${installation.folder} (${sizeText(installation.sizeBytes)})`;
        terminal.line(
          alreadyThere
            ? `${engine} is installed already: ${where}`
            : `Installed ${engine}: ${where}${usesGpu === true ? ', on the GPU' : ''}`,
        );
        if (gpuTrouble !== null)
          terminal.notice(`It computes on the processor, not on the GPU: ${gpuTrouble}.`);
        terminal.line(`See for yourself: npx --no entail engines doctor --engine ${engine}`);
        terminal.event('result', {
          engine,
          folder: installation.folder,
          sizeBytes: installation.sizeBytes,
          alreadyThere,
          usesGpu,
          gpuTrouble,
        });
        return undefined;
      }),
    );
}
