/** @file Runs under Node. `entail datasets delete`: says what would go, asks, deletes. */
import type { Command } from 'commander';
import { StudioError } from '../../shared/errors.ts';
import type { QueueListing } from '../studio/storedQueue.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { EXIT_FAILED } from './failure.ts';
import { countOf, sizeText } from './figures.ts';
import { printable } from './terminal.ts';

interface DeleteOptions extends CommonOptions {
  readonly yes?: true;
}

/** "used by the runs a, b and 3 more", or nothing. */
export function usedByText(runIds: readonly string[]): string {
  if (runIds.length === 0) return 'no run refers to it';
  const named = runIds.slice(0, 5).join(', ');
  return `${countOf(runIds.length, 'run')} ${runIds.length === 1 ? 'refers' : 'refer'} to it: ${named}${runIds.length > 5 ? ', …' : ''}`;
}

/** A run that trains reads its examples, and one that waits is going to. */
function refuseInWork(dataset: string, runIds: readonly string[], { running, waiting }: QueueListing): void {
  const user = [...running, ...waiting].find(({ id }) => runIds.includes(id));
  if (user === undefined) return;
  throw new StudioError('LOCKED', `Run ${user.id} trains on "${dataset}", or waits to.`, {
    nextStep: `Wait until it is done, or stop it; a waiting one: npx --no entail queue remove ${user.id}`,
  });
}

export function addDatasetsDelete(parent: Command, cli: Cli): void {
  const command = describe(parent.command('delete <NAME>'), {
    summary: 'delete an imported data set (the file it came from stays)',
    details:
      'Shows what would go, its size and the runs that refer to it, and asks first. Runs keep their figures.',
    examples: [
      ['datasets delete reviews', 'asks before anything goes'],
      ['datasets delete reviews --yes', 'does not ask: for scripts'],
    ],
  });
  command.option('--yes', 'do not ask').action((name: string, options: DeleteOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const { datasets, queue } = await studio();
      const { exampleBytes, tokenCacheBytes } = datasets.size(name);
      const runs = datasets.usedBy(name);
      refuseInWork(name, runs, queue.show());
      const size = sizeText(exampleBytes + tokenCacheBytes);
      terminal.line(
        `The data set ${printable(name)} takes ${size} (examples ${sizeText(exampleBytes)}, encoded tokens ${sizeText(tokenCacheBytes)}); ${usedByText(runs)}.`,
      );
      if (runs.length > 0)
        terminal.line('These runs keep their figures; resuming or evaluating them needs the data set again.');
      terminal.event('plan', { dataset: name, exampleBytes, tokenCacheBytes, runs });
      if (!(await terminal.confirm('Delete it?', { yes: options.yes === true }))) return EXIT_FAILED;
      datasets.delete(name);
      terminal.line(`Deleted; ${size} are free again.`);
      terminal.event('result', { deleted: name, freedBytes: exampleBytes + tokenCacheBytes });
      return undefined;
    }),
  );
}
