/** @file Runs under Node. `entail runs compare`: what differs in configuration, and the metrics side by side. */

import type { Command } from 'commander';
import type { ComparedValue, ComparisonRow } from '../../shared/comparison.ts';
import { StudioError } from '../../shared/errors.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { tableLines } from './tables.ts';

interface CompareOptions extends CommonOptions {
  readonly all?: true;
}

/** A number that means something to the store and to scripts only. */
const INTERNAL_SETTING = 'dataset.id';
const SELECTED_ON_TEST = 'result.selectedOnTest';
const SHOWN_HASH_CHARACTERS = 12;
/** Figures of a result, and the metrics whose last values they often are. */
const REPEATED: ReadonlyMap<string, string> = new Map([
  ['result.trainLoss', 'epoch/trainLoss'],
  ['result.trainAccuracy', 'epoch/trainAccuracy'],
  ['result.testAccuracy', 'test/accuracy'],
  ['result.devAccuracy', 'dev/accuracy'],
]);

function cell(value: ComparedValue): string {
  if (value === null) return '-';
  if (typeof value === 'string' && /^[0-9a-f]{40,}$/.test(value))
    return value.slice(0, SHOWN_HASH_CHARACTERS);
  return typeof value === 'number' && !Number.isInteger(value)
    ? String(Number(value.toPrecision(6)))
    : String(value);
}

function tableOf(title: string, ids: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return tableLines([{ title }, ...ids.map((id) => ({ title: id, right: true }))], rows);
}

/** Metrics as a person reads them: each figure once, and those of a run that was selected on test marked so. */
export function metricLines(ids: readonly string[], metrics: readonly ComparisonRow[]): string[] {
  const byKey = new Map(metrics.map((row) => [row.key, row]));
  const repeats = ({ key, values }: ComparisonRow) => {
    const metric = REPEATED.get(key);
    if (metric === undefined) return false;
    // A metric that no run has is no row, and neither is the figure that it would have given.
    const latest = byKey.get(metric)?.values ?? [];
    return values.every((value, index) => Object.is(value, latest[index] ?? null));
  };
  const selected = byKey.get(SELECTED_ON_TEST)?.values ?? [];
  const shown = metrics.filter((row) => row.key !== SELECTED_ON_TEST && !repeats(row));
  const rows = shown.map(({ key, values }) => {
    const ofTest = key.startsWith('test/') || key === 'result.testAccuracy';
    const mark = (index: number) => (ofTest && selected[index] === true ? '*' : '');
    return [key, ...values.map((value, index) => (value === null ? '-' : cell(value) + mark(index)))];
  });
  const said = selected.includes(true) ? ['* selected on test'] : [];
  return [...tableOf('metric', ids, rows), ...said];
}

/** Settings as a person reads them. */
export function settingLines(ids: readonly string[], settings: readonly ComparisonRow[]): string[] {
  const shown = settings.filter(({ key }) => key !== INTERNAL_SETTING);
  if (shown.length === 0) return ['The settings are the same.'];
  const rows = shown.map(({ key, values }) => [key, ...values.map(cell)]);
  return tableOf('setting', ids, rows);
}

function tooFew(): StudioError {
  return new StudioError('USAGE', 'One run alone has nothing to be compared with.', {
    nextStep: 'Name two or more: npx --no entail runs list shows which there are.',
  });
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
        const { runs } = await studio();
        // The same run can be named twice, also by two beginnings of its id.
        const named = [...new Set(ids.map((id) => runs.find(id).id))];
        if (named.length < 2) throw tooFew();
        const comparison = runs.compare(named);
        const settings =
          options.all === true ? comparison.settings : comparison.settings.filter(({ differs }) => differs);
        terminal.document({ ...comparison, settings });
        const found = comparison.runs.map(({ id }) => id);
        for (const { id, name, state } of comparison.runs)
          terminal.line(`${id}  ${state}${name === null ? '' : `  ${name}`}`);
        terminal.line();
        for (const line of settingLines(found, settings)) terminal.line(line);
        terminal.line();
        for (const line of metricLines(found, comparison.metrics)) terminal.line(line);
        return undefined;
      }),
    );
}
