/** @file Entry "inference": the process in which finished weights evaluate a split or answer pairs. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StudioError } from '../../shared/errors.ts';
import { countedAs } from '../../shared/labelMatching.ts';
import { openCache } from '../data/cache.ts';
import { requireDataset } from '../data/datasets.ts';
import { encodeSplit } from '../data/encodedSplits.ts';
import { asRead, type EncodedSplit, encodePairs } from '../data/encoding.ts';
import { readGroups } from '../data/exampleGroups.ts';
import { ownTokenizer } from '../data/ownTokenizer.ts';
import { openEngine } from '../engines/registry.ts';
import { entriesHere } from '../entries.ts';
import { ParameterSet, type ParameterShape, parameterShapes } from '../model/parameters.ts';
import { accuracyByGroup, answersCounted } from './answersJudged.ts';
import { weightsToUse } from './checkpoints.ts';
import { type ChildPort, isChildProcess, openChildPort } from './childPort.ts';
import { type Probabilities, probabilitiesOf, summariseAnswers } from './evaluation.ts';
import { type Heartbeat, startHeartbeat } from './heartbeat.ts';
import { importedTensors, valuesOfShape } from './importedWeights.ts';
import { attend, inspect, type LoadedModel, requireAnswers } from './inspection.ts';
import type { EvaluationJob, InferenceAnswer, InferenceOrder, PredictionJob } from './jobs.ts';
import { evaluationTokensOf } from './microBatchSize.ts';
import { withoutMicroBatch } from './outOfMemory.ts';

async function load(
  job: PredictionJob,
  port: ChildPort<InferenceAnswer>,
  { beat }: Heartbeat,
): Promise<LoadedModel> {
  const { model, hyperparameters } = job.config;
  const options = {
    dataDirectory: job.dataDirectory,
    ...(job.threads === null ? {} : { threads: job.threads }),
    ...{ precision: hyperparameters.precision, orSingle: true },
    beat,
  };
  const { notice = null } = await openEngine(job.engine, options);
  if (notice !== null) port.answer({ kind: 'notice', text: notice });
  const parameters = new ParameterSet(parameterShapes(model), weightsOf(job));
  return { job, parameters, tokenizer: ownTokenizer(job.runDirectory, job.config) };
}

function weightsOf({
  weights,
  config,
  runDirectory,
}: PredictionJob): (shape: ParameterShape) => Float32Array {
  if (weights?.kind !== 'imported') {
    const checkpoint = weightsToUse(runDirectory, config.hyperparameters.keep);
    return (shape) => checkpoint.parameter(shape).value;
  }
  const tensors = importedTensors(runDirectory, weights);
  return (shape) => {
    const values = valuesOfShape(tensors, shape);
    if (values !== null) return values;
    throw new StudioError('BAD_FILE', `The model has no parameter ${shape.name} of shape [${shape.shape}].`, {
      nextStep: 'Delete it and import it again.',
      place: { file: runDirectory },
    });
  };
}

async function probabilities(
  { job, parameters }: LoadedModel,
  split: EncodedSplit,
  between: () => Promise<void>,
): Promise<Probabilities> {
  const found = await probabilitiesOf(job.config.model, parameters, split, {
    microBatchTokens: evaluationTokensOf(job.config.hyperparameters, job.config.model, job.engine),
    between,
  });
  requireAnswers(found.values, job.engine);
  return found;
}

async function evaluate(
  job: EvaluationJob,
  port: ChildPort<InferenceAnswer>,
  heartbeat: Heartbeat,
): Promise<void> {
  const cache = openCache(job.cachePath, { readOnly: true });
  try {
    const dataset = requireDataset(cache, job.dataset);
    const known = job.config.dataset.labels;
    const { labels } = dataset;
    const counted = countedAs(known, labels);
    if (counted === null)
      throw new StudioError(
        'USAGE',
        `The model knows the labels ${known.join(', ')}; ${dataset.name} has ${labels.join(', ')}.`,
        {
          nextStep: 'Import the data set with a label mapping (--labels) that gives the same labels.',
        },
      );
    const loaded = await load(job, port, heartbeat);
    const { maxLen, truncation, workers } = job.config.hyperparameters;
    const options = { dataset, split: job.split, tokenizer: loaded.tokenizer, maxLen, truncation, workers };
    const split = await encodeSplit(cache, { ...options, onProgress: () => heartbeat.beat() });
    if (split.pairs === 0)
      throw new StudioError('NOT_FOUND', `The data set ${dataset.name} has no ${job.split} split.`);
    let rows = 0;
    const between = async () => {
      heartbeat.beat();
      rows += evaluationTokensOf(job.config.hyperparameters, job.config.model, job.engine);
      port.answer({ kind: 'progress', fraction: Math.min(1, rows / split.ids.length) });
      await nextTurn();
    };
    const found = await probabilities(loaded, split, between);
    const answers = answersCounted(found, counted, split.labels);
    const place = { split: job.split, step: 0, epoch: 0, labels };
    const evaluation = summariseAnswers(answers, split.labels, place);
    const groups = accuracyByGroup(readGroups(cache, dataset.id, job.split), answers, split.labels, labels);
    const predictions = { split: job.split, step: 0, classes: known.length, probabilities: found.values };
    port.answer({ kind: 'evaluated', evaluation, groups, predictions });
  } finally {
    cache.close();
  }
}

function main(): void {
  let loaded: LoadedModel | null = null;
  let turn = Promise.resolve();
  const heartbeat = startHeartbeat(entriesHere().path('heartbeat'));
  // An idle model is no hang.
  setInterval(() => heartbeat.beat(), 1000).unref();
  const answer = async (order: InferenceOrder, port: ChildPort<InferenceAnswer>) => {
    if (order.kind === 'evaluate') return await evaluate(order.job, port, heartbeat);
    if (order.kind === 'open') {
      loaded = await load(order.job, port, heartbeat);
      return port.answer({ kind: 'opened' });
    }
    if (loaded === null) throw new StudioError('INTERNAL', 'Nothing is loaded.');
    if (order.kind === 'inspect')
      return port.answer({ kind: 'inspected', inspection: await inspect(loaded, order.pair) });
    if (order.kind === 'attend')
      return port.answer({ kind: 'attended', attention: await attend(loaded, order.pair, order.place) });
    const { maxLen, truncation } = loaded.job.config.hyperparameters;
    const { tokenizer } = loaded;
    const pairs = order.pairs.map((pair) => asRead(pair, tokenizer));
    const split = encodePairs(pairs, tokenizer, { maxLen, truncation });
    const found = await probabilities(loaded, split, nextTurn);
    port.answer({ kind: 'predicted', probabilities: found.values });
  };
  const handle = async (order: InferenceOrder, port: ChildPort<InferenceAnswer>) => {
    try {
      await answer(order, port);
    } catch (thrown) {
      throw withoutMicroBatch(thrown);
    }
  };
  const port = openChildPort<InferenceOrder, InferenceAnswer>(
    (order, answerTo) => {
      turn = turn.then(() => handle(order, answerTo));
      return turn;
    },
    (error) => ({ kind: 'failed', error }),
  );
  port.answer({ kind: 'ready' });
}

if (isChildProcess()) main();
