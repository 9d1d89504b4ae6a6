/** @file Runs under Node. A pretraining made ready: its text, its vocabulary, and a network with the two heads of pretraining. */
import { StudioError } from '../../shared/errors.ts';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import { NEXT_SENTENCE_LABELS, type TextRecord } from '../../shared/texts.ts';
import { tokenizerAt } from '../data/openPairTokenizer.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import type { StoredText } from '../data/pretraining/storedText.ts';
import { buildVocabulary, type Vocabulary } from '../data/vocabulary.ts';
import { WordsTokenizer } from '../data/wordsTokenizer.ts';
import { bookConfig } from '../model/config.ts';
import type { Databases } from './databases.ts';
import type { PreparedRun, PreparingRequest } from './preparedRun.ts';
import { type StartingPoint, startingPoint, startRecord } from './startingPoint.ts';
import { TextService } from './texts.ts';
import { tokenizerRecord } from './tokenizerOfRun.ts';

/** `<unk>`, `<pad>`, `<mask>`, `<cls>` and `<sep>`. */
const SPECIAL_TOKENS = 5;

/** @throws StudioError NOT_FOUND for a text that is not there; USAGE for settings and starts that do not fit. */
export function preparedPretraining(databases: Databases, request: PreparingRequest): PreparedRun {
  const { hyperparameters, engine } = request;
  const texts = new TextService(databases.places.root);
  const { name, contentHash } = texts.require(request.dataset);
  const text = texts.open(contentHash);
  requireSensible(hyperparameters, text.record);
  const beginning = start(databases, request, text);
  const { tokenizer, model } = beginning;
  requireWords(tokenizer);
  const dataset = { id: 0, name, contentHash, labels: NEXT_SENTENCE_LABELS, sentencesPerExample: 2 } as const;
  const record = tokenizerRecord(tokenizer);
  return {
    config: {
      kind: 'pretraining',
      dataset,
      hyperparameters,
      model,
      ...record,
      engine,
      ...startRecord(beginning),
    },
    tokenizer,
    // The worker reads the stored text: making ids of its words takes a second.
    encode: async () => undefined,
  };
}

function start(databases: Databases, request: PreparingRequest, text: StoredText): StartingPoint {
  const { hyperparameters, vocabularyPath, startFrom } = request;
  if (startFrom !== null) return startingPoint(databases, request, { id: 0, labels: NEXT_SENTENCE_LABELS });
  const tokenizer =
    vocabularyPath === null
      ? new WordsTokenizer(vocabularyOfText(text, hyperparameters.minFreq))
      : tokenizerAt(vocabularyPath);
  const model = bookConfig(hyperparameters, tokenizer.size, NEXT_SENTENCE_LABELS.length);
  return { tokenizer, model, startFrom: null };
}

function requireWords({ kind }: PairTokenizer): void {
  if (kind === 'words') return;
  throw new StudioError('USAGE', 'Texts are kept as whole words, and this model reads pieces of words.', {
    nextStep: 'Pretrain with a vocabulary of words, or leave --model and --vocabulary out.',
  });
}

function vocabularyOfText(text: StoredText, minFreq: number): Vocabulary {
  const vocabulary = buildVocabulary(text.wordCounts(), minFreq);
  if (vocabulary.size > SPECIAL_TOKENS) return vocabulary;
  throw new StudioError(
    'USAGE',
    `No word of ${JSON.stringify(text.record.name)} is seen ${minFreq} times: the vocabulary would be empty.`,
    { nextStep: 'Lower --min-freq, or give a longer text.' },
  );
}

function requireSensible(hyperparameters: Hyperparameters, { name, splits }: TextRecord): void {
  const { loss, labelSmoothing, classWeights, freezeEncoder, keep, earlyStopping } = hyperparameters;
  const wrong =
    loss === 'sum'
      ? 'the summed loss'
      : labelSmoothing > 0
        ? 'label smoothing'
        : classWeights !== 'none'
          ? 'class weights'
          : freezeEncoder
            ? 'a frozen encoder'
            : null;
  if (wrong !== null)
    throw new StudioError('USAGE', `Pretraining knows no ${wrong.replace(/^(the|a) /, '')}.`, {
      nextStep: 'Leave that setting as it is; the loss of pretraining is the mean (--loss mean).',
    });
  const pairs = ({ sentences, paragraphs }: { sentences: number; paragraphs: number }) =>
    sentences - paragraphs;
  if ((keep === 'best' || earlyStopping > 0) && pairs(splits.dev) + pairs(splits.test) === 0)
    throw new StudioError('USAGE', `The text ${JSON.stringify(name)} has no validation part to choose by.`, {
      nextStep: 'Leave out --keep best and --early-stopping, or give a longer text.',
    });
}
