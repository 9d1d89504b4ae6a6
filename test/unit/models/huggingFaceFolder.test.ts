/** @file Tests. Hugging Face folders of BERT and DistilBERT, made here with small sizes, in every form of weights. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeSafetensors } from '../../../main/files/safetensors.ts';
import { parameterShapes } from '../../../main/model/parameters.ts';
import { type HuggingFaceModel, openHuggingFaceFolder } from '../../../main/models/huggingFaceFolder.ts';
import { BAD_CONFIGURATIONS } from '../../fixtures/bad/configurations.ts';
import {
  BERT,
  BERT_CONFIG,
  BERT_OURS,
  DISTILBERT,
  DISTILBERT_CONFIG,
  DISTILBERT_OURS,
  prefixed,
  pytorchFolder,
  safetensorsFolder,
} from '../../support/huggingFaceFolders.ts';
import {
  asNamedTensors,
  asTorchTensors,
  numberedTensors,
  type Shapes,
} from '../../support/numberedTensors.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { torchLegacy, torchZip } from '../../support/torchBytes.ts';
import { type Whole, wholeModel } from '../../support/wholeModel.ts';

const readHuggingFaceFolder = (...given: Parameters<typeof openHuggingFaceFolder>) =>
  wholeModel(openHuggingFaceFolder(...given));
const CHOICES = { classes: 3, meanings: null } as const;
const NLI = { id2label: { '0': 'CONTRADICTION', '1': 'neutral', '2': 'Entailment' } };
const SEQUENCE = { architectures: ['BertForSequenceClassification'], ...NLI };
const HEAD: Shapes = [
  ['classifier.weight', [3, 8]],
  ['classifier.bias', [3]],
];
const WITH_HEAD: Shapes = [...prefixed('bert.', BERT), ...HEAD];

/** Every parameter of ours holds the numbers of its tensor in the file. */
function expectNumbers(
  { tensors }: Whole<HuggingFaceModel>,
  shapes: Shapes,
  theirs: (ours: string) => string | undefined,
): void {
  const numbered = numberedTensors(shapes);
  for (const [name, { values }] of tensors) {
    const from = theirs(name);
    if (from !== undefined) expect({ name, values }).toEqual({ name, values: numbered.get(from) });
  }
}

const orderOf = ({ model, tensors, fresh }: Whole<HuggingFaceModel>) => ({
  ours: parameterShapes(model).map(({ name, shape }) => [name, fresh.includes(name) ? null : [...shape]]),
  given: parameterShapes(model).map(({ name }) => [name, tensors.get(name)?.shape ?? null]),
});

