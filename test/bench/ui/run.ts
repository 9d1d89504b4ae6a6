/**
 * @file Benchmarks. `npm run bench:ui`: what a person waits for in a large studio, measured in a real Chromium over the
 * production build and a generated store. Nothing else should run meanwhile.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPagesIfNeeded } from '../../../main/start/buildPages.ts';
import type { UiFigure } from './figures.ts';
import { measureLongCurve, measureManyCurves } from './measureCurves.ts';
import { measureLive } from './measureLive.ts';
import { measureLogging } from './measureLogging.ts';
import { measureReturn } from './measureReturn.ts';
import { measureTable } from './measureTable.ts';

const PARTS: ReadonlyMap<string, (folder: string) => Promise<UiFigure[]>> = new Map([
  ['table', measureTable],
  ['long', measureLongCurve],
  ['many', measureManyCurves],
  ['live', measureLive],
  ['return', measureReturn],
  ['logging', measureLogging],
]);

const HELP = `Measures the studio's pages over a large generated store, in a real Chromium.

Usage: npm run -s bench:ui -- [options]
  --only PART   ${[...PARTS.keys()].join(', ')} (can be given several times)
  --json        one JSON object on stdout
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(HELP);
else await measure(values.only ?? [...PARTS.keys()]);

async function measure(parts: readonly string[]): Promise<void> {
  await buildPagesIfNeeded((line) => console.error(line));
  const figures: UiFigure[] = [];
  for (const part of parts) {
    const act = PARTS.get(part);
    if (act === undefined)
      throw new Error(`There is no part "${part}"; there are ${[...PARTS.keys()].join(', ')}.`);
    const folder = mkdtempSync(join(tmpdir(), 'entail-bench-ui-'));
    try {
      const measured = await act(folder);
      figures.push(...measured);
      if (!values.json) for (const figure of measured) console.log(lineOf(figure));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  if (values.json) console.log(JSON.stringify({ figures }));
}

function lineOf({ what, value, median, bar, unit, note }: UiFigure): string {
  const text = (figure: number) => figure.toFixed(figure < 10 ? 2 : 0).padStart(7);
  const kept = value <= bar ? 'kept  ' : 'MISSED';
  return `${kept} ${text(value)} ${unit} (median ${text(median)}, bar ${bar})  ${what}${note === undefined ? '' : ` – ${note}`}`;
}
