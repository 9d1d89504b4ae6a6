/** @file Tests. Metrics as files: what was measured comes back from each of them, by readers of other people where they are. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import { expect, it } from 'vitest';
import { crc32c, maskedCrc32c } from '../../../main/export/metrics/crc32c.ts';
import type { MetricCurve } from '../../../main/export/metrics/curves.ts';
import { metricsParquet } from '../../../main/export/metrics/parquetFile.ts';
import { eventFileName, tensorboardEvents } from '../../../main/export/metrics/tensorboardEvents.ts';
import { metricsCsv, metricsJson } from '../../../main/export/metrics/textFiles.ts';
import { parseCurves } from '../../../main/export/runFile/metricsInJson.ts';
import { pythonWith, runPython } from '../../support/pythonWith.ts';
import { samplePoints } from '../../support/sampleRun.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

function curve(metric: MetricCurve['metric'], count: number): MetricCurve {
  const points = samplePoints(metric, 1, count);
  return {
    metric,
    steps: Int32Array.from(points, ({ step }) => step),
    epochs: Float64Array.from(points, ({ epoch }) => epoch),
    values: Float64Array.from(points, ({ value, step }) => (step === 3 ? Number.NaN : value)),
    atMs: Float64Array.from(points, ({ atMs }) => atMs),
  };
}

const CURVES = [curve('step/loss', 300), curve('test/accuracy', 3)];
const NAMED = { runId: 'r1abcd', name: '=cmd|"a", b', curves: CURVES };
const whole = (chunks: Iterable<Uint8Array>) => Buffer.concat([...chunks]);

it('keeps every point in CSV, safe to open in a spreadsheet', () => {
  const rows = parse(whole(metricsCsv(NAMED)), { columns: true }) as Record<string, string>[];
  expect(rows).toHaveLength(303);
  expect(rows[0]!['name']).toBe(`'${NAMED.name}`);
  expect(Number(rows[299]!['value'])).toBe(CURVES[0]!.values[299]);
  expect(rows[2]!['value']).toBe('NaN');
  expect(new Date(rows[0]!['time']!).getTime()).toBe(CURVES[0]!.atMs[0]);
});

it('keeps every point in JSON, read back to the bit', () => {
  const read = parseCurves(whole(metricsJson(NAMED)).toString('utf8'), 'a test');
  expect(read).toEqual(CURVES);
});

it('keeps every point in Parquet, with their types', async () => {
  const { buffer, byteOffset, byteLength } = metricsParquet(NAMED);
  const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  const rows = await parquetReadObjects({ file });
  expect(rows).toHaveLength(303);
  expect(rows[299]).toMatchObject({
    ...{ run: 'r1abcd', metric: 'step/loss', step: 300, value: CURVES[0]!.values[299] },
    time: new Date(CURVES[0]!.atMs[299]!),
  });
  expect(rows[2]!['value']).toBeNaN();
});

it('sums as CRC-32C has it', () => {
  // The check value of every table of CRCs, and RFC 3720's 32 zero bytes.
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(maskedCrc32c(new Uint8Array(32))).toBe(
    (((0x8a9136aa >>> 15) | (0x8a9136aa << 17)) + 0xa282ead8) >>> 0,
  );
});

it('writes events that TensorBoard reads', ({ skip }) => {
  const python = pythonWith(['tensorboard'], skip);
  const folder = join(temporaryFolder(), 'run');
  mkdirSync(folder);
  const firstAtMs = CURVES[0]!.atMs[0]!;
  writeFileSync(join(folder, eventFileName(firstAtMs)), whole(tensorboardEvents(CURVES, firstAtMs)));
  const script = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0})
events.Reload()
print(json.dumps({tag: [[e.step, e.wall_time, e.value if e.value == e.value else None] for e in events.Scalars(tag)] for tag in events.Tags()['scalars']}))`;
  const { stdout, stderr, status } = runPython(python, script, [folder]);
  expect(status, stderr).toBe(0);
  const read = JSON.parse(stdout) as Record<string, [number, number, number | null][]>;
  for (const { metric, steps, values, atMs } of CURVES)
    expect(read[metric]).toEqual(
      Array.from(steps, (step, at) => [
        step,
        atMs[at]! / 1000,
        Number.isNaN(values[at]) ? null : Math.fround(values[at]!),
      ]),
    );
});
