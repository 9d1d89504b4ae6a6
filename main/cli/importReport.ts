/** @file Runs anywhere. An import report as text: rows, rejected rows, lengths, unknown words. Pure functions. */
import { type Dataset, type ImportReport, SPLITS } from '../../shared/datasets.ts';
import { countOf, countText, durationText, shareText } from './figures.ts';
import { histogramLines, tableLines } from './tables.ts';
import { printable, type Terminal } from './terminal.ts';

type Painter = Pick<Terminal, 'paint'>;

function rowsTable({ labels, splits }: ImportReport): string[] {
  const columns = [
    { title: 'split' },
    { title: 'rows', right: true },
    ...labels.map((title) => ({ title: printable(title), right: true })),
  ];
  return tableLines(
    columns,
    splits.map(({ split, rows, labelCounts }) => [split, countText(rows), ...labelCounts.map(countText)]),
  );
}

/** Rows that were not taken, by reason, each with its first places. */
export function rejectedLines({ rejected }: Pick<ImportReport, 'rejected'>): string[] {
  return rejected.map(({ reason, count, first }) => {
    const places = first.map(({ file, line }) => `${file} line ${line}`).join(', ');
    return printable(`rejected ${countOf(count, 'row')}: ${reason} (first: ${places})`);
  });
}

function mappingLine({ mapping }: ImportReport): string {
  const columns = [
    `premise = ${mapping.premise}`,
    mapping.hypothesis === null ? 'one text column' : `hypothesis = ${mapping.hypothesis}`,
    `label = ${mapping.label}`,
    mapping.split === null ? null : `split = ${mapping.split}`,
  ].filter((part) => part !== null);
  const words = Object.entries(mapping.labels).filter(([word, label]) => word !== label);
  const how = mapping.format.startsWith('snli-')
    ? "SNLI's own layout"
    : mapping.guessed
      ? 'guessed'
      : 'as given';
  const labels =
    words.length === 0 ? '' : `; labels: ${words.map(([word, label]) => `${word} -> ${label}`).join(', ')}`;
  return printable(`${mapping.format}, ${how}: ${columns.join(', ')}${labels}`);
}

function oddities(report: ImportReport): string[] {
  const lines = rejectedLines(report);
  if (report.unlabelledRows > 0)
    lines.push(`${countOf(report.unlabelledRows, 'row')} without an agreed label (-), left out`);
  if (report.duplicateRows > 0) lines.push(`${countOf(report.duplicateRows, 'duplicate row')}`);
  for (const { splits, pairs } of report.acrossSplits) {
    if (pairs > 0) lines.push(`${countOf(pairs, 'pair')} of ${splits[1]} also in ${splits[0]}`);
  }
  const ignored = report.ignoredFiles ?? [];
  if (ignored.length > 0) {
    const names = `${ignored.slice(0, 5).join(', ')}${ignored.length > 5 ? ', …' : ''}`;
    lines.push(
      printable(`left out ${countOf(ignored.length, 'file')} beside those that were read: ${names}`),
    );
  }
  if (report.madeSplits !== null) {
    const shares = report.madeSplits.shares.map((share) => shareText(share, 0)).join(' / ');
    lines.push(
      `the file had no splits: made train/dev/test of ${shares}, stratified, seed ${report.madeSplits.seed}`,
    );
  }
  return lines;
}

function lengthLines({ lengthHistogram, lengthQuantiles: quantiles }: ImportReport): string[] {
  const bars = lengthHistogram
    .filter(({ pairs }) => pairs > 0)
    .map(({ from, to, pairs }) => ({ label: to === null ? `${from}+` : `${from}-${to}`, count: pairs }));
  const { median, p95, p99, max } = quantiles;
  return [
    `words a pair, special tokens included: median ${median}, 95 % up to ${p95}, 99 % up to ${p99}, longest ${max}`,
    ...histogramLines(bars),
  ];
}

/** Shares of words, of the splits that are there; without a training split there is no vocabulary to speak of. */
function unknownWordLines({ rows, report }: Dataset): string[] {
  const { minFrequency, vocabularySize, dev, test } = report.unknownTokenShare;
  const shares = [
    ...(rows.dev > 0 ? [`dev ${shareText(dev)}`] : []),
    ...(rows.test > 0 ? [`test ${shareText(test)}`] : []),
  ];
  if (rows.train === 0 || shares.length === 0) return [];
  const vocabulary = `min_freq ${minFrequency}, ${countText(vocabularySize)} entries`;
  return [`words that a training vocabulary (${vocabulary}) does not know: ${shares.join(', ')}`];
}

/** What a person can do with a data set next: train on it, or evaluate on it when it has no training split. */
export function nextStepLine({ name, rows }: Dataset): string {
  const word = /^[\w.-]+$/.test(name) ? name : JSON.stringify(name);
  if (rows.train > 0) return `Train on it: npx --no entail train --dataset ${word}`;
  const split = rows.test > 0 ? 'test' : 'dev';
  return `It has no training split: models can be evaluated on it (npx --no entail evaluate RUN --dataset ${word} --split ${split}), not trained.`;
}

/** Everything an import found, for a person. */
export function importReportLines(dataset: Dataset, terminal: Painter): string[] {
  const { report } = dataset;
  const paint: Painter['paint'] = (style, text) => terminal.paint(style, text);
  const total = SPLITS.reduce((sum, split) => sum + dataset.rows[split], 0);
  return [
    paint('bold', `${printable(dataset.name)}: ${countOf(total, 'row')}`) +
      ` in ${durationText(report.importedInMs / 1000)} from ${printable(dataset.source)}`,
    mappingLine(report),
    '',
    ...rowsTable(report),
    '',
    ...oddities(report).map((line) => paint('yellow', line)),
    ...lengthLines(report),
    ...unknownWordLines(dataset),
  ];
}
