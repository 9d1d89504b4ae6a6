/** @file Runs under Node. What a run gets wrong, example by example, alone or against another run on the same rows. */
import type {
  AnalysedExample,
  ErrorFilter,
  ErrorOverview,
  ErrorSort,
} from '../../shared/contract/errorAnalysis.ts';
import type { Split } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import type { RunRecord } from '../../shared/runs.ts';
import { confusionOf, countChanges, type PredictionColumns } from '../analysis/predictionColumns.ts';
import { type AnalysedPairs, chosenExamples, sortExamples } from '../analysis/selection.ts';
import { slicesOf } from '../analysis/slices.ts';
import { AnalysedRuns, type AnalysedSplit } from './analysedRuns.ts';
import type { Databases } from './databases.ts';
import { datasetGone } from './datasetOfRun.ts';
import { exampleCsvWriter } from './exampleCsv.ts';
import { examplesAt, examplesHolding, type SplitPlace } from './exampleText.ts';
import { RecentlyUsed } from './recentlyUsed.ts';

export interface AnalysisPlace {
  readonly run: string;
  readonly split: Split;
  readonly against: string | null;
}

export interface ExampleChoice extends AnalysisPlace {
  readonly filter: ErrorFilter;
  readonly sort: ErrorSort;
}

interface Analysis {
  readonly run: AnalysedSplit;
  readonly other: AnalysedSplit | null;
  readonly pairs: AnalysedPairs;
}

/** Choices that are kept, so that the next page of a list costs nothing. */
const KEPT_CHOICES = 4;
/** A file of these is some 60 MB. */
const MOST_CSV_ROWS = 250_000;

export class ErrorAnalysisService {
  readonly #databases: Databases;
  readonly #runs: AnalysedRuns;
  readonly #choices = new RecentlyUsed<Promise<Int32Array>>(KEPT_CHOICES);

  constructor(databases: Databases) {
    this.#databases = databases;
    this.#runs = new AnalysedRuns(databases);
  }

  /** Of the whole split. @throws StudioError as the contract says. */
  async overview(place: AnalysisPlace): Promise<ErrorOverview> {
    const { run, other, pairs } = await this.#analysis(place);
    const { gold } = run.examples;
    return {
      run: run.run.id,
      dataset: run.dataset.name,
      split: run.split,
      step: run.step,
      labels: run.dataset.labels,
      pairs: run.examples.pairs,
      confusion: confusionOf(gold, run.predictions),
      otherConfusion: other === null ? null : confusionOf(gold, other.predictions),
      slices: slicesOf(pairs, run.dataset.sentencesPerExample),
      changes: other === null ? null : countChanges(gold, run.predictions, other.predictions),
    };
  }

  /** A window of the choice, in its order. */
  async rows(
    choice: ExampleChoice,
    { from, count }: { from: number; count: number },
  ): Promise<{ total: number; rows: AnalysedExample[] }> {
    const analysis = await this.#analysis(choice);
    const chosen = await this.#chosen(analysis, choice);
    const rows = await this.#examples(analysis, chosen.subarray(from, from + count));
    return { total: chosen.length, rows };
  }

  /** The whole choice. @throws StudioError TOO_LARGE. */
  async csv(choice: ExampleChoice): Promise<{ text: string; rows: number }> {
    const analysis = await this.#analysis(choice);
    const chosen = await this.#chosen(analysis, choice);
    if (chosen.length > MOST_CSV_ROWS)
      throw new StudioError(
        'TOO_LARGE',
        `A file of ${chosen.length} examples is too large to be handed over.`,
        {
          nextStep: `Choose ${MOST_CSV_ROWS} examples or fewer, such as the mistakes only.`,
        },
      );
    const { dataset, run } = analysis.run;
    const writer = exampleCsvWriter({
      labels: dataset.labels,
      pairs: dataset.sentencesPerExample === 2,
      run: run.id,
      other: analysis.other?.run.id ?? null,
    });
    const rows = await this.#examples(analysis, chosen);
    return { text: [writer.header, ...rows.map(writer.line)].join(''), rows: rows.length };
  }

