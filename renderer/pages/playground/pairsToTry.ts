/** @file Runs in the page. Pairs to begin with in the playground: of the test split of the data that a model was trained on. */
import type { Client } from '../../api/client.ts';

export interface Pair {
  readonly premise: string;
  readonly hypothesis: string | null;
}

const LOOKED_AT = 40;
const SHOWN = 4;

/** The first test pair of each label, then others; without the data set, or a test split, pairs of simple English. */
export async function pairsToTry(client: Client, dataset: string): Promise<readonly Pair[]> {
  const page = { name: dataset, split: 'test', text: '', label: null, from: 0, count: LOOKED_AT } as const;
  const rows = await client.request('datasets/rows', page).then(
    (found) => found.rows,
    // It may have been deleted since.
    () => [],
  );
  if (rows.length === 0) return SIMPLE;
  const firstOfLabel = rows.filter(({ label }, at) => rows.findIndex((row) => row.label === label) === at);
  return [...new Set([...firstOfLabel, ...rows])]
    .slice(0, SHOWN)
    .map(({ premise, hypothesis }) => ({ premise: premise.raw, hypothesis: hypothesis?.raw ?? null }));
}

const SIMPLE: readonly Pair[] = [
  { premise: 'A woman is drinking tea.', hypothesis: 'A woman is asleep.' },
  { premise: 'A man is playing a guitar in the park.', hypothesis: 'A man is outdoors.' },
  { premise: 'Two children are running.', hypothesis: 'Nobody is running.' },
];
