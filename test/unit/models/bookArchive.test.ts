/** @file Tests. The book's archives, made here in the layout of bert.small.torch.zip (book.md 4) with small sizes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parameterShapes } from '../../../main/model/parameters.ts';
import { type BookModel, openBookArchive } from '../../../main/models/bookArchive.ts';
import { asTorchTensors, numberedTensors, type Shapes } from '../../support/numberedTensors.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { torchLegacy, torchZip } from '../../support/torchBytes.ts';
import { type Whole, wholeModel } from '../../support/wholeModel.ts';
import { type ZipPart, zipBytes } from '../../support/zipBytes.ts';

const WORDS = ['!', '<cls>', '<mask>', '<pad>', '<sep>', '<unk>', 'a', 'person'];
/** H 8, FFN 12, 2 blocks, 16 positions, 8 words. */
const BLOCK: Shapes = [
  ...(['q', 'k', 'v', 'o'] as const).flatMap(
    (which) =>
      [
        [`attention.W_${which}.weight`, [8, 8]],
        [`attention.W_${which}.bias`, [8]],
      ] as const,
  ),
  ['addnorm1.ln.weight', [8]],
  ['addnorm1.ln.bias', [8]],
  ['ffn.dense1.weight', [12, 8]],
  ['ffn.dense1.bias', [12]],
  ['ffn.dense2.weight', [8, 12]],
  ['ffn.dense2.bias', [8]],
  ['addnorm2.ln.weight', [8]],
  ['addnorm2.ln.bias', [8]],
];
const ENCODER: Shapes = [
  ['encoder.pos_embedding', [1, 16, 8]],
  ['encoder.token_embedding.weight', [8, 8]],
  ['encoder.segment_embedding.weight', [2, 8]],
  ...[0, 1].flatMap((layer) =>
    BLOCK.map(([name, shape]) => [`encoder.blks.${layer}.${name}`, shape] as const),
  ),
  ['hidden.0.weight', [8, 8]],
  ['hidden.0.bias', [8]],
];
const PRETRAINED: Shapes = [
  ...ENCODER,
  ['mlm.mlp.0.weight', [8, 8]],
  ['mlm.mlp.0.bias', [8]],
  ['mlm.mlp.2.weight', [8]],
  ['mlm.mlp.2.bias', [8]],
  ['mlm.mlp.3.weight', [8, 8]],
  ['mlm.mlp.3.bias', [8]],
  ['nsp.output.weight', [2, 8]],
  ['nsp.output.bias', [2]],
];
const CLASSIFIER: Shapes = [...ENCODER, ['output.weight', [3, 8]], ['output.bias', [3]]];
const CHOICES = { heads: 4, layers: null, classes: 3, dropout: 0.1 } as const;

const readBookArchive = (...given: Parameters<typeof openBookArchive>) =>
  wholeModel(openBookArchive(...given));
const folder = temporaryFolder();
let files = 0;

function archive(parts: readonly ZipPart[]): string {
  const path = join(folder, `${files++}.zip`);
  writeFileSync(path, zipBytes(parts));
  return path;
}

function bookParts(weights: Buffer, words: readonly string[] = WORDS): ZipPart[] {
  return [
    { name: 'bert.small.torch/', method: 0, mode: 0o040755 },
    { name: 'bert.small.torch/vocab.json', content: JSON.stringify(words) },
    { name: 'bert.small.torch/pretrained.params', content: weights },
    { name: '__MACOSX/bert.small.torch/._vocab.json', content: 'x' },
  ];
}

const without = (shapes: Shapes, name: string): Shapes => shapes.filter(([one]) => one !== name);
const reshaped = (shapes: Shapes, name: string, shape: readonly number[]): Shapes =>
  shapes.map((one) => (one[0] === name ? [name, shape] : one));

function expectNumbers({ tensors }: Whole<BookModel>, shapes: Shapes): void {
  const numbered = numberedTensors(shapes);
  for (const [name, tensor] of tensors)
    expect({ name, values: tensor.values }).toEqual({ name, values: numbered.get(name) });
}

