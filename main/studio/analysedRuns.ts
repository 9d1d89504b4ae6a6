/**
 * @file Runs under Node. Stored predictions beside the examples they are of, as columns in memory. Examples are analysed
 * once for all runs that share them; predictions are read again when they have changed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Dataset, SPLITS, type Split } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import type { RunRecord } from '../../shared/runs.ts';
import { type ExampleColumns, ExampleColumnsBuilder } from '../analysis/exampleColumns.ts';
import { type PredictionColumns, predictionColumns } from '../analysis/predictionColumns.ts';
import type { Cache } from '../data/cache.ts';
import { findDataset } from '../data/datasets.ts';
import { blockCount, readBlockTexts } from '../data/exampleBlocks.ts';
import { predictedSplits, predictions, predictionsVersion } from '../db/predictions.ts';
import { findRun } from '../db/runs.ts';
import type { Databases } from './databases.ts';
import { datasetGone, datasetOfRun } from './datasetOfRun.ts';
import { BLOCKS_A_TURN } from './exampleText.ts';
import { RecentlyUsed } from './recentlyUsed.ts';

/** What a run predicted on a split, and on what. */
export interface AnalysedSplit {
  readonly run: RunRecord;
  readonly dataset: Dataset;
  readonly split: Split;
  /** After which the predictions were made. */
  readonly step: number;
  /** Changes with the predictions. */
  readonly version: string;
  readonly examples: ExampleColumns;
  readonly predictions: PredictionColumns;
}

interface StoredPredictions {
  readonly version: string;
  readonly step: number;
  readonly columns: PredictionColumns;
}

/** Splits and runs that are kept: half a million pairs take about 8 MB a split and 10 MB a run. */
const KEPT_SPLITS = 3;
const KEPT_RUNS = 6;

export class AnalysedRuns {
  readonly #databases: Databases;
  readonly #examples = new RecentlyUsed<Promise<ExampleColumns>>(KEPT_SPLITS);
  readonly #predictions = new RecentlyUsed<StoredPredictions>(KEPT_RUNS);

  constructor(databases: Databases) {
    this.#databases = databases;
  }

  find(idOrPrefix: string): RunRecord {
    return findRun(this.#databases.store(), idOrPrefix);
  }

  /**
   * @throws StudioError NOT_FOUND without predictions or without the data set; CHECKSUM_MISMATCH when the data set is not
   * the one that was predicted.
   */
  async analysed(run: RunRecord, split: Split): Promise<AnalysedSplit> {
    const stored = this.#predictionsOf(run, split);
    const dataset = datasetOfRun(this.#databases.cache(), run);
    const { columns, step, version } = stored;
    const pairs = columns.predicted.length;
    if (pairs !== dataset.rows[split] || columns.classes !== dataset.labels.length)
      throw new StudioError(
        'CHECKSUM_MISMATCH',
        `Run ${run.id} predicted ${pairs} pairs; the ${split} split of ${dataset.name} has ${dataset.rows[split]}.`,
        { nextStep: 'Train the run again on this data set.' },
      );
    const examples = await this.#examples.getOrMake(`${dataset.contentHash} ${split}`, () =>
      this.#analyse(run, dataset, split),
    );
    return { run, dataset, split, step, version, examples, predictions: columns };
  }

  #predictionsOf({ id }: RunRecord, split: Split): StoredPredictions {
    const store = this.#databases.store();
    const version = predictionsVersion(store, id, split);
    const known = this.#predictions.get(`${id} ${split}`);
    if (version === null) throw noPredictions(id, split, predictedSplits(store, id));
    if (known?.version === version) return known;
    const block = predictions(store, id, split);
    if (block === null) throw noPredictions(id, split, []);
    const stored = { version, step: block.step, columns: predictionColumns(block) };
    this.#predictions.set(`${id} ${split}`, stored);
    return stored;
  }

  async #analyse(run: RunRecord, dataset: Dataset, split: Split): Promise<ExampleColumns> {
    const cache = this.#databases.cache();
    try {
      return await exampleColumnsOf(cache, dataset, split);
    } catch (thrown) {
      // Deleted while it was read: its blocks are missing then, which would be damage otherwise.
      if (findDataset(cache, dataset.name)?.id !== dataset.id) throw datasetGone(run);
      throw thrown;
    }
  }
}

async function exampleColumnsOf(cache: Cache, { id, rows }: Dataset, split: Split): Promise<ExampleColumns> {
  const builder = new ExampleColumnsBuilder(rows[split]);
  const place = { datasetId: id, splitNumber: SPLITS.indexOf(split), form: 'tokens' } as const;
  let read = 0;
  for (const block of readBlockTexts(cache, place, 0, blockCount(rows[split]))) {
    builder.add(block);
    if (++read % BLOCKS_A_TURN === 0) await nextTurn();
  }
  return builder.finish();
}

function noPredictions(run: string, split: Split, others: readonly { readonly split: Split }[]): StudioError {
  const kept = others.map((other) => other.split).join(' and ');
  return new StudioError('NOT_FOUND', `Run ${run} has no stored predictions on the ${split} split.`, {
    nextStep:
      kept === ''
        ? 'A run keeps them when it is done, or when it is stopped to be kept, if its data set has a test split.'
        : `It has some on ${kept}.`,
  });
}
