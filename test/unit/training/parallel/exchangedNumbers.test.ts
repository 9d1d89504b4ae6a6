/** @file Tests. What workers exchange in a step: of the token table, the rows of the batch's own tokens and no others. */
import { beforeAll, expect, it } from 'vitest';
import { planShares } from '../../../../main/data/batches.ts';
import { type OpenEngine, openEngine } from '../../../../main/engines/registry.ts';
import { TOKEN_TABLE } from '../../../../main/model/parameters.ts';
import { type GradientExchange, shareOf } from '../../../../main/training/parallel/gradientExchange.ts';
import { crewHere, ignored } from '../../../support/crewForTests.ts';
import { makeTask, someSplit } from '../../../support/smallTask.ts';

const VOCABULARY = 500;
const WORKERS = 2;

let engine: OpenEngine;
beforeAll(async () => {
  engine = await openEngine('cpu', { dataDirectory: '' });
});

/** The same exchange; `onSum` is told how many numbers it was given. */
function counted(exchange: GradientExchange, onSum: (numbers: number) => void): GradientExchange {
  return {
    ...{ rank: exchange.rank, ranks: exchange.ranks },
    sum: async (parts, waiting) => {
      onSum(parts.reduce((sum, { length }) => sum + length, 0));
      await exchange.sum(parts, waiting);
    },
    tell: (order, waiting) => exchange.tell(order, waiting),
    hear: (waiting) => exchange.hear(waiting),
    close: () => exchange.close(),
  };
}

/** One step of a network with `VOCABULARY` rows in its table, on the first pairs of `someSplit`. */
async function stepOnFirst(pairs: number) {
  const split = someSplit();
  const members = Int32Array.from({ length: pairs }, (_, pair) => pair);
  const shares = planShares(split, members, { microBatchTokens: 0, workers: WORKERS });
  const exchanged: number[] = [];
  const crew = await crewHere(WORKERS, 'pipe');
  const tasks = crew.map(() =>
    makeTask({ dropout: 0 }, engine.adamVariables, { model: { vocabularySize: VOCABULARY } }),
  );
  await Promise.all(
    crew.map(async (exchange, rank) => {
      const watched = counted(exchange, (numbers) => exchanged.push(numbers));
      const share = shareOf({ exchange: watched, waiting: ignored }, shares);
      const options = { step: 1, lr: 0.01, betweenMicroBatches: async () => {}, share };
      (await tasks[rank]!.step(shares.flat(), options)).dispose();
    }),
  );
  const tokens = new Set(shares.flat().flatMap(({ ids }) => [...ids]));
  return { exchanged, tasks, tokens };
}

it.each([2, 8])('a step on %d pairs sends the rows of their distinct tokens only', async (pairs) => {
  const { exchanged, tasks, tokens } = await stepOnFirst(pairs);
  const [task] = tasks;
  const dense = task!.shapes.filter(({ name }) => name !== TOKEN_TABLE);
  const [, width] = task!.shapes.find(({ name }) => name === TOKEN_TABLE)!.shape;
  const denseNumbers = dense.reduce(
    (sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1),
    0,
  );
  // Loss and right answers; and of every tensor that is summed whether a worker has it.
  const figures = 2;
  const presences = 1 + dense.length + 1;
  const rows = tokens.size * width!;
  expect(exchanged).toEqual(new Array(WORKERS).fill(presences + figures + denseNumbers + rows));
  for (const one of tasks) {
    // Rows that nobody sent have no gradient: their moments are what they were.
    const { first } = await one.moments(TOKEN_TABLE);
    const moved = Array.from({ length: VOCABULARY }, (_, id) => id).filter((id) =>
      first.subarray(id * width!, (id + 1) * width!).some((value) => value !== 0),
    );
    expect(moved).toEqual([...tokens].sort((a, b) => a - b));
    one.dispose();
  }
});