  /** A 1 for each pair that a run got right. @throws StudioError as `AnalysedRuns.analysed`. */
  async correctness(run: RunRecord, split: Split): Promise<Uint8Array> {
    const { examples, predictions } = await this.#runs.analysed(run, split);
    return predictions.predicted.map((predicted, index) => (predicted === examples.gold[index] ? 1 : 0));
  }

  /** @throws StudioError NOT_FOUND. */
  findRun(idOrPrefix: string): RunRecord {
    return this.#runs.find(idOrPrefix);
  }

  async #analysis({ run: id, split, against }: AnalysisPlace): Promise<Analysis> {
    const run = await this.#runs.analysed(this.#runs.find(id), split);
    const other = against === null ? null : await this.#onSameRows(run, this.#runs.find(against));
    const { examples, predictions } = run;
    return { run, other, pairs: { examples, run: predictions, other: other?.predictions ?? null } };
  }

  async #onSameRows({ run, split }: AnalysedSplit, other: RunRecord): Promise<AnalysedSplit> {
    const reason = whyNotSameRows(run, other);
    if (reason === null) return await this.#runs.analysed(other, split);
    throw new StudioError('USAGE', reason, {
      nextStep: 'Choose a run that was made with the same data set.',
    });
  }

  async #chosen({ run, other, pairs }: Analysis, { filter, sort }: ExampleChoice): Promise<Int32Array> {
    if (filter.change !== null && other === null)
      throw new StudioError('USAGE', 'What changed can only be told against another run.', {
        nextStep: 'Choose a run to compare with.',
      });
    const key = JSON.stringify([run, other].map((one) => one && [one.run.id, one.split, one.version]));
    return await this.#choices.getOrMake(`${key} ${sort} ${JSON.stringify(filter)}`, async () => {
      const holdsText =
        filter.text === '' ? null : await examplesHolding(this.#databases.cache(), placeOf(run), filter.text);
      return sortExamples(chosenExamples(pairs, filter, holdsText), pairs, sort);
    });
  }

  async #examples({ run, other }: Analysis, indices: Int32Array): Promise<AnalysedExample[]> {
    const texts = await examplesAt(this.#databases.cache(), placeOf(run), indices);
    const { gold, lengths, negations, overlaps } = run.examples;
    return texts.map((text, at) => {
      if (text === undefined) throw datasetGone(run.run);
      const index = indices[at]!;
      const overlap = overlaps[index]!;
      return {
        index,
        premise: text.premise.raw,
        hypothesis: text.hypothesis?.raw ?? null,
        gold: gold[index]!,
        ...predictionAt(run.predictions, index),
        length: lengths[index]!,
        negation: negations[index] === 1,
        overlap: Number.isNaN(overlap) ? null : overlap,
        other: other === null ? null : predictionAt(other.predictions, index),
      };
    });
  }
}

/** Why two runs cannot be compared pair by pair; null when they can. */
export function whyNotSameRows(run: RunRecord, other: RunRecord): string | null {
  const [ours, theirs] = [run.config.dataset, other.config.dataset];
  if (ours.contentHash === theirs.contentHash) return null;
  if (ours.name === theirs.name)
    return `Runs ${run.id} and ${other.id} were made with different contents of the data set ${JSON.stringify(ours.name)}.`;
  return `Run ${other.id} was made with the data set ${JSON.stringify(theirs.name)}, run ${run.id} with ${JSON.stringify(ours.name)}.`;
}

function placeOf({ dataset, split }: AnalysedSplit): SplitPlace {
  return { datasetId: dataset.id, split, rows: dataset.rows[split] };
}

function predictionAt({ predicted, probabilities, classes }: PredictionColumns, index: number) {
  return {
    predicted: predicted[index]!,
    probabilities: [...probabilities.subarray(index * classes, (index + 1) * classes)],
  };
}
