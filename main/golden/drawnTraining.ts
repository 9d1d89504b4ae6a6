/**
 * @file Runs in the engine test's child. Parameters and batches that test/golden/make_training.py draws too, number for
 * number: a network of the book's size without a file of its size.
 */
import type { EncodedSplit } from '../data/encoding.ts';
import type { ParameterShape } from '../model/parameters.ts';
import { PhiloxSequence, STREAMS } from '../model/philox.ts';
import type { DrawnTrainingCase } from './fixtures.ts';

const CLS = 1;
const SEP = 3;
const FIRST_WORD = 5;
const [PARAMETERS, WORDS] = [0, 1];
/** Words of a premise and of a hypothesis: the least, and of how many lengths one is drawn. */
const PREMISE = { least: 5, lengths: 18 };
const HYPOTHESIS = { least: 4, lengths: 9 };

/** Centre and half the width of what a parameter is drawn from. */
function spreadOf({ name, shape }: ParameterShape): readonly [number, number] {
  if (name.includes('.ln.') || name.includes('_norm.')) return [name.endsWith('weight') ? 1 : 0, 0.1];
  if (name.endsWith('bias')) return [0, 0.05];
  return [0, name.includes('embedding') ? 0.5 : Math.sqrt(3 / shape.at(-1)!)];
}

/** The values of the parameter at `position` of the network's list. */
export function drawParameter(seed: number, shape: ParameterShape, position: number): Float32Array {
  const numbers = new PhiloxSequence(seed, STREAMS.engineTest, position, PARAMETERS);
  const [centre, width] = spreadOf(shape);
  const values = new Float32Array(shape.shape.reduce((product, size) => product * size, 1));
  for (let index = 0; index < values.length; index++)
    values[index] = centre + width * (2 * numbers.nextUniform() - 1);
  return values;
}

/** A few words are frequent and many are rare: a uniform number to its sixteenth power. */
function wordOf(uniform: number, vocabularySize: number): number {
  let number = uniform;
  for (let time = 0; time < 4; time++) number *= number;
  return FIRST_WORD + Math.floor((vocabularySize - FIRST_WORD) * number);
}

/** The batch of a step (from 0), its pairs in their order. The first word of a hypothesis gives its label away. */
export function drawBatch({ seed, batchSize, config }: DrawnTrainingCase, step: number): EncodedSplit {
  const { vocabularySize, classes } = config;
  const numbers = new PhiloxSequence(seed, STREAMS.engineTest, step, WORDS);
  const draw = (least: number, many: number) =>
    Array.from({ length: batchSize }, () => least + Math.floor(many * numbers.nextUniform()));
  const premises = draw(PREMISE.least, PREMISE.lengths);
  const hypotheses = draw(HYPOTHESIS.least, HYPOTHESIS.lengths);
  const labels = draw(0, classes);
  const words = (count: number) =>
    Array.from({ length: count }, () => wordOf(numbers.nextUniform(), vocabularySize));
  const ids: number[] = [];
  const offsets = [0];
  for (let pair = 0; pair < batchSize; pair++) {
    const premise = words(premises[pair]!);
    const hypothesis = words(hypotheses[pair]!);
    hypothesis[0] = vocabularySize - 1 - labels[pair]!;
    ids.push(CLS, ...premise, SEP, ...hypothesis, SEP);
    offsets.push(ids.length);
  }
  return {
    pairs: batchSize,
    ids: Int32Array.from(ids),
    offsets: Int32Array.from(offsets),
    segmentStarts: Int32Array.from(premises, (length) => length + 2),
    labels: Int32Array.from(labels),
    truncatedPairs: 0,
  };
}
