/** @file Runs anywhere. The classification head of a Hugging Face model: whether there is one, and what its outputs mean. */
import { labelOrder, requireNames } from '../labelOrder.ts';
import type { WeightFile } from '../weightFile.ts';
import type { HuggingFaceConfig } from './configFile.ts';

export interface Head {
  /** Number of outputs. */
  readonly classes: number;
  /** What each class means, in our order; null when nobody has said (LABEL_0): ask before it is evaluated. */
  readonly labels: readonly string[] | null;
  /** For each of our classes the output of the file. */
  readonly outputs: readonly number[];
}

const SENTENCE_HEAD = /ForSequenceClassification$/;
const isNoName = (name: string) => /^LABEL_\d+$/.test(name);

/**
 * The head of the file; null when it has none, or one that does not classify sentences.
 * @param meanings what each output means, in the file's order, as a person said; null believes the configuration
 */
export function headOf(
  config: HuggingFaceConfig,
  file: WeightFile,
  meanings: readonly string[] | null,
): Head | null {
  const { architectures, family, problem } = config;
  const [classes = 0] = file.tensors.get('classifier.weight')?.shape ?? [];
  // Heads for single words are called the same. One output is a number, such as a similarity, and no choice.
  const classifies = architectures.length === 0 || architectures.some((name) => SENTENCE_HEAD.test(name));
  // Several labels at once, or a number, are no choice either.
  const chooses = problem === null || problem === 'single_label_classification';
  if (classes < 2 || !classifies || !chooses) return null;
  if (family === 'distilbert' && !file.tensors.has('pre_classifier.weight')) return null;
  return { classes, ...meaningOf(config, classes, meanings) };
}

function meaningOf(
  config: HuggingFaceConfig,
  classes: number,
  meanings: readonly string[] | null,
): Pick<Head, 'labels' | 'outputs'> {
  const names = meanings ?? config.labels;
  const own = Array.from({ length: classes }, (_, output) => output);
  // Of a configuration that leaves one output without a name nobody knows what that one means.
  const nameless = meanings === null ? config.labels?.some(isNoName) : meanings.every(isNoName);
  if (names === null || nameless === true) return { labels: null, outputs: own };
  requireNames(names, classes, meanings === null ? config.file : null);
  return labelOrder(names);
}