describe('BERT', () => {
  it('without a head gives configuration and parameters', async () => {
    const model = await readHuggingFaceFolder(safetensorsFolder(BERT_CONFIG, BERT), CHOICES);
    expect(model.model).toEqual({
      variant: 'huggingface',
      vocabularySize: 10,
      layers: 2,
      hidden: 8,
      heads: 2,
      feedForward: 12,
      maxPositions: 16,
      classes: 3,
      activation: 'gelu',
      layerNormEps: 1e-12,
      embeddingNorm: true,
      segments: 2,
      headActivation: 'tanh',
      headDropout: true,
      dropout: 0.1,
    });
    expect({ family: model.family, head: model.head, fresh: model.fresh }).toEqual({
      family: 'bert',
      head: null,
      fresh: ['output.weight', 'output.bias'],
    });
    expect({ unused: model.unused, notes: model.notes }).toEqual({ unused: [], notes: [] });
    const { ours, given } = orderOf(model);
    expect(given).toEqual(ours);
    expectNumbers(model, BERT, (name) => BERT_OURS.get(name));
    expect(BERT_OURS.size).toBe(model.tensors.size);
  });

  it.each([
    [
      'pytorch_model.bin, zip',
      (shapes: Shapes) => pytorchFolder(BERT_CONFIG, torchZip(asTorchTensors(shapes))),
    ],
    [
      'pytorch_model.bin, legacy',
      (shapes: Shapes) => pytorchFolder(BERT_CONFIG, torchLegacy(asTorchTensors(shapes))),
    ],
  ])('from %s', async (_, write) => {
    const model = await readHuggingFaceFolder(write(BERT), CHOICES);
    expectNumbers(model, BERT, (name) => BERT_OURS.get(name));
    expect(model.tensors.size).toBe(BERT_OURS.size);
  });

  it('prefers safetensors where both are', async () => {
    const folder = safetensorsFolder(BERT_CONFIG, BERT);
    writeFileSync(join(folder, 'pytorch_model.bin'), 'not weights');
    expect((await readHuggingFaceFolder(folder, CHOICES)).tensors.size).toBe(BERT_OURS.size);
  });

  it('of pretraining: its prefix, old names of LayerNorm, heads and buffers', async () => {
    const old = (name: string) =>
      name.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta');
    const encoder = prefixed('bert.', BERT).map(([name, shape]) => [old(name), shape] as const);
    const shapes: Shapes = [
      ...encoder,
      ['bert.embeddings.position_ids', [1, 16]],
      ['cls.predictions.bias', [10]],
      ['cls.seq_relationship.weight', [2, 8]],
      ['extra', [1]],
    ];
    const model = await readHuggingFaceFolder(safetensorsFolder(BERT_CONFIG, shapes), CHOICES);
    expectNumbers(model, shapes, (name) => {
      const theirs = BERT_OURS.get(name);
      return theirs === undefined ? undefined : old(`bert.${theirs}`);
    });
    expect(model.unused).toEqual(['cls.predictions.bias', 'cls.seq_relationship.weight', 'extra']);
    expect(model.notes).toEqual([
      'Heads for other tasks were left out: "cls.predictions.bias", "cls.seq_relationship.weight".',
      'Tensors that the network does not have were left out: "extra".',
    ]);
  });

  it('without a pooler begins the hidden layer anew', async () => {
    const shapes = BERT.filter(([name]) => !name.startsWith('pooler'));
    const model = await readHuggingFaceFolder(safetensorsFolder(BERT_CONFIG, shapes), CHOICES);
    expect(model.fresh).toEqual(['hidden.0.weight', 'hidden.0.bias', 'output.weight', 'output.bias']);
    expect(model.tensors.has('hidden.0.weight')).toBe(false);
  });

  it.each([
    ['relu', 'relu'],
    ['gelu', 'gelu'],
    ['gelu_new', 'gelu_tanh'],
    ['gelu_pytorch_tanh', 'gelu_tanh'],
  ] as const)('with hidden_act %s', async (hidden_act, activation) => {
    const folder = safetensorsFolder({ ...BERT_CONFIG, hidden_act, layer_norm_eps: 1e-6 }, BERT);
    const { model } = await readHuggingFaceFolder(folder, CHOICES);
    expect({ activation: model.activation, eps: model.layerNormEps }).toEqual({ activation, eps: 1e-6 });
  });

  it('without a model_type, as the oldest folders are', async () => {
    const { model_type: _, ...config } = BERT_CONFIG;
    const model = await readHuggingFaceFolder(safetensorsFolder(config, BERT), CHOICES);
    expect(model.notes).toEqual([
      'config.json does not name its family; it was told from what else it says.',
    ]);
  });

  it('with two rates of dropout says which one is used', async () => {
    const folder = safetensorsFolder({ ...BERT_CONFIG, attention_probs_dropout_prob: 0 }, BERT);
    const model = await readHuggingFaceFolder(folder, CHOICES);
    expect(model.notes).toEqual([
      'It was trained with dropout 0.1, and 0 in attention; one rate is used for both.',
    ]);
  });

  it.each([
    [1, (row: number) => row * 0],
    [4, (row: number) => row],
  ])('with %i segments', async (type_vocab_size, rowInFile) => {
    const name = 'embeddings.token_type_embeddings.weight';
    const shapes: Shapes = BERT.map((one) => (one[0] === name ? [name, [type_vocab_size, 8]] : one));
    const model = await readHuggingFaceFolder(
      safetensorsFolder({ ...BERT_CONFIG, type_vocab_size }, shapes),
      CHOICES,
    );
    const inFile = numberedTensors(shapes).get(name)!;
    const row = (at: number) => [...inFile.subarray(8 * at, 8 * at + 8)];
    const { shape, values } = model.tensors.get('encoder.segment_embedding.weight')!;
    expect({ shape, values: [...values] }).toEqual({
      shape: [2, 8],
      values: [...row(rowInFile(0)), ...row(rowInFile(1))],
    });
    expect(model.notes).toEqual(type_vocab_size > 2 ? ['Of its 4 segments the first two are used.'] : []);
  });

  it('in shards', async () => {
    const folder = safetensorsFolder(BERT_CONFIG, null);
    const tensors = [...asNamedTensors(BERT)];
    const weight_map: Record<string, string> = {};
    for (const [shard, part] of [tensors.slice(0, 11), tensors.slice(11)].entries()) {
      const file = `model-0000${shard + 1}-of-00002.safetensors`;
      writeFileSync(join(folder, file), Buffer.concat(encodeSafetensors(new Map(part))));
      for (const [name] of part) weight_map[name] = file;
    }
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map }));
    const model = await readHuggingFaceFolder(folder, CHOICES);
    expectNumbers(model, BERT, (name) => BERT_OURS.get(name));
    expect(model.tensors.size).toBe(BERT_OURS.size);
  });
});

