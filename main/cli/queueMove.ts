/** @file Runs under Node. `entail queue move`. */
import { type Command, Option } from 'commander';
import { StudioError } from '../../shared/errors.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';

interface MoveOptions extends CommonOptions {
  readonly to: string;
}

/** Where "back" is, however many wait. */
const LAST = Number.MAX_SAFE_INTEGER;

function placeFrom(given: string): number {
  if (given === 'front') return 1;
  if (given === 'back') return LAST;
  const place = /^\d+$/.test(given) ? Number(given) : 0;
  if (place >= 1 && place <= LAST) return place;
  throw new StudioError('USAGE', `--to must be front, back, or a place from 1; "${given}" is not.`, {
    nextStep: 'npx --no entail queue list shows the places.',
  });
}

export function addQueueMove(parent: Command, cli: Cli): void {
  const command = describe(parent.command('move <RUN>'), {
    summary: 'give a waiting run another place',
    examples: [
      ['queue move r7f3k2 --to front', 'it is the next one'],
      ['queue move r7f3k2 --to 3', 'third; the others keep their order'],
    ],
  });
  command
    .addOption(
      new Option(
        '--to <PLACE>',
        'front, back, or a place counted from 1 (past the end: the back)',
      ).makeOptionMandatory(),
    )
    .action((run: string, options: MoveOptions) =>
      cli.run(options, async ({ terminal, studio }) => {
        const to = placeFrom(options.to);
        const { queue } = await studio();
        const runId = queue.move(run, to);
        const place = queue.placeOf(runId);
        // Only a studio that starts it at this very moment leaves it without a place.
        terminal.line(`Run ${runId} ${place === null ? 'starts' : `waits at place ${place}`}.`);
        terminal.event('result', { runId, place });
        return undefined;
      }),
    );
}
