/** @file Runs under Node. What a command writes to: lines and a live line for people, JSON lines for scripts. */
import { createInterface, type Interface } from 'node:readline/promises';
import { stripVTControlCharacters } from 'node:util';
import { StudioError } from '../../shared/errors.ts';

/** The part of process.stdin, stdout and stderr that is used; tests give streams of their own. */
export interface Streams {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly errors: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof STYLES;

const ESCAPE = '\u001b[';
/** A live line is drawn at most this often; what is drawn last is always the newest. */
const LIVE_INTERVAL_MS = 100;

/** Text from outside (names, sentences, labels) must not steer the terminal: control characters become visible. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose.
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

export class Terminal {
  readonly json: boolean;
  /** True when progress may be drawn over itself. */
  readonly live: boolean;
  readonly width: number;
  readonly #streams: Streams;
  readonly #colours: boolean;
  #liveShown = '';
  #drawnAtMs = Number.NEGATIVE_INFINITY;

  constructor(streams: Streams, { json }: { json: boolean }) {
    this.json = json;
    this.#streams = streams;
    const { output, environment } = streams;
    const capable = output.isTTY === true && environment['TERM'] !== 'dumb' && !json;
    this.live = capable;
    // https://no-color.org: set and not empty, whatever the value.
    this.#colours = capable && (environment['NO_COLOR'] ?? '') === '';
    this.width = output.columns ?? 80;
  }

  /** Colours on a terminal that wants them, plain text elsewhere. */
  paint(style: Style, text: string): string {
    return this.#colours ? `${ESCAPE}${STYLES[style]}m${text}${ESCAPE}0m` : text;
  }

  /** A line, or several, for a person; scripts (--json) do not see it. */
  line(text = ''): void {
    if (this.json) return;
    this.endLive();
    this.#streams.output.write(`${text}\n`);
  }

  /** An object for a script, one a line; people do not see it. */
  event(event: string, fields: object = {}): void {
    if (this.json) this.#streams.output.write(`${JSON.stringify({ event, ...fields })}\n`);
  }

  /** The one JSON document of a command that only answers. */
  document(value: unknown): void {
    if (this.json) this.#streams.output.write(`${JSON.stringify(value)}\n`);
  }

  /** Something a person should know that is no result; on stderr, so that a JSON document stays one. */
  notice(text: string): void {
    this.endLive();
    this.#streams.errors.write(`note: ${printable(text)}\n`);
  }

  complain(text: string): void {
    this.endLive();
    this.#streams.errors.write(`${text}\n`);
  }

  /** Replaces the live line; nothing happens where lines cannot be replaced. */
  showLive(text: string): void {
    if (!this.live) return;
    const nowMs = performance.now();
    if (nowMs - this.#drawnAtMs < LIVE_INTERVAL_MS) return;
    this.#drawnAtMs = nowMs;
    // A line that wraps could not be erased as one.
    const fitting =
      stripVTControlCharacters(text).length < this.width
        ? text
        : stripVTControlCharacters(text).slice(0, this.width - 1);
    this.#liveShown = fitting;
    this.#streams.output.write(`\r${ESCAPE}2K${fitting}`);
  }

  /** Removes the live line, so that an ordinary line can follow. */
  endLive(): void {
    if (this.#liveShown === '') return;
    this.#liveShown = '';
    this.#drawnAtMs = Number.NEGATIVE_INFINITY;
    this.#streams.output.write(`\r${ESCAPE}2K`);
  }

  /**
   * Asks for a yes before something is lost, and says so when the answer is no. `yes` is --yes: nothing is asked.
   * Ctrl-D is a no.
   * @throws StudioError USAGE where nobody can be asked, CANCELLED on Ctrl-C.
   */
  async confirm(question: string, { yes }: { yes: boolean }): Promise<boolean> {
    if (yes) return true;
    if (!this.asks) {
      throw new StudioError('USAGE', 'Nothing was deleted: nobody can be asked here.', {
        nextStep: 'Add --yes to delete without being asked.',
      });
    }
    const agreed = /^y(es)?$/i.test((await this.ask(`${question} [y/N] `)).trim());
    if (!agreed) this.line('Nothing was deleted.');
    return agreed;
  }

  /** True where somebody can be asked. */
  get asks(): boolean {
    const { input, output } = this.#streams;
    return !this.json && input.isTTY === true && output.isTTY === true;
  }

  /** What is typed after a question; nothing for Ctrl-D. Only where `asks`. @throws StudioError CANCELLED on Ctrl-C. */
  async ask(question: string): Promise<string> {
    const { input, output } = this.#streams;
    const asked = createInterface({ input, output });
    try {
      return await this.#answerTo(asked, question);
    } finally {
      asked.close();
    }
  }

  /** What is typed; nothing for Ctrl-D. @throws StudioError CANCELLED on Ctrl-C. */
  async #answerTo(asked: Interface, question: string): Promise<string> {
    return await new Promise((resolve, reject) => {
      let settled = false;
      const settle = (how: () => void) => {
        if (settled) return;
        settled = true;
        // Neither key ends the line that the question stands on.
        this.#streams.output.write('\n');
        how();
      };
      asked.once('SIGINT', () => settle(() => reject(new StudioError('CANCELLED', 'Nothing was done.'))));
      asked.question(question).then(resolve, () => settle(() => resolve('')));
    });
  }
}
