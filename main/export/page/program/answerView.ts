/** @file Runs in the exported page. The answer on the page: a bar a label, and what a person should know about it. */
import type { PageAnswer } from './classifier.ts';

const KNOWN: ReadonlyMap<string, string> = new Map([
  ['entailment', 'entailment'],
  ['neutral', 'neutral'],
  ['contradiction', 'contradiction'],
]);
const OTHERS = ['entailment', 'contradiction', 'neutral', 'label-4', 'label-5', 'label-6'] as const;

/** As in the studio (renderer/format/labels.ts). */
function labelColour(label: string, at: number): string {
  return `var(--${KNOWN.get(label.toLowerCase()) ?? OTHERS[at % OTHERS.length]})`;
}

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className: string,
  text = '',
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

interface Line {
  readonly row: HTMLElement;
  readonly bar: HTMLElement;
  readonly share: HTMLElement;
}

export class AnswerView {
  readonly #labels: readonly string[];
  readonly #lines: readonly Line[];
  readonly #verdict = find('verdict');
  readonly #notes = find('notes');
  readonly #timing = find('timing');

  constructor(labels: readonly string[]) {
    this.#labels = labels;
    this.#lines = labels.map((label, at) => {
      const row = element('div', 'line');
      row.style.setProperty('--label', labelColour(label, at));
      const track = element('span', 'track');
      const bar = element('i', 'fill');
      track.append(bar);
      const share = element('span', 'share', '–');
      row.append(element('span', 'label', label), track, share);
      return { row, bar, share };
    });
    find('bars').replaceChildren(...this.#lines.map(({ row }) => row));
  }

  /** Nothing is asked. */
  clear(): void {
    for (const line of this.#lines) this.#show(line, null);
    this.#verdict.textContent = 'Write something above.';
    this.#verdict.style.removeProperty('color');
    this.#notes.replaceChildren();
    this.#timing.textContent = '';
  }

  show(answer: PageAnswer, maxLen: number): void {
    const best = answer.probabilities.indexOf(Math.max(...answer.probabilities));
    for (const [at, line] of this.#lines.entries()) {
      this.#show(line, answer.probabilities[at]!);
      line.row.classList.toggle('best', at === best);
      line.row.title = `score before the softmax: ${answer.logits[at]!.toFixed(4)}`;
    }
    this.#verdict.textContent = this.#labels[best]!;
    this.#verdict.style.color = labelColour(this.#labels[best]!, best);
    this.#notes.replaceChildren(...notesOf(answer, maxLen).map((text) => element('p', 'note', text)));
    const tokens = `${answer.ids.length} tokens`;
    const time = answer.milliseconds < 1 ? 'under 1 ms' : `${Math.round(answer.milliseconds)} ms`;
    this.#timing.textContent = `${tokens}, ${time}`;
  }

  fail(thrown: unknown): void {
    this.clear();
    this.#verdict.textContent = 'No answer';
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    this.#notes.replaceChildren(element('p', 'note bad', reason));
  }

  #show({ bar, share, row }: Line, probability: number | null): void {
    bar.style.width = `${(probability ?? 0) * 100}%`;
    share.textContent = probability === null ? '–' : `${(probability * 100).toFixed(1)} %`;
    if (probability === null) row.classList.remove('best');
  }
}

function notesOf({ unknown, truncated }: PageAnswer, maxLen: number): string[] {
  const words = unknown.slice(0, 8).map((word) => `“${word}”`);
  const more = unknown.length > words.length ? ` and ${unknown.length - words.length} more` : '';
  return [
    ...(words.length === 0
      ? []
      : [`It has never seen ${words.join(', ')}${more}: its answer is a guess there.`]),
    ...(truncated ? [`Only the first ${maxLen} tokens were read: the rest was cut off.`] : []),
  ];
}

/** An element of the page by its id, which index.html has. */
export function find(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no #${id}`);
  return found;
}
