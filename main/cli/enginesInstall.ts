/** @file Runs under Node. `entail engines install`. */
import type { Command } from 'commander';
import type { InstallProgress } from '../engines/tensorflow/install.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { sizeText } from './figures.ts';
import { downloadProgressText } from './progressText.ts';
import type { Terminal } from './terminal.ts';
import { requireInstallable } from './values.ts';

interface InstallOptions extends CommonOptions {
  readonly cuda?: true;
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
    .option('--keep-downloads', 'keep the downloaded files for another machine or another try')
    .action((name: string, options: InstallOptions) =>
      cli.run(options, async ({ terminal, interruption, studio }) => {
        const engine = requireInstallable(name);
        const { engines } = await studio();
        const { installation, alreadyThere, usesGpu } = await engines.installTensorflow({
          cuda: options.cuda === true,
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
        terminal.line(`See for yourself: npx --no entail engines doctor --engine ${engine}`);
        terminal.event('result', {
          engine,
          folder: installation.folder,
          sizeBytes: installation.sizeBytes,
          alreadyThere,
          usesGpu,
        });
        return undefined;
      }),
    );
}
