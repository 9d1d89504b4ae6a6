/** @file Entry "engineTest": the process in which an engine is compared with the golden fixtures, and trains twenty steps. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { nvidiaSmiProcesses } from '../engines/nvidiaSmi.ts';
import { openEngine } from '../engines/registry.ts';
import { entriesHere } from '../entries.ts';
import { type ChildPort, isChildProcess, openChildPort } from '../training/childPort.ts';
import { startHeartbeat } from '../training/heartbeat.ts';
import { goldenChecks, rowOf, trainingRow } from './checks.ts';
import type { EngineTestAnswer, EngineTestOrder } from './engineTestMessages.ts';

/** The share of the bar that the comparisons are given; the steps of training are the rest. */
const COMPARED_SHARE = 0.5;

async function test(order: EngineTestOrder, port: ChildPort<EngineTestAnswer>, beat: () => void) {
  const { engine, dataDirectory, threads, device, precision } = order;
  const opened = await openEngine(engine, {
    ...{ dataDirectory, device, beat, precision, untried: true },
    ...(threads === null ? {} : { threads }),
  });
  const { record, adamVariables: factory, notice = null } = opened;
  port.answer({ kind: 'opened', record, notice });
  const tell = (fraction: number, note: string) => {
    beat();
    port.answer({ kind: 'progress', fraction, note });
  };
  const checks = goldenChecks({ engine, factory });
  for (const [position, check] of checks.entries()) {
    tell((position / checks.length) * COMPARED_SHARE, `${check.golden}: ${check.compared}`);
    port.answer({ kind: 'compared', row: await rowOf(check, precision) });
    await nextTurn();
  }
  const onStep = (share: number) =>
    tell(COMPARED_SHARE + share * (1 - COMPARED_SHARE), 'training twenty steps');
  onStep(0);
  const trained = await trainingRow({ engine, factory }, { record, onStep, precision });
  port.answer({ kind: 'trained', ...trained });
  port.end({
    kind: 'finished',
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    deviceMemoryBytes: await deviceMemoryBytes(record.device),
  });
}

/** What the engine says that it has allocated on a device of its own, or what the driver says that this process holds. */
async function deviceMemoryBytes(device: string): Promise<number | null> {
  const allocated = Reflect.get(tf.memory(), 'numBytesAllocatedInGPU');
  if (typeof allocated === 'number') return allocated;
  if (!device.startsWith('cuda')) return null;
  const processes = await nvidiaSmiProcesses();
  return processes?.find(({ pid }) => pid === process.pid)?.memoryBytes ?? null;
}

function main(): void {
  const heartbeat = startHeartbeat(entriesHere().path('heartbeat'));
  const port = openChildPort<EngineTestOrder, EngineTestAnswer>(
    (order, answerTo) => test(order, answerTo, () => heartbeat.beat()),
    (error) => ({ kind: 'failed', error }),
  );
  port.answer({ kind: 'ready' });
}

if (isChildProcess()) main();
