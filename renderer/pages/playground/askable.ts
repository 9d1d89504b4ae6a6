/** @file Runs in the page. Models that can be asked: runs with weights, and imported models that say what their outputs mean. */
import type { Client } from '../../api/client.ts';
import { hrefTo } from '../../router/router.svelte.ts';

export interface Askable {
  /** A run's id, or an imported model's name. */
  readonly run: string;
  readonly name: string | null;
  /** 0 to 7 */
  readonly colour: number;
  /** Null for an imported model. */
  readonly dataset: string | null;
  readonly labels: readonly string[];
  readonly pairs: boolean;
  /** Its page. */
  readonly href: string;
}

/** Of imported models, which no run's colour belongs to. */
const IMPORTED_COLOUR = 7;

/** Runs as the studio ranks them, then imported models. */
export async function askableModels(client: Client): Promise<Askable[]> {
  const [runs, { models }] = await Promise.all([
    client.request('models/list', {}),
    client.request('models/imported', {}),
  ]);
  return [
    ...runs.map(({ run, name, colour, dataset, labels, pairs }) => ({
      ...{ run, name, colour, dataset, labels, pairs },
      href: hrefTo('runs', run),
    })),
    ...models.flatMap(({ name, head }) =>
      head === null || head.labels === null
        ? []
        : [
            {
              ...{ run: name, name, colour: IMPORTED_COLOUR, dataset: null, labels: head.labels },
              pairs: head.sentences === 2,
              href: hrefTo('models', name),
            },
          ],
    ),
  ];
}
