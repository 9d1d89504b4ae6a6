/**
 * @file Benchmarks. The training worker, with a clock at its door: how long its reports keep it. It writes what it
 * measured into the file named by ENTAIL_BENCH_FILE when it ends.
 */
import { writeFileSync } from 'node:fs';

export interface LoggingFigures {
  readonly calls: number;
  readonly callSeconds: number;
}

const send = process.send?.bind(process);
if (send === undefined) throw new Error('This is started by the benchmark.');
let calls = 0;
let callMs = 0;
process.send = ((...words: Parameters<typeof send>) => {
  const from = performance.now();
  const sent = send(...words);
  callMs += performance.now() - from;
  calls++;
  return sent;
}) as NonNullable<typeof process.send>;
process.on('exit', () => {
  const figures: LoggingFigures = { calls, callSeconds: callMs / 1000 };
  writeFileSync(process.env['ENTAIL_BENCH_FILE']!, JSON.stringify(figures));
});
await import('../../../main/training/worker.ts');
