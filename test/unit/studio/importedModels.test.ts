/** @file Tests. Imported models at work: asked, evaluated, fine-tuned, deleted; real files, real child processes. */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { logTail } from '../../../main/db/logs.ts';
import { findRun } from '../../../main/db/runs.ts';
import { SNLI_LABELS } from '../../../shared/datasets.ts';
import type { EngineName } from '../../../shared/engines.ts';
import { fineTuningDefaults } from '../../../shared/presets.ts';
import { readFixture } from '../../golden/fixtures.ts';
import { dataDirectoryForTests, whyAbsent } from '../../support/enginesForTests.ts';
import { BOOK_WORDS, bookArchive, goldenFolder, importOf } from '../../support/importableModels.ts';
import { numberedPairs } from '../../support/pairsCsv.ts';
import { PlaygroundStudio } from '../../support/playgroundStudio.ts';
import { studioErrorOf, studioRejectionOf } from '../../support/studioErrorOf.ts';

const golden = readFixture('hugging_face.json');
/** Where our labels stand in the fixtures' files. */
const OUTPUTS = [2, 0, 1];
const studio = new PlaygroundStudio();
const { models, inference, databases } = studio;
// What is installed for tests serves this studio too.
symlinkSync(join(dataDirectoryForTests(), 'engines'), join(databases.places.root, 'engines'));
const ENGINES = (['native', 'wasm', 'cpu', 'tensorflow'] as const).filter((name) => whyAbsent(name) === null);
const CLASSIFIERS = ['hf_bert_classifier', 'hf_distilbert_classifier'] as const;
/** The fixtures have 20 positions. */
const SHORT = { maxLen: 20, epochs: 1, batchSize: 64, workers: 1 };

afterAll(() => databases.close());

async function imported(name: (typeof CLASSIFIERS)[number]): Promise<string> {
  const own = name.replaceAll('_', '-');
  if (models.find(own) === null) await models.import(importOf(goldenFolder(name), own));
  return own;
}

async function dataset(labels?: string[]): Promise<string> {
  const name = labels === undefined ? 'pairs' : labels.join('-');
  await studio.import(name, numberedPairs(60, labels)).catch((thrown: { code?: string }) => {
    if (thrown.code !== 'ALREADY_EXISTS') throw thrown;
  });
  return name;
}

const linesOf = (run: string) => logTail(databases.store(), run, null).lines.map(({ text }) => text);

