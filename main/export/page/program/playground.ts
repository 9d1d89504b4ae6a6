/** @file Runs in the exported page. The page that asks a model of Entail without Entail: loads it, answers while one types. */
import type { PageModel } from '../pageData.ts';
import { AnswerView, element, find } from './answerView.ts';
import { type PageAnswer, PageClassifier, startBackend } from './classifier.ts';
import { bytesOfBase64, Parcels } from './parcels.ts';

/** What scripts of the page and its console use. */
interface Playground {
  receive: Parcels['receive'];
  /** `await entailPlayground.answer('A man sleeps.', 'A man is awake.')`; null for a model of one sentence. */
  answer(premise: string, hypothesis: string | null): Promise<PageAnswer>;
}

declare global {
  var entailPlayground: Playground;
}

/** A pause in typing after which the model is asked. */
const PAUSE_MS = 120;

const parcels = new Parcels();
const loading = load();
globalThis.entailPlayground = {
  receive: (kind, value) => parcels.receive(kind, value),
  answer: async (premise, hypothesis) => (await loading).classifier.answer(premise, hypothesis),
};
void loading.then(start, showFailure);

interface Loaded {
  readonly model: PageModel;
  readonly classifier: PageClassifier;
}

async function load(): Promise<Loaded> {
  // Scripts may only come once there is something that receives them.
  await Promise.resolve();
  const model = await parcels.load('model.js', 'model');
  await startBackend(bytesOfBase64(await parcels.load('wasm.js', 'wasm')));
  const shards: ArrayBuffer[] = [];
  for (const [done, file] of model.weightScripts.entries()) {
    showProgress(done / model.weightScripts.length);
    shards.push(bytesOfBase64(await parcels.load(file, 'weights')).buffer);
  }
  showProgress(1);
  const classifier = await PageClassifier.load(model, shards);
  // The first answer of a model is slow; nobody should wait for it.
  await classifier.answer('a', model.sentencesPerExample === 1 ? null : 'a');
  return { model, classifier };
}

function showProgress(share: number): void {
  const percent = Math.round(share * 100);
  find('status').textContent = `Loading the model: ${percent} %`;
  find('progress').style.width = `${percent}%`;
}

function showFailure(thrown: unknown): void {
  find('status').textContent = thrown instanceof Error ? thrown.message : String(thrown);
  document.body.dataset['state'] = 'failed';
}

function start({ model, classifier }: Loaded): void {
  const [premise, hypothesis] = [textField('premise'), textField('hypothesis')];
  const view = new AnswerView(model.labels);
  const isPair = model.sentencesPerExample === 2;
  if (!isPair) find('hypothesis_field').hidden = true;
  let pause = 0;
  const ask = async () => {
    const [first, second] = [premise.value.trim(), hypothesis.value.trim()];
    if (first === '' || (isPair && second === '')) return view.clear();
    try {
      view.show(await classifier.answer(first, isPair ? second : null), model.maxLen);
    } catch (thrown) {
      view.fail(thrown);
    }
  };
  for (const field of [premise, hypothesis]) {
    field.addEventListener('input', () => {
      clearTimeout(pause);
      pause = window.setTimeout(() => void ask(), PAUSE_MS);
    });
  }
  const examples = model.examples.map((example) => {
    const button = element('button', 'example');
    button.type = 'button';
    button.append(
      element('span', '', example.premise),
      ' ',
      element('span', 'second', example.hypothesis ?? ''),
    );
    button.addEventListener('click', () => {
      premise.value = example.premise;
      hypothesis.value = example.hypothesis ?? '';
      void ask();
    });
    return button;
  });
  find('examples').replaceChildren(...examples);
  find('examples_panel').hidden = examples.length === 0;
  document.body.dataset['state'] = 'ready';
  view.clear();
  examples[0]?.click();
}

function textField(id: string): HTMLTextAreaElement {
  const field = find(id);
  if (!(field instanceof HTMLTextAreaElement)) throw new Error(`#${id} is not a text field`);
  return field;
}
