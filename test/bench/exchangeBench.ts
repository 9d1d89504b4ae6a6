/**
 * @file Benchmark: what exchanging gradients costs the workers of one run. `node test/bench/exchangeBench.ts [WORKERS]`: steps
 * of the book's bert.small on a batch of 512 pairs with `native`, the processor divided among the workers.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planShares } from '../../main/data/batches.ts';
import { openEngine } from '../../main/engines/registry.ts';
import { initialValues } from '../../main/model/parameters.ts';
import { ClassifierTask } from '../../main/training/classifierTask.ts';
import type { CrewPlace } from '../../main/training/jobs.ts';
import { makeExchangeFolder, removeExchangeFolder } from '../../main/training/parallel/exchangeFolder.ts';
import { type GradientExchange, shareOf } from '../../main/training/parallel/gradientExchange.ts';
import { mappedBytes } from '../../main/training/parallel/mappedExchange.ts';
import { meet } from '../../main/training/parallel/meeting.ts';
import { bookHyperparameters } from './models.ts';
import { pairsOfFile, WORKS, writeBatch } from './works.ts';

const STEPS = 15;
const WARM_STEPS = 2;
const ROUNDS = 3;
const EXCHANGES = ['memory', 'pipe'] as const;

interface Order {
  readonly crew: CrewPlace;
  readonly batch: string;
}

/** Times sums, from when all workers have come to them: waiting for a slower one is no cost of the exchange. */
class TimedExchange {
  ms = 0;
  numbers = 0;
  readonly exchange: GradientExchange;

  constructor(inner: GradientExchange) {
    this.exchange = {
      ...{ rank: inner.rank, ranks: inner.ranks },
      sum: async (parts, waiting) => {
        await inner.sum([new Float32Array(1)], waiting);
        const beganMs = performance.now();
        await inner.sum(parts, waiting);
        this.ms = performance.now() - beganMs;
        this.numbers = parts.reduce((sum, { length }) => sum + length, 0);
      },
      tell: inner.tell.bind(inner),
      hear: inner.hear.bind(inner),
      close: inner.close.bind(inner),
    };
  }
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

async function work({ crew, batch }: Order): Promise<void> {
  const workers = crew.devices.length;
  const { adamVariables } = await openEngine('native', { dataDirectory: '', sharedBy: workers });
  const timed = new TimedExchange(await meet(crew, () => {}));
  const task = new ClassifierTask({
    ...{ config: WORKS.book.model, hyperparameters: bookHyperparameters({ dropout: 0.1 }) },
    ...{ classWeights: null, factory: adamVariables },
    begin: (shape, position) => ({ value: initialValues(shape, position, 0), first: null, second: null }),
  });
  const split = pairsOfFile(JSON.parse(readFileSync(batch, 'utf8')));
  const members = Int32Array.from({ length: split.pairs }, (_, pair) => pair);
  const [stepsMs, exchangesMs]: number[][] = [[], []];
  for (let step = 1; step <= STEPS; step++) {
    const beganMs = performance.now();
    const shares = planShares(split, members, { workers, microBatchTokens: Number.POSITIVE_INFINITY });
    const share = shareOf({ exchange: timed.exchange, waiting: () => {} }, shares);
    const betweenMicroBatches = async () => {};
    const reading = await task.step(shares.flat(), { step, lr: 1e-4, betweenMicroBatches, share });
    await reading.data();
    reading.dispose();
    if (step <= WARM_STEPS) continue;
    stepsMs!.push(performance.now() - beganMs);
    exchangesMs!.push(timed.ms);
  }
  timed.exchange.close();
  if (crew.rank > 0) return;
  const figures = [median(stepsMs!), median(exchangesMs!), Math.min(...exchangesMs!)].map((ms) =>
    ms.toFixed(1),
  );
  const [step, exchange, least] = figures;
  console.log(
    `${workers} workers, ${crew.exchange}: ${step} ms a step; ${timed.numbers} numbers exchanged in ${exchange} ms (least ${least})`,
  );
}

async function lead(workers: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'entail-bench-'));
  const batch = join(folder, 'batch.json');
  try {
    const { what, tokens } = await writeBatch(batch, WORKS.book.pairs);
    console.log(`bert.small, ${WORKS.book.pairs} pairs of ${what}, ${tokens} tokens`);
    for (let round = 0; round < ROUNDS; round++)
      for (const exchange of EXCHANGES) await measured(workers, exchange, batch);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measured(workers: number, exchange: CrewPlace['exchange'], batch: string): Promise<void> {
  const folder = makeExchangeFolder(mappedBytes(workers));
  const devices = new Array<'cpu'>(workers).fill('cpu');
  const children = devices.map((_, rank) => {
    const child = fork(import.meta.filename, [], { stdio: 'inherit' });
    child.send({ crew: { rank, devices, folder, exchange }, batch } satisfies Order);
    return new Promise((resolve) => child.once('exit', resolve));
  });
  await Promise.all(children);
  removeExchangeFolder(folder);
}

if (process.send === undefined) await lead(Number(process.argv[2] ?? 2));
else process.once('message', (order) => void work(order as Order).then(() => process.exit(0)));
