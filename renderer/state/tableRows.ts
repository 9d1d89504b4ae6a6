/** @file Runs in the page. Rows of the column-wise table of runs put in, replaced and taken out. Pure. */
import type { MetricColumn, RunsTable, SettingColumn } from '../../shared/contract/runs.ts';

export function emptyTable(): RunsTable {
  return {
    ...{ ids: [], names: [], experiments: [], states: [], tags: [], notes: [], archived: [], colours: [] },
    ...{
      createdAtMs: [],
      finishedAtMs: [],
      durationSeconds: [],
      replicateKeys: [],
      errors: [],
      progress: [],
    },
    ...{ selectedOnTest: [], settings: [], metrics: [] },
  };
}

const PLAIN = [
  ...(['ids', 'names', 'experiments', 'states', 'tags', 'notes', 'archived', 'colours'] as const),
  ...([
    'createdAtMs',
    'finishedAtMs',
    'durationSeconds',
    'replicateKeys',
    'errors',
    'progress',
    'selectedOnTest',
  ] as const),
];

export function withoutRows(table: RunsTable, gone: ReadonlySet<string>): RunsTable {
  const kept = table.ids.flatMap((id, row) => (gone.has(id) ? [] : [row]));
  return kept.length === table.ids.length ? table : picked(table, kept);
}

/** `asked` were asked for: those that `fresh` lacks are gone. New runs come first, newest on top, as in the whole table. */
export function withRows(table: RunsTable, asked: readonly string[], fresh: RunsTable): RunsTable {
  const wanted = new Set(asked);
  const known = new Map(table.ids.map((id, row) => [id, row]));
  const places = new Map(fresh.ids.map((id, row) => [id, row]));
  const added = fresh.ids.filter((id) => !known.has(id)).sort((one, other) => (one < other ? 1 : -1));
  const stayed = table.ids.filter((id) => !wanted.has(id) || places.has(id));
  const order = [...added, ...stayed];
  /** Row in the fresh table, or that of the old one counted from -1 downwards. */
  const sources = order.map((id) => places.get(id) ?? -1 - known.get(id)!);
  const merged = Object.fromEntries(
    PLAIN.map((key) => [
      key,
      sources.map((source) => (source >= 0 ? fresh[key][source] : table[key][-1 - source])),
    ]),
  ) as unknown as Omit<RunsTable, 'settings' | 'metrics'>;
  return {
    ...merged,
    settings: mergedSettings(table.settings, fresh.settings, sources),
    metrics: mergedMetrics(table.metrics, fresh.metrics, sources),
  };
}

function picked(table: RunsTable, rows: readonly number[]): RunsTable {
  const plain = Object.fromEntries(PLAIN.map((key) => [key, rows.map((row) => table[key][row])]));
  return {
    ...(plain as unknown as Omit<RunsTable, 'settings' | 'metrics'>),
    settings: table.settings.map(({ key, values, codes }) => ({
      key,
      values,
      codes: rows.map((row) => codes[row]!),
    })),
    metrics: table.metrics.map(({ key, values }) => ({
      key,
      values: Float64Array.from(rows, (row) => values[row]!),
    })),
  };
}

function mergedSettings(
  old: readonly SettingColumn[],
  fresh: readonly SettingColumn[],
  sources: readonly number[],
): SettingColumn[] {
  const byKey = new Map(fresh.map((column) => [column.key, column]));
  const keys = [...new Set([...old.map(({ key }) => key), ...byKey.keys()])];
  return keys.map((key) => {
    const before = old.find((column) => column.key === key);
    const after = byKey.get(key);
    const values = [...(before?.values ?? [])];
    const translated = (after?.values ?? []).map((value) => {
      const place = values.indexOf(value);
      return place === -1 ? values.push(value) - 1 : place;
    });
    const codes = sources.map((source) => {
      if (source < 0) return before?.codes[-1 - source] ?? -1;
      const code = after?.codes[source] ?? -1;
      return code === -1 ? -1 : translated[code]!;
    });
    return { key, values, codes };
  });
}

function mergedMetrics(
  old: readonly MetricColumn[],
  fresh: readonly MetricColumn[],
  sources: readonly number[],
): MetricColumn[] {
  const before = new Map(old.map(({ key, values }) => [key, values]));
  const after = new Map(fresh.map(({ key, values }) => [key, values]));
  return [...new Set([...before.keys(), ...after.keys()])].map((key) => ({
    key,
    values: Float64Array.from(
      sources,
      (source) => (source >= 0 ? after.get(key)?.[source] : before.get(key)?.[-1 - source]) ?? Number.NaN,
    ),
  }));
}
