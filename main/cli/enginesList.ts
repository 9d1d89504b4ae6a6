/** @file Runs under Node. `entail engines list`: which engines there are, and which one would be chosen. */
import type { Command } from 'commander';
import { OFFERED_ENGINES } from '../../shared/engines.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { tableLines } from './tables.ts';

export function addEnginesList(parent: Command, cli: Cli): void {
  const command = describe(parent.command('list'), {
    summary: 'the engines, best first, and whether they work here',
    examples: [
      ['engines list', 'one line an engine'],
      ['engines list --json', 'the same as a JSON array'],
    ],
  });
  command.action((options: CommonOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const { engines } = await studio();
      const reports = await engines.doctor(OFFERED_ENGINES);
      const best = await engines.best();
      const chosen = reports.find(({ engine, verdict }) => engine === best && verdict === 'ready')?.engine;
      terminal.document(
        reports.map(({ engine, verdict, summary, nextStep }) => ({
          engine,
          verdict,
          chosen: engine === chosen,
          summary,
          nextStep,
        })),
      );
      const columns = [{ title: 'engine' }, { title: 'verdict' }, { title: '' }];
      const rows = reports.map(({ engine, verdict, summary }) => [
        engine === chosen ? `${engine} *` : engine,
        verdict,
        summary,
      ]);
      for (const line of tableLines(columns, rows)) terminal.line(line);
      terminal.line(
        chosen === undefined ? '\nNo engine works here.' : '\n* is chosen unless --engine says otherwise.',
      );
      for (const { nextStep } of reports) if (nextStep !== '') terminal.line(`next: ${nextStep}`);
      return undefined;
    }),
  );
}