describe('a classifier that transformers saved', () => {
  it.each(CLASSIFIERS.flatMap((name) => ENGINES.map((engine): [string, EngineName] => [name, engine])))(
    '%s, asked on %s, answers as transformers',
    async (name, engine) => {
      const model = await imported(name as (typeof CLASSIFIERS)[number]);
      const predictor = await inference.openPredictor(model, { engine, threads: null });
      const pairs = golden.texts.map(([premise, hypothesis]) => ({ premise, hypothesis }));
      const answers = await predictor.predict(pairs);
      await predictor.close();
      expect(predictor.labels).toEqual(SNLI_LABELS);
      const { values } = golden.models[name as (typeof CLASSIFIERS)[number]].probabilities!;
      const expected = pairs.flatMap((_, pair) => OUTPUTS.map((output) => values[3 * pair + output]!));
      for (const [at, value] of expected.entries()) expect(answers[at]).toBeCloseTo(value, 5);
    },
  );

  it('is evaluated on a data set that has its labels, and on no other', async () => {
    const model = await imported('hf_bert_classifier');
    const request = {
      ...({ engine: 'wasm', threads: null, split: 'test', onProgress: () => {} } as const),
      signal: new AbortController().signal,
    };
    const { evaluation } = await inference.evaluate(model, { ...request, dataset: await dataset() });
    expect(evaluation.pairs).toBeGreaterThan(0);
    const others = await dataset(['yes', 'no', 'maybe']);
    const error = await studioRejectionOf(inference.evaluate(model, { ...request, dataset: others }));
    expect(error.message).toContain('The model knows the labels entailment, contradiction, neutral');
    const none = await studioRejectionOf(inference.evaluate(model, { ...request, dataset: null }));
    expect(none.nextStep).toContain('--dataset');
  });

  it('whose weights are no numbers gives no answer instead of the first label', async () => {
    const folder = goldenFolder('hf_bert_classifier');
    const path = join(folder, 'model.safetensors');
    const bytes = readFileSync(path);
    bytes.writeFloatLE(Number.NaN, bytes.length - 4);
    writeFileSync(path, bytes);
    await models.import(importOf(folder, 'not-a-number'));
    const wish = { engine: 'wasm', threads: null } as const;
    const pair = { premise: 'a', hypothesis: 'b' };
    const refused = {
      code: 'BAD_FILE',
      message: 'The model gives no answers: what it computes are no numbers.',
    };
    const predictor = await inference.openPredictor('not-a-number', wish);
    expect(await studioRejectionOf(predictor.predict([pair]))).toMatchObject(refused);
    await predictor.close();
    const request = { ...wish, split: 'test', onProgress: () => {} } as const;
    const evaluated = inference.evaluate('not-a-number', {
      ...{ ...request, dataset: await dataset(), signal: new AbortController().signal },
    });
    expect(await studioRejectionOf(evaluated)).toMatchObject(refused);
    const playground = studio.playground();
    const question = { run: 'not-a-number', premise: 'a', hypothesis: 'b' };
    const unanswered = await studioRejectionOf(playground.answer(question));
    expect(unanswered).toMatchObject({ ...refused, nextStep: expect.stringContaining('NaN') });
    await playground.close();
  });

  it('is answered about in the playground', async () => {
    const model = await imported('hf_distilbert_classifier');
    const playground = studio.playground();
    const [premise, hypothesis] = golden.texts[0]!;
    const answer = await playground.answer({ run: model, premise, hypothesis });
    await playground.close();
    expect(answer.run).toBe(model);
    expect(answer.tokens.slice(0, 6)).toEqual(['[CLS]', 'a', 'man', 'is', 'play', '##ing']);
  });

  it('is fine-tuned with its head where the labels are its own, with a new one where not, and says so', async () => {
    const model = await imported('hf_distilbert_classifier');
    const same = await studio.startTraining(await dataset(), SHORT, () => {}, model);
    await same.done;
    expect(linesOf(same.runId)).toContain(
      'It begins with all weights of the model hf-distilbert-classifier, its head among them.',
    );
    const { config } = findRun(databases.store(), same.runId);
    expect(config.model).toMatchObject({
      segments: 0,
      headActivation: 'relu',
      headDropout: true,
      classes: 3,
    });
    expect(config.base).toEqual({ name: model, manifestSha256: models.require(model).manifestSha256 });
    const other = await studio.startTraining(await dataset(['yes', 'no', 'maybe']), SHORT, () => {}, model);
    await other.done;
    expect(linesOf(other.runId)).toContain(
      'It begins with the weights of the model hf-distilbert-classifier; output.weight, output.bias begin at random.',
    );
    // What came out of it answers like any other run.
    const predictor = await inference.openPredictor(other.runId, { engine: 'wasm', threads: null });
    expect(predictor.labels).toEqual(['maybe', 'no', 'yes'].sort());
    await predictor.close();
  });

  it('is refused as a beginning of longer pairs than it has positions for', async () => {
    const model = await imported('hf_bert_classifier');
    const error = await studioRejectionOf(
      studio.startTraining(await dataset(), { ...SHORT, maxLen: 64 }, () => {}, model),
    );
    expect(error.message).toBe('The model hf-bert-classifier has 20 positions; --max-len is 64.');
  });
});

describe("the book's archives", () => {
  it('bert.small is imported and fine-tuned from', async () => {
    const size = 'bert.small';
    const model = await models.import(importOf(bookArchive(size), size));
    expect(model.model.heads).toBe(4);
    expect(model.tokenizer).toEqual({ kind: 'words', tokens: BOOK_WORDS.length, lowercase: true });
    expect(model.head).toBeNull();
    const unable = await studioRejectionOf(inference.openPredictor(size, { engine: null, threads: null }));
    expect(unable.message).toContain('has no head');
    // A step or two are enough to see that every parameter found its place.
    const changes = { ...fineTuningDefaults(model.model), epochs: 1, batchSize: 64, workers: 1 };
    const training = await studio.startTraining(await dataset(), changes, () => {}, size);
    expect((await training.done).outcome).toBe('finished');
    expect(linesOf(training.runId)).toContain(
      `It begins with the weights of the model ${size}; output.weight, output.bias begin at random.`,
    );
  });

  it('are refused with a vocabulary that is not that of their table', async () => {
    const archive = bookArchive('bert.small', [...BOOK_WORDS, 'zebra']);
    const error = await studioRejectionOf(models.import(importOf(archive, 'long')));
    expect(error.message).toContain('11 words, but its token table has 10 rows');
    expect(models.list().models.map(({ name }) => name)).not.toContain('long');
  });
});

it('a model is not deleted under a run that waits to begin from it', async () => {
  const model = await imported('hf_bert_classifier');
  const run = await studio.enqueue(await dataset(), SHORT, model);
  expect(studioErrorOf(() => models.delete(model)).message).toContain(`Run ${run} begins from the model`);
  expect(models.usedBy(model)).toContain(run);
  expect(join(models.folder(model), 'weights.safetensors')).toBe(
    findRun(databases.store(), run).config.startFrom,
  );
});