describe('a head', () => {
  const rows = (model: Whole<HuggingFaceModel>, name: string) => {
    const values = [...model.tensors.get(name)!.values];
    const width = values.length / 3;
    return [0, 1, 2].map((row) => values.slice(row * width, (row + 1) * width));
  };
  const inFile = numberedTensors(WITH_HEAD);
  const fileRow = (row: number) => [...inFile.get('classifier.weight')!.subarray(8 * row, 8 * row + 8)];

  it('is put into the order of our labels, by name', async () => {
    const folder = safetensorsFolder({ ...BERT_CONFIG, ...SEQUENCE }, WITH_HEAD);
    const model = await readHuggingFaceFolder(folder, { ...CHOICES, classes: 7 });
    expect(model.head).toEqual({ labels: ['entailment', 'contradiction', 'neutral'] });
    expect(model.model.classes).toBe(3);
    expect(rows(model, 'output.weight')).toEqual([fileRow(2), fileRow(0), fileRow(1)]);
    const bias = inFile.get('classifier.bias')!;
    expect(rows(model, 'output.bias')).toEqual([[bias[2]], [bias[0]], [bias[1]]]);
    expect({ fresh: model.fresh, unused: model.unused }).toEqual({ fresh: [], unused: [] });
  });

  it.each([
    ['LABEL_0', { id2label: { '0': 'LABEL_0', '1': 'LABEL_1', '2': 'LABEL_2' } }],
    ['LABEL_2 among names', { id2label: { '0': 'entailment', '1': 'neutral', '2': 'LABEL_2' } }],
    ['nothing', {}],
  ])('that says %s asks what its outputs mean', async (_, config) => {
    const folder = safetensorsFolder({ ...BERT_CONFIG, ...config }, WITH_HEAD);
    const unknown = await readHuggingFaceFolder(folder, CHOICES);
    expect(unknown.head).toEqual({ labels: null });
    expect(rows(unknown, 'output.weight')).toEqual([fileRow(0), fileRow(1), fileRow(2)]);
    const meanings = ['contradiction', 'entailment', 'neutral'];
    const known = await readHuggingFaceFolder(folder, { classes: 3, meanings });
    expect(known.head?.labels).toEqual(['entailment', 'contradiction', 'neutral']);
    expect(rows(known, 'output.weight')).toEqual([fileRow(1), fileRow(0), fileRow(2)]);
  });

  it('of other labels keeps its own order and names', async () => {
    const id2label = { '2': 'positive', '0': 'negative', '1': 'neutral' };
    const model = await readHuggingFaceFolder(
      safetensorsFolder({ ...BERT_CONFIG, id2label }, WITH_HEAD),
      CHOICES,
    );
    expect(model.head?.labels).toEqual(['negative', 'neutral', 'positive']);
    expect(rows(model, 'output.weight')).toEqual([fileRow(0), fileRow(1), fileRow(2)]);
  });

  it.each<[string, object, Shapes]>([
    ['for single words', { architectures: ['BertForTokenClassification'] }, WITH_HEAD],
    ['of several labels at once', { problem_type: 'multi_label_classification' }, WITH_HEAD],
    [
      'of one number',
      SEQUENCE,
      [...prefixed('bert.', BERT), ['classifier.weight', [1, 8]], ['classifier.bias', [1]]],
    ],
  ])('%s is left out', async (_, config, shapes) => {
    const model = await readHuggingFaceFolder(
      safetensorsFolder({ ...BERT_CONFIG, ...config }, shapes),
      CHOICES,
    );
    expect(model.head).toBeNull();
    expect(model.fresh).toEqual(['output.weight', 'output.bias']);
    expect(model.notes.at(-1)).toBe(
      'Heads for other tasks were left out: "classifier.bias", "classifier.weight".',
    );
  });

  it.each([
    [
      'BAD_FILE',
      { id2label: { '0': 'entailment', '1': 'neutral' } },
      null,
      '2 labels are named, but the model has 3',
    ],
    ['BAD_FILE', { id2label: { '0': 'a', '1': 'b', '2': 'a' } }, null, 'two outputs are called "a"'],
    ['BAD_FILE', { id2label: { '0': 'a', '1': 'b', '3': 'c' } }, null, 'does not say what label 2 means'],
    ['BAD_FILE', { id2label: { '0': 'a', '1': 7 } }, null, 'at id2label.1'],
    ['USAGE', SEQUENCE, ['entailment', 'neutral'], '2 labels are named, but the model has 3'],
    ['USAGE', SEQUENCE, ['entailment', 'neutral', 'neutral'], 'two outputs are called "neutral"'],
  ])('%s: %o %o', async (code, config, meanings, words) => {
    const folder = safetensorsFolder({ ...BERT_CONFIG, ...config }, WITH_HEAD);
    const error = await studioRejectionOf(readHuggingFaceFolder(folder, { classes: 3, meanings }));
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });
});