describe("the book's archive", () => {
  it.each([
    ['legacy', torchLegacy],
    ['zip', torchZip],
  ])('with parameters of the %s format is read', async (_, write) => {
    const model = await readBookArchive(archive(bookParts(write(asTorchTensors(PRETRAINED)))), CHOICES);
    expect(model.model).toEqual({
      variant: 'book',
      vocabularySize: 8,
      layers: 2,
      hidden: 8,
      heads: 4,
      feedForward: 12,
      maxPositions: 16,
      classes: 3,
      activation: 'relu',
      layerNormEps: 1e-5,
      embeddingNorm: false,
      segments: 2,
      headActivation: 'tanh',
      headDropout: false,
      dropout: 0.1,
    });
    expect(model.vocabulary.tokens).toEqual(WORDS);
    expect(model.fresh).toEqual(['output.weight', 'output.bias']);
    expect([...model.tensors.keys(), ...model.fresh]).toEqual(
      parameterShapes(model.model).map(({ name }) => name),
    );
    expectNumbers(model, PRETRAINED);
    expect(model.unused).toEqual(PRETRAINED.slice(ENCODER.length).map(([name]) => name));
    expect(model.notes).toEqual([
      'The heads of pretraining were left out: "mlm.mlp.0.weight", "mlm.mlp.0.bias", "mlm.mlp.2.weight" and 5 more.',
    ]);
  });

  it('of a fine-tuned classifier keeps its output layer', async () => {
    const model = await readBookArchive(archive(bookParts(torchZip(asTorchTensors(CLASSIFIER)))), {
      ...CHOICES,
      classes: 2,
    });
    expect(model.model.classes).toBe(3);
    expect(model.fresh).toEqual([]);
    expect(model.notes).toEqual([]);
    expectNumbers(model, CLASSIFIER);
  });

  it('takes the number of layers from the file, and says when another was expected', async () => {
    const path = archive(bookParts(torchZip(asTorchTensors(PRETRAINED))));
    expect((await readBookArchive(path, { ...CHOICES, layers: 2 })).model.layers).toBe(2);
    const error = await studioRejectionOf(readBookArchive(path, { ...CHOICES, layers: 12 }));
    expect({ code: error.code, message: error.message }).toEqual({
      code: 'USAGE',
      message: `${path}/bert.small.torch/pretrained.params has 2 layers, not 12.`,
    });
  });

  it.each([3, 0, -4, 1.5, Number.NaN])('refuses %s heads', async (heads) => {
    const path = archive(bookParts(torchZip(asTorchTensors(PRETRAINED))));
    const error = await studioRejectionOf(readBookArchive(path, { ...CHOICES, heads }));
    expect(error.code).toBe('USAGE');
    expect(error.message).toContain(`8 cannot be divided among ${heads} heads`);
  });

  it('tells NaN in a weight', async () => {
    const tensors = asTorchTensors(PRETRAINED);
    new Float32Array(tensors[0]!.storage.bytes.buffer)[3] = Number.NaN;
    const model = await readBookArchive(archive(bookParts(torchZip(tensors))), CHOICES);
    expect(model.notes.at(-1)).toBe('NaN or infinite numbers stand in "encoder.pos_embedding".');
  });

  it('tells a tensor that no BERT has', async () => {
    const shapes: Shapes = [...ENCODER, ['decoder.weight', [2]]];
    const model = await readBookArchive(archive(bookParts(torchZip(asTorchTensors(shapes)))), CHOICES);
    expect(model.notes).toEqual(['Tensors that the network does not have were left out: "decoder.weight".']);
  });
});

describe("the book's archive is refused", () => {
  const whole = torchZip(asTorchTensors(PRETRAINED));
  const weights = (shapes: Shapes) => bookParts(torchZip(asTorchTensors(shapes)));
  it.each<[string, readonly ZipPart[], string]>([
    ['without a vocabulary', bookParts(whole).slice(2), '0 entries called vocab.json'],
    ['without weights', bookParts(whole).slice(0, 2), '0 entries called pretrained.params'],
    [
      'with two vocabularies',
      [...bookParts(whole), { name: 'other/vocab.json', content: '[]' }],
      '2 entries',
    ],
    ['with a word too few', bookParts(whole, WORDS.slice(0, 7)), '7 words, but its token table has 8 rows'],
    ['with a word too many', bookParts(whole, [...WORDS, 'x']), '9 words, but its token table has 8 rows'],
    ['without <unk>', bookParts(whole, WORDS.with(5, 'x')), 'lacks <unk>'],
    [
      'without a tensor',
      weights(without(PRETRAINED, 'encoder.blks.1.ffn.dense2.bias')),
      '"encoder.blks.1.ffn.dense2.bias"',
    ],
    [
      'without a token table',
      weights(without(PRETRAINED, 'encoder.token_embedding.weight')),
      'encoder.token_embedding.weight',
    ],
    [
      'without its first block',
      weights(PRETRAINED.filter(([name]) => !name.includes('blks.0'))),
      'encoder.blks.0.ffn',
    ],
    [
      'with a gap between its blocks',
      weights(PRETRAINED.map(([name, shape]) => [name.replace('blks.1', 'blks.2'), shape])),
      'encoder.blks.1.attention.W_q.weight',
    ],
    [
      'with a tensor of another shape',
      weights(reshaped(PRETRAINED, 'encoder.blks.0.attention.W_k.weight', [8, 9])),
      'has the shape [8, 9], but its network needs [8, 8]',
    ],
    [
      'with a transposed tensor',
      weights(reshaped(PRETRAINED, 'encoder.blks.0.ffn.dense2.weight', [12, 8])),
      '[12, 8]',
    ],
    [
      'with a table of one dimension',
      weights(reshaped(PRETRAINED, 'encoder.token_embedding.weight', [64])),
      '2 dimensions',
    ],
    [
      'with a pickle of something else',
      bookParts(Buffer.from('80027d2e', 'hex')),
      'not one that torch.save wrote',
    ],
  ])('%s', async (_, parts, words) => {
    const error = await studioRejectionOf(readBookArchive(archive(parts), CHOICES));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toContain(words);
    expect(error.message).toContain('.zip');
    expect(error.nextStep).not.toBe('');
  });

  it('when it is not there, a folder, or not a zip archive', async () => {
    const text = join(folder, 'text.zip');
    writeFileSync(text, 'hello');
    for (const [path, code] of [
      [join(folder, 'none.zip'), 'NOT_FOUND'],
      [folder, 'UNREADABLE'],
      [text, 'BAD_FILE'],
    ] as const)
      expect((await studioRejectionOf(readBookArchive(path, CHOICES))).code).toBe(code);
  });

  it('when whole numbers stand where weights belong', async () => {
    const tensors = asTorchTensors(PRETRAINED).map((tensor) =>
      tensor.name === 'hidden.0.bias' ? { ...tensor, storage: { ...tensor.storage, type: 'Int' } } : tensor,
    );
    const error = await studioRejectionOf(readBookArchive(archive(bookParts(torchZip(tensors))), CHOICES));
    expect(error.message).toContain('"hidden.0.bias"');
    expect(error.message).toContain('of type I32; weights are floats');
  });
});
