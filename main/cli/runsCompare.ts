/** @file Runs under Node. `entail runs compare`: what differs in configuration, and the metrics side by side. */
import type { Command } from 'commander';
import type { ComparedValue, ComparisonRow } from '../db/compare.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { tableLines } from './tables.ts';

interface CompareOptions extends CommonOptions {
  readonly all?: true;
}

function cell(value: ComparedValue): string {
  if (value === null) return '-';
  return typeof value === 'number' && !Number.isInteger(value)
    ? String(Number(value.toPrecision(6)))
    : String(value);
}

function tableOf(title: string, ids: readonly string[], rows: readonly ComparisonRow[]): string[] {
  const columns = [{ title }, ...ids.map((id) => ({ title: id, right: true }))];
  return tableLines(
    columns,
    rows.map(({ key, values }) => [key, ...values.map(cell)]),
  );
}

export function addRunsCompare(parent: Command, cli: Cli): void {
  const command = describe(parent.command('compare <RUNS...>'), {
    summary: 'what differs between runs, and their metrics side by side',
    details: 'Settings that are the same in all runs are left out; --all shows them too.',
    examples: [
      ['runs compare r7f3k2 r7f3k9', 'two runs'],
      ['runs compare r7f3k2 r7f3k9 r7f3ka --all --json', 'every setting of three runs, as JSON'],
    ],
  });
  command
    .option('--all', 'settings that are the same too')
    .action((ids: readonly string[], options: CompareOptions) =>
      cli.run(options, async ({ terminal, studio }) => {
        const comparison = (await studio()).runs.compare(ids);
        const settings =
          options.all === true ? comparison.settings : comparison.settings.filter(({ differs }) => differs);
        terminal.document({ ...comparison, settings });
        const found = comparison.runs.map(({ id }) => id);
        for (const { id, name, state } of comparison.runs)
          terminal.line(`${id}  ${state}${name === null ? '' : `  ${name}`}`);
        terminal.line();
        if (settings.length === 0) terminal.line('The settings are the same.');
        else for (const line of tableOf('setting', found, settings)) terminal.line(line);
        terminal.line();
        for (const line of tableOf('metric', found, comparison.metrics)) terminal.line(line);
        return undefined;
      }),
    );
}
