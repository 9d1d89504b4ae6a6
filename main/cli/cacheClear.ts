/** @file Runs under Node. `entail cache clear`: encoded tokens go, data sets stay. */
import type { Command } from 'commander';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { EXIT_FAILED } from './failure.ts';
import { sizeText } from './figures.ts';

interface ClearOptions extends CommonOptions {
  readonly yes?: true;
}

export function addCacheClear(parent: Command, cli: Cli): void {
  const command = describe(parent.command('clear'), {
    summary: 'delete the encoded tokens (they are made again when needed)',
    details:
      'Shows what would go, its size and the runs that used it, and asks first. Data sets and runs stay.',
    examples: [
      ['cache clear', 'asks before anything goes'],
      ['cache clear --yes', 'does not ask: for scripts'],
    ],
  });
  command.option('--yes', 'do not ask').action((options: ClearOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const { datasets } = await studio();
      const sizeBytes = datasets.tokenCacheBytes();
      const runs = datasets.runsOfAll();
      const told =
        runs.length === 0
          ? 'no run refers to their data sets'
          : `runs of these data sets: ${runs.slice(0, 5).join(', ')}${runs.length > 5 ? ', …' : ''}`;
      terminal.line(
        `The encoded tokens take ${sizeText(sizeBytes)}; ${told}. They are made again when a run needs them.`,
      );
      terminal.event('plan', { tokenCacheBytes: sizeBytes, runs });
      const sure = sizeBytes === 0 || (await terminal.confirm('Delete them?', { yes: options.yes === true }));
      if (!sure) return EXIT_FAILED;
      datasets.clearTokenCaches();
      terminal.line(
        sizeBytes > 0 ? `Deleted; ${sizeText(sizeBytes)} are free again.` : 'There was nothing to delete.',
      );
      terminal.event('result', { freedBytes: sizeBytes });
      return undefined;
    }),
  );
}
