/** @file Tests. Models as people bring them: folders that transformers saved, and the book's archives in their real shapes. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initialValues, parameterShapes } from '../../main/model/parameters.ts';
import type { ModelImport } from '../../main/models/store/importModel.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import { readFixture } from '../golden/fixtures.ts';
import { temporaryFolder } from './temporaryFolder.ts';
import { floatTensor, torchZip } from './torchBytes.ts';
import { zipBytes } from './zipBytes.ts';

/** What is told when nothing need be. */
export function importOf(path: string, name: string, changes: Partial<ModelImport> = {}): ModelImport {
  const nothing = { origin: null, licence: null, heads: null, layers: null, labels: null };
  return { path, name, ...nothing, sentences: 2, ...changes };
}

/**
 * One of the folders in test/golden, with the vocabulary that the fixture's texts are cut with.
 * @param options.LABEL_0 names its outputs as transformers does when nobody has
 */
export function goldenFolder(
  name: 'hf_bert_classifier' | 'hf_distilbert_classifier',
  options: { readonly LABEL_0?: true } = {},
): string {
  const folder = join(temporaryFolder(), name);
  cpSync(join(import.meta.dirname, '..', 'golden', name), folder, { recursive: true });
  writeFileSync(join(folder, 'vocab.txt'), `${readFixture('hugging_face.json').vocabulary.join('\n')}\n`);
  if (options.LABEL_0 === true) {
    const path = join(folder, 'config.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as object;
    const id2label = { 0: 'LABEL_0', 1: 'LABEL_1', 2: 'LABEL_2' };
    writeFileSync(path, JSON.stringify({ ...config, id2label, label2id: {} }));
  }
  return folder;
}

export const BOOK_WORDS = ['!', '<cls>', '<mask>', '<pad>', '<sep>', '<unk>', 'a', 'man', 'person', 'sleeps'];
/** book.md 4 and 8. */
const BOOK_SIZES = {
  'bert.small': { layers: 2, hidden: 256, heads: 4, feedForward: 512 },
  'bert.base': { layers: 12, hidden: 768, heads: 12, feedForward: 3072 },
} as const;

/** As the book's DATA_HUB has it, with random weights, all heads of pretraining, and a vocabulary of ten words. */
export function bookArchive(size: keyof typeof BOOK_SIZES, words: readonly string[] = BOOK_WORDS): string {
  const model: ModelConfig = {
    ...{ variant: 'book', vocabularySize: BOOK_WORDS.length, ...BOOK_SIZES[size], maxPositions: 512 },
    ...{ classes: 3, activation: 'relu', layerNormEps: 1e-5, embeddingNorm: false, segments: 2 },
    ...{ headActivation: 'tanh', headDropout: false, dropout: 0.2 },
  };
  const encoder = parameterShapes(model)
    .filter(({ name }) => !name.startsWith('output.'))
    .map((shape, at) => floatTensor(shape.name, shape.shape, initialValues(shape, at, 7), String(at)));
  const heads = headsOfPretraining(model).map(([name, shape], at) => {
    const values = new Float32Array(shape.reduce((product, size_) => product * size_, 1));
    return floatTensor(name, shape, values, String(encoder.length + at));
  });
  const path = join(temporaryFolder(), `${size}.torch.zip`);
  const parts = [
    { name: `${size}.torch/vocab.json`, content: JSON.stringify(words) },
    { name: `${size}.torch/pretrained.params`, content: torchZip([...encoder, ...heads]) },
  ];
  writeFileSync(path, zipBytes(parts));
  return path;
}

function headsOfPretraining({ hidden, vocabularySize }: ModelConfig): [string, number[]][] {
  return [
    ['mlm.mlp.0.weight', [hidden, hidden]],
    ['mlm.mlp.0.bias', [hidden]],
    ['mlm.mlp.2.weight', [hidden]],
    ['mlm.mlp.2.bias', [hidden]],
    ['mlm.mlp.3.weight', [vocabularySize, hidden]],
    ['mlm.mlp.3.bias', [vocabularySize]],
    ['nsp.output.weight', [2, hidden]],
    ['nsp.output.bias', [2]],
  ];
}
