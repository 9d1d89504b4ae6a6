/** @file Runs under Node. `entail runs delete`: says what would go, asks, deletes. */
import type { Command } from 'commander';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { EXIT_FAILED } from './failure.ts';
import { countOf, sizeText } from './figures.ts';

interface DeleteOptions extends CommonOptions {
  readonly yes?: true;
}

export function addRunsDelete(parent: Command, cli: Cli): void {
  const command = describe(parent.command('delete <RUNS...>'), {
    summary: 'delete runs with their metrics and checkpoints',
    details: 'Shows what would go and its size, and asks first.',
    examples: [
      ['runs delete r7f3k2', 'asks before anything goes'],
      ['runs delete r7f3k2 r7f3k9 --yes', 'does not ask: for scripts'],
    ],
  });
  command.option('--yes', 'do not ask').action((ids: readonly string[], options: DeleteOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const { runs } = await studio();
      // The same run can be named twice, also by two beginnings of its id.
      const found = new Set(ids.map((id) => runs.find(id).id));
      const going = [...found].map((id) => ({ id, size: runs.size(id) }));
      const bytesOf = ({ size }: (typeof going)[number]) => size.checkpointBytes + size.databaseBytes;
      for (const run of going) {
        const { size } = run;
        terminal.line(
          `run ${run.id}: ${countOf(size.metricPoints, 'metric point')}, ${countOf(size.evaluations, 'evaluation')}, ${countOf(size.checkpoints, 'checkpoint')}; ${sizeText(bytesOf(run))}`,
        );
      }
      const freedBytes = going.reduce((sum, run) => sum + bytesOf(run), 0);
      terminal.event('plan', { runs: going, freedBytes });
      const question = going.length === 1 ? 'Delete it?' : `Delete these ${going.length} runs?`;
      if (!(await terminal.confirm(question, { yes: options.yes === true }))) return EXIT_FAILED;
      for (const { id } of going) runs.delete(id);
      terminal.line(`Deleted; ${sizeText(freedBytes)} are free again.`);
      terminal.event('result', { deleted: going.map(({ id }) => id), freedBytes });
      return undefined;
    }),
  );
}
