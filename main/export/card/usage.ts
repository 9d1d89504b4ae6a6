/** @file Runs anywhere. How a model is used in a few lines, for each format; a test runs those for PyTorch, where it is. Pure. */
import type { ExportPrecision, ModelFormat } from '../../../shared/exports.ts';
import { familyOf } from '../writeHuggingFace.ts';
import type { CardFacts } from './facts.ts';

export interface Usage {
  readonly title: string;
  /** Sentences before the code. */
  readonly text: string;
  readonly language: 'python' | 'js' | 'sh';
  readonly code: string;
}

const FIRST = 'A man plays a guitar.';
const SECOND = 'A man makes music.';
/** As the parses of SNLI split them: with its full stop, "guitar." would be an unknown word. */
const FIRST_SPLIT = 'a man plays a guitar .';
const SECOND_SPLIT = 'a man makes music .';
const TREEBANK =
  'The model reads lower-case Penn Treebank tokens separated by blanks, as the parses of SNLI have them ' +
  '("a man does n\'t sleep ."); a word that is not in its vocabulary is `<unk>`.';

export function usagesOf(to: ModelFormat, precision: ExportPrecision, facts: CardFacts): Usage[] {
  const pairs = facts.sentencesPerExample === 2;
  switch (to) {
    case 'hf':
      return familyOf(facts.network) === null ? [torchUsage(facts)] : [transformersUsage(pairs)];
    case 'torch':
      return [torchUsage(facts)];
    case 'onnx':
      return [transformersJsUsage(precision, facts)];
    case 'tfjs':
      return [tensorflowJsUsage(facts)];
    case 'web':
      return [webUsage()];
    case 'run':
      return [runUsage(facts)];
  }
}

const texts = (pairs: boolean) => (pairs ? `"${FIRST}", "${SECOND}"` : `"${FIRST}"`);

function transformersUsage(pairs: boolean): Usage {
  return {
    title: 'In Python, with transformers',
    text: 'In this folder:',
    language: 'python',
    code: [
      'from transformers import AutoModelForSequenceClassification, AutoTokenizer',
      'tokenizer, model = AutoTokenizer.from_pretrained("."), AutoModelForSequenceClassification.from_pretrained(".")',
      `logits = model(**tokenizer(${texts(pairs)}, return_tensors="pt")).logits`,
      'print(model.config.id2label[int(logits.argmax())], logits.softmax(-1).tolist())',
    ].join('\n'),
  };
}

/** As the book's notebook has its classes: BERTClassifier over d2l's BERTModel. */
function torchUsage({ network, labels }: CardFacts): Usage {
  const { hidden, feedForward, heads, layers, dropout, maxPositions, vocabularySize } = network;
  const isBook = network.variant === 'book';
  const sizes = `${vocabularySize}, ${hidden}, ${feedForward}, ${heads}, ${layers}, ${dropout}, max_len=${maxPositions}`;
  const about = isBook
    ? '`BERTClassifier` is the class of its notebook "Natural Language Inference: Fine-Tuning BERT", with ' +
      `${labels.length} outputs, and \`d2l.BERTModel\` that of its package. ${TREEBANK}`
    : "This network is BERT's own variant (GELU, LayerNorm on the embeddings), which the book's classes do not compute: " +
      'its folder for transformers does (`--to hf`). Its weights by name:';
  return {
    title: 'In PyTorch',
    text: `The names are those of the book's state dict. ${about}`,
    language: 'python',
    code: [
      'from safetensors.torch import load_file',
      ...(isBook
        ? [
            `net = BERTClassifier(d2l.BERTModel(${sizes}))`,
            'net.load_state_dict(load_file("model.safetensors"))',
          ]
        : ['weights = load_file("model.safetensors")']),
    ].join('\n'),
  };
}

const DTYPES: Readonly<Record<ExportPrecision, string>> = { fp32: 'fp32', fp16: 'fp16', int8: 'q8' };

/** Not its pipeline, which drops the second sentence without a word. */
function transformersJsUsage(precision: ExportPrecision, { sentencesPerExample, network }: CardFacts): Usage {
  const isBook = network.variant === 'book';
  const [first, second] = isBook ? [FIRST_SPLIT, SECOND_SPLIT] : [FIRST, SECOND];
  const pair = sentencesPerExample === 2 ? `"${first}", { text_pair: "${second}" }` : `"${first}"`;
  const words = isBook ? ` ${TREEBANK}` : '';
  return {
    title: 'In JavaScript, with transformers.js',
    text:
      'Call the tokenizer and the model: the text-classification pipeline of transformers.js silently ignores the second ' +
      `sentence. \`folder\` is the name of this folder, and \`env.localModelPath\` the folder that it lies in.${words}`,
    language: 'js',
    code: [
      "import { AutoModelForSequenceClassification, AutoTokenizer, env } from '@huggingface/transformers';",
      "Object.assign(env, { allowRemoteModels: false, localModelPath: '..' });",
      'const tokenizer = await AutoTokenizer.from_pretrained(folder);',
      `const model = await AutoModelForSequenceClassification.from_pretrained(folder, { dtype: '${DTYPES[precision]}' });`,
      `const { logits } = await model(await tokenizer(${pair}));`,
    ].join('\n'),
  };
}

function tensorflowJsUsage({ labels, network }: CardFacts): Usage {
  // TensorFlow.js refuses an input that the graph does not have.
  const inputs = ['input_ids', 'attention_mask', ...(network.segments === 0 ? [] : ['token_type_ids'])];
  return {
    title: 'In JavaScript, with TensorFlow.js',
    text:
      'The inputs are whole numbers of shape [pairs, tokens], padded at the right; tokenizer.json says how text becomes ' +
      `ids. The output is a row of ${labels.length} logits a pair, in the order of labels.json.`,
    language: 'js',
    code: [
      "import * as tf from '@tensorflow/tfjs';",
      "const model = await tf.loadGraphModel('model.json');",
      `const logits = model.execute({ ${inputs.join(', ')} }, "logits");`,
    ].join('\n'),
  };
}

function webUsage(): Usage {
  return {
    title: 'In a browser',
    text: 'Open index.html, from the disk or from any server of files. It needs no network, and nothing leaves the page.',
    language: 'sh',
    code: 'open index.html    # Linux: xdg-open index.html',
  };
}

function runUsage({ run }: CardFacts): Usage {
  return {
    title: 'In another studio',
    text: 'Brings the run with its configuration, curves, evaluations, predictions and this checkpoint.',
    language: 'sh',
    code: `npx --no entail runs import ${run}.entail-run.zip`,
  };
}

/** The service that the studio gives of the same model. */
export function serviceUsage({ run, sentencesPerExample }: CardFacts): Usage {
  const body = JSON.stringify(
    sentencesPerExample === 2
      ? { pairs: [{ premise: FIRST, hypothesis: SECOND }] }
      : { pairs: [{ premise: FIRST }] },
  );
  return {
    title: 'As a service on this machine',
    text: `Where the run is: \`npx --no entail serve ${run} --port 8200\`, and then`,
    language: 'sh',
    code: `curl http://127.0.0.1:8200/predict -H 'Content-Type: application/json' -d '${body}'`,
  };
}
