/** @file Runs under Node. `entail engines uninstall`: says what would go, asks, removes. */
import type { Command } from 'commander';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { EXIT_FAILED } from './failure.ts';
import { sizeText } from './figures.ts';
import { requireInstallable } from './values.ts';

interface UninstallOptions extends CommonOptions {
  readonly yes?: true;
}

export function addEnginesUninstall(parent: Command, cli: Cli): void {
  const command = describe(parent.command('uninstall <NAME>'), {
    summary: 'remove an installed engine',
    details: 'Shows what would go and its size, and asks first. Runs that were trained with it stay.',
    examples: [
      ['engines uninstall tensorflow', 'asks before anything goes'],
      ['engines uninstall tensorflow --yes', 'does not ask: for scripts'],
    ],
  });
  command.option('--yes', 'do not ask').action((name: string, options: UninstallOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const engine = requireInstallable(name);
      const { engines } = await studio();
      const parts = await engines.tensorflowParts();
      const freedBytes = parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      for (const { what, folder, sizeBytes } of parts)
        terminal.line(`${what}: ${folder}, ${sizeText(sizeBytes)}`);
      terminal.event('plan', { engine, parts, freedBytes });
      const sure =
        parts.length === 0 || (await terminal.confirm('Remove it?', { yes: options.yes === true }));
      if (!sure) return EXIT_FAILED;
      await engines.uninstallTensorflow();
      terminal.line(
        parts.length === 0
          ? `${engine} is not installed.`
          : `Removed; ${sizeText(freedBytes)} are free again.`,
      );
      terminal.event('result', { engine, removed: parts, freedBytes });
      return undefined;
    }),
  );
}
