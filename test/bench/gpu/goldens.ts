/**
 * @file Benchmarks. Compares an engine with the golden fixtures on this machine, as `entail engines test` does, in either
 * precision: `goldens ENGINE PRECISION REPORT all|few`, few where the GPU is one in software. Says each part as it is
 * compared, and writes the report at the end.
 */
import { writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { doctor, openEngine } from '../../../main/engines/registry.ts';
import { goldenChecks, rowOf, trainingRow } from '../../../main/golden/checks.ts';
import { formatEngineTest, verdictText } from '../../../main/golden/engineTestText.ts';
import { describeEnvironment } from '../../../main/studio/environment.ts';
import { projectFolder, readVersion } from '../../../main/version.ts';
import { type ComparedPrecision, ENGINE_NAMES, type EngineName } from '../../../shared/engines.ts';
import type { EngineTestReport, GoldenRow } from '../../../shared/engineTest.ts';

/** Networks and optimizer; the twenty steps of a whole training are left out too. */
const FEW: readonly string[] = ['model_book.json', 'adam.json'];

async function test(
  engine: EngineName,
  precision: ComparedPrecision,
  all: boolean,
): Promise<EngineTestReport> {
  const opened = await openEngine(engine, { dataDirectory: '', precision });
  const underTest = { engine, factory: opened.adamVariables };
  const goldens: GoldenRow[] = [];
  const say = (row: GoldenRow) => {
    const { golden, compared, farthest, relativeError, passes, error } = row;
    const words = [passes ? 'ok     ' : 'OUTSIDE', golden, compared, farthest, relativeError, error ?? ''];
    console.log(words.join('  '));
    goldens.push(row);
  };
  for (const check of goldenChecks(underTest))
    if (all || FEW.includes(check.golden)) say(await rowOf(check, precision));
  const wish = { record: opened.record, onStep: () => {}, precision };
  const trained = all ? await trainingRow(underTest, wish) : null;
  if (trained !== null) say(trained.row);
  const training = trained?.training ?? null;
  const [found] = await doctor({ dataDirectory: '', engines: [engine] });
  const allocated: unknown = Reflect.get(tf.memory(), 'numBytesAllocatedInGPU');
  return {
    ...{ format: 1, testedAt: new Date().toISOString(), engine: opened.record, goldens, training },
    notice: opened.notice ?? null,
    environment: describeEnvironment({ version: readVersion(), root: projectFolder() }),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    deviceMemoryBytes: typeof allocated === 'number' ? allocated : null,
    ...{ findings: found?.findings ?? [], failure: null },
    passes: goldens.every(({ passes }) => passes),
  };
}

const [asked, precision, path, extent] = process.argv.slice(2);
try {
  const engine = ENGINE_NAMES.find((name) => name === asked)!;
  const report = await test(engine, precision as ComparedPrecision, extent === 'all');
  writeFileSync(path!, formatEngineTest(report));
  console.log(verdictText(report));
  process.exitCode = report.passes ? 0 : 1;
} catch (thrown) {
  console.error(thrown);
  console.log(thrown instanceof Error ? thrown.message : String(thrown));
  process.exitCode = 1;
}
// Dawn keeps a process that holds a device.
process.stdout.write('', () => process.exit());