describe('DistilBERT', () => {
  it('has no segments, and without a head no hidden layer', async () => {
    const model = await readHuggingFaceFolder(safetensorsFolder(DISTILBERT_CONFIG, DISTILBERT), CHOICES);
    expect(model.family).toBe('distilbert');
    expect(model.model).toMatchObject({
      layers: 2,
      hidden: 8,
      heads: 2,
      feedForward: 12,
      layerNormEps: 1e-12,
      segments: 0,
      headActivation: 'relu',
    });
    expect(model.fresh).toEqual(['hidden.0.weight', 'hidden.0.bias', 'output.weight', 'output.bias']);
    expectNumbers(model, DISTILBERT, (name) => DISTILBERT_OURS.get(name));
    expect(model.tensors.size).toBe(DISTILBERT_OURS.size);
    const { ours, given } = orderOf(model);
    expect(given).toEqual(ours);
  });

  it('with a head says that its hidden layer is ReLU', async () => {
    const shapes: Shapes = [
      ...prefixed('distilbert.', DISTILBERT),
      ['pre_classifier.weight', [8, 8]],
      ['pre_classifier.bias', [8]],
      ...HEAD,
      ['vocab_projector.bias', [10]],
    ];
    const config = { ...DISTILBERT_CONFIG, ...NLI, architectures: ['DistilBertForSequenceClassification'] };
    const model = await readHuggingFaceFolder(safetensorsFolder(config, shapes), CHOICES);
    expect(model.head).toEqual({ labels: ['entailment', 'contradiction', 'neutral'] });
    expect(model.fresh).toEqual([]);
    expect(model.unused).toEqual(['vocab_projector.bias']);
    expect([...model.tensors.get('hidden.0.weight')!.values]).toEqual([
      ...numberedTensors(shapes).get('pre_classifier.weight')!,
    ]);
  });
});

