/** @file Runs in the page. What columns are called, how their values are written, and which direction is better. */
import type { HyperparameterName } from '../../shared/hyperparameters.ts';

export type ColumnKind =
  | 'text'
  | 'number'
  | 'percent'
  | 'loss'
  | 'boolean'
  | 'state'
  | 'tags'
  | 'time'
  | 'duration'
  | 'bytes';
export type Better = 'higher' | 'lower';

export const HYPERPARAMETER_NAMES: Readonly<Record<HyperparameterName, string>> = {
  size: 'Size',
  layers: 'Layers',
  hidden: 'Hidden width',
  heads: 'Heads',
  feedForward: 'Feed-forward width',
  maxLen: 'Longest pair',
  truncation: 'Truncation',
  minFreq: 'Minimum frequency',
  seed: 'Seed',
  epochs: 'Epochs',
  batchSize: 'Batch size',
  microBatchTokens: 'Micro-batch tokens',
  precision: 'Precision',
  nice: 'Low priority',
  lr: 'Learning rate',
  optimizer: 'Optimizer',
  weightDecay: 'Weight decay',
  schedule: 'Schedule',
  warmup: 'Warm-up',
  clipNorm: 'Clip norm',
  layerDecay: 'Layer decay',
  loss: 'Loss reduction',
  labelSmoothing: 'Label smoothing',
  classWeights: 'Class weights',
  dropout: 'Dropout',
  freezeEncoder: 'Freeze encoder',
  evaluateEvery: 'Evaluate every',
  earlyStopping: 'Early stopping',
  keep: 'Weights kept',
  checkpointEvery: 'Checkpoint every',
  workers: 'Encoding threads',
};

const SETTING_NAMES: ReadonlyMap<string, string> = new Map([
  ...Object.entries(HYPERPARAMETER_NAMES).map(([name, words]) => [`hyperparameters.${name}`, words] as const),
  ['dataset.id', 'Data set number'],
  ['dataset.name', 'Data set'],
  ['dataset.contentHash', 'Data set contents'],
  ['dataset.labels', 'Labels'],
  ['dataset.sentencesPerExample', 'Sentences per example'],
  ['model.vocabularySize', 'Vocabulary size'],
  ['model.maxPositions', 'Position table'],
  ['model.layerNormEps', 'LayerNorm epsilon'],
  ['model.embeddingNorm', 'Embedding LayerNorm'],
  ['model.segments', 'Segments'],
  ['model.headActivation', 'Head activation'],
  ['model.headDropout', 'Dropout in the head'],
  ['model.feedForward', 'Feed-forward width (model)'],
  ['model.hidden', 'Hidden width (model)'],
  ['vocabularyHash', 'Vocabulary'],
  ['engine', 'Engine'],
  ['engine.name', 'Engine'],
  ['startFrom', 'Starts from'],
]);

const METRIC_WORDS: ReadonlyMap<string, string> = new Map([
  ['step', 'Step'],
  ['running', 'Running'],
  ['dev', 'Dev'],
  ['test', 'Test'],
  ['epoch', 'Epoch'],
  ['system', 'System'],
  ['best', 'Best'],
  ['result', 'Final'],
  ['loss', 'loss'],
  ['accuracy', 'accuracy'],
  ['macroF1', 'macro F1'],
  ['learningRate', 'learning rate'],
  ['gradientNorm', 'gradient norm'],
  ['trainLoss', 'training loss'],
  ['trainAccuracy', 'training accuracy'],
  ['testAccuracy', 'test accuracy'],
  ['devAccuracy', 'dev accuracy'],
  ['pairsPerSecond', 'pairs/s'],
  ['truncatedPairs', 'truncated pairs'],
  ['memoryBytes', 'memory'],
  ['cpuPercent', 'processor use'],
  ['gpuPercent', 'GPU use'],
  ['gpuMemoryBytes', 'GPU memory'],
  ['gpuCelsius', 'GPU temperature'],
  ['gpuWatts', 'GPU power'],
]);

/** "feedForward" becomes "feed forward". */
function spaced(word: string): string {
  return word.replace(
    /([a-z\d])([A-Z])/g,
    (_, left: string, right: string) => `${left} ${right.toLowerCase()}`,
  );
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** "hyperparameters.lr" is "Learning rate"; a path without a name of its own is told by its words. */
export function settingName(key: string): string {
  const known = SETTING_NAMES.get(key);
  if (known !== undefined) return known;
  const [area = '', ...rest] = key.split('.');
  if (rest.length === 0) return capital(spaced(area));
  const words = rest.map(spaced).join(' ');
  return area === 'hyperparameters' ? capital(words) : capital(`${words} (${spaced(area)})`);
}

/** An epoch is what training is told by, unless a name says otherwise. */
const METRIC_NAMES: ReadonlyMap<string, string> = new Map([
  ['epoch/trainLoss', 'Training loss'],
  ['epoch/trainAccuracy', 'Training accuracy'],
  ['epoch/pairsPerSecond', 'Pairs/s'],
]);

/** "best/dev/loss" is "Best dev loss". */
export function metricName(key: string): string {
  const known = METRIC_NAMES.get(key);
  if (known !== undefined) return known;
  const words = key.split('/').map((part) => METRIC_WORDS.get(part) ?? spaced(part));
  return capital(words.join(' ').replace(/ (Dev|Test|Step|Epoch) /g, (found) => found.toLowerCase()));
}

export function metricKind(key: string): ColumnKind {
  const tail = key.slice(key.lastIndexOf('/') + 1);
  if (/accuracy$|f1$/i.test(tail)) return 'percent';
  if (/bytes$/i.test(tail)) return 'bytes';
  if (/loss$/i.test(tail)) return 'loss';
  return tail === 'seconds' ? 'duration' : 'number';
}

/** The direction in which a metric improves; null where neither is better. */
export function metricBetter(key: string): Better | null {
  const tail = key.slice(key.lastIndexOf('/') + 1);
  if (/accuracy$|f1$|^pairsPerSecond$/i.test(tail)) return 'higher';
  return /loss$|^seconds$/i.test(tail) ? 'lower' : null;
}