describe('a folder is refused', () => {
  const refusal = (folder: string) => studioRejectionOf(readHuggingFaceFolder(folder, CHOICES));

  it.each(BAD_CONFIGURATIONS)('with config.json of %s', async (_, content, words) => {
    const folder = safetensorsFolder(BERT_CONFIG, BERT);
    writeFileSync(join(folder, 'config.json'), content);
    const error = await refusal(folder);
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toContain(words);
    expect(error.message).toContain('config.json');
    expect(error.message.length).toBeLessThan(400);
    expect(error.nextStep).not.toBe('');
  });

  it('names what is supported when the family is not', async () => {
    const error = await refusal(safetensorsFolder({ model_type: 'roberta' }, BERT));
    expect(error.nextStep).toBe(
      'BERT (base, large, small, mini, tiny), MiniLM and DistilBERT can be imported.',
    );
  });

  it.each<[string, Shapes, string]>([
    [
      'without tensors',
      BERT.filter(([name]) => !name.includes('layer.1.attention.self')),
      '"encoder.layer.1.attention.self.query.weight", "encoder.layer.1.attention.self.query.bias", ' +
        '"encoder.layer.1.attention.self.key.weight" and 3 more',
    ],
    [
      'with a head but no pooler',
      WITH_HEAD.filter(([name]) => !name.includes('pooler')),
      '"bert.pooler.dense.weight"',
    ],
    [
      'with another vocabulary',
      BERT.map((one) => (one[0].includes('word_emb') ? [one[0], [11, 8]] : one)),
      '[11, 8], but its network needs [10, 8]',
    ],
    [
      'with fewer positions',
      BERT.map((one) => (one[0].includes('position_emb') ? [one[0], [8, 8]] : one)),
      '[8, 8], but its network needs [16, 8]',
    ],
    ['of nothing', [['x', [1]]], 'lacks tensors'],
  ])('%s', async (_, shapes, words) => {
    const error = await refusal(safetensorsFolder(BERT_CONFIG, shapes));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toContain(words);
  });

  it('when files are missing or of another kind', async () => {
    const empty = temporaryFolder();
    expect(await refusal(empty)).toMatchObject({ code: 'NOT_FOUND' });
    const noWeights = safetensorsFolder(BERT_CONFIG, null);
    expect((await refusal(noWeights)).message).toContain('has no model.safetensors or pytorch_model.bin.');
    writeFileSync(join(noWeights, 'tf_model.h5'), '');
    expect((await refusal(noWeights)).message).toContain('only tf_model.h5');
    mkdirSync(join(noWeights, 'model.safetensors'));
    expect(await refusal(noWeights)).toMatchObject({ code: 'UNREADABLE' });
  });

  it.each<[string, object, string]>([
    ['leads outside', { weight_map: { x: '../../secret' } }, '"../../secret"'],
    ['is absolute', { weight_map: { x: '/etc/passwd' } }, '"/etc/passwd"'],
    ['has backslashes', { weight_map: { x: '..\\secret' } }, 'does not lie beside it'],
    ['is a folder up', { weight_map: { x: '..' } }, '".."'],
    ['is empty', { weight_map: { x: '' } }, 'does not lie beside it'],
    [
      'does not hold its tensor',
      { weight_map: { x: 'one.safetensors' } },
      'one.safetensors does not hold tensor "x"',
    ],
    ['is a number', { weight_map: { x: 1 } }, 'no weight_map'],
    ['is not listed', {}, 'no weight_map'],
  ])('when a shard %s', async (_, index, words) => {
    const folder = safetensorsFolder(BERT_CONFIG, null);
    writeFileSync(
      join(folder, 'one.safetensors'),
      Buffer.concat(encodeSafetensors(asNamedTensors([['y', [1]]]))),
    );
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
    const error = await refusal(folder);
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toContain(words);
  });

  it('when a shard is missing', async () => {
    const folder = safetensorsFolder(BERT_CONFIG, null);
    writeFileSync(join(folder, 'model.safetensors.index.json'), '{"weight_map":{"x":"two.safetensors"}}');
    const error = await refusal(folder);
    expect(error.code).toBe('NOT_FOUND');
    expect(error.message).toContain('two.safetensors');
  });
});
