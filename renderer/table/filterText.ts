/**
 * @file Runs in the page. Filters as a person types them: `accuracy > 0.5 and dataset = snli`, `tags has best or
 * (lr < 1e-4 and state in (running, queued))`, `created within 2 days`; a lone word is searched for.
 */
import type { Condition, Filter, Operator } from './filter.ts';
import { type Token, tokenise } from './filterTokens.ts';
import { SYMBOLS, UNIT_MS, WORD_OPERATORS } from './filterWords.ts';
import type { Column } from './indexedTable.ts';

export type ParsedFilter =
  | { readonly ok: true; readonly filter: Filter }
  | { readonly ok: false; readonly message: string; readonly at: number };

/** What people call things, and the columns that may be meant, best first. */
const ALIASES: ReadonlyMap<string, readonly string[]> = new Map([
  ['accuracy', ['test/accuracy', 'dev/accuracy', 'result/testAccuracy', 'result/devAccuracy']],
  ['loss', ['test/loss', 'dev/loss', 'step/loss']],
  ['f1', ['test/macroF1', 'dev/macroF1']],
  ['dataset', ['dataset.name']],
  ['data', ['dataset.name']],
  ['batch', ['hyperparameters.batchSize']],
  ['model', ['hyperparameters.size']],
  ['tag', ['tags']],
]);

class FilterError extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

export function parseFilter(text: string, columns: readonly Column[]): ParsedFilter {
  try {
    const tokens = tokenise(text);
    const parser = new FilterParser(tokens, columns, text.length);
    return { ok: true, filter: parser.parse() };
  } catch (thrown) {
    if (thrown instanceof FilterError) return { ok: false, message: thrown.message, at: thrown.at };
    throw thrown;
  }
}

/** By key, by name, by what people call it, by the last word of the key. */
export function columnNamed(words: string, columns: readonly Column[]): Column | undefined {
  const wanted = words.toLowerCase();
  const exact = columns.find(
    ({ key, name }) => key.toLowerCase() === wanted || name.toLowerCase() === wanted,
  );
  if (exact !== undefined) return exact;
  for (const key of ALIASES.get(wanted) ?? []) {
    const found = columns.find((column) => column.key === key);
    if (found !== undefined) return found;
  }
  return columns.find(({ key }) => /[^./]+$/.exec(key)?.[0].toLowerCase() === wanted);
}

class FilterParser {
  readonly #tokens: readonly Token[];
  readonly #columns: readonly Column[];
  readonly #end: number;
  #place = 0;

  constructor(tokens: readonly Token[], columns: readonly Column[], end: number) {
    this.#tokens = tokens;
    this.#columns = columns;
    this.#end = end;
  }

  parse(): Filter {
    if (this.#tokens.length === 0) return { kind: 'and', of: [] };
    const filter = this.#either();
    if (this.#peek() !== undefined) throw this.#error('There is one ")" too many.');
    return filter;
  }

  #peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#place + ahead];
  }

  #error(message: string): FilterError {
    return new FilterError(message, this.#peek()?.at ?? this.#end);
  }

  #isWord(word: string, ahead = 0): boolean {
    const token = this.#peek(ahead);
    return token?.kind === 'word' && token.text.toLowerCase() === word;
  }

  #skip(word: string): boolean {
    const found = this.#isWord(word);
    if (found) this.#place++;
    return found;
  }

  #either(): Filter {
    const of = [this.#all()];
    while (this.#skip('or')) of.push(this.#all());
    return of.length === 1 ? of[0]! : { kind: 'or', of };
  }

  #all(): Filter {
    const of = this.#unary();
    while (true) {
      const next = this.#peek();
      if (next === undefined || this.#isWord('or') || (next.kind === 'symbol' && next.text === ')')) break;
      this.#skip('and');
      of.push(...this.#unary());
    }
    return of.length === 1 ? of[0]! : { kind: 'and', of };
  }

  #unary(): Filter[] {
    const token = this.#peek();
    if (token === undefined) throw this.#error('The filter ends too early.');
    if (this.#isWord('not') && !this.#operatorAt(0)) {
      this.#place++;
      const [first, ...rest] = this.#unary();
      return [{ kind: 'not', of: first! }, ...rest];
    }
    if (token.kind === 'symbol' && token.text === '(') {
      this.#place++;
      const inner = this.#either();
      if (this.#peek()?.text !== ')') throw this.#error('A ")" is missing.');
      this.#place++;
      return [inner];
    }
    return this.#words();
  }

  /** Whether an operator begins so many tokens ahead: a sign, or a word such as "in" or "not has". */
  #operatorAt(ahead: number): boolean {
    const token = this.#peek(ahead);
    if (token === undefined || token.kind === 'text') return false;
    if (token.kind === 'symbol') return SYMBOLS.has(token.text);
    const word = token.text.toLowerCase();
    const next = this.#peek(ahead + 1);
    if (word === 'not')
      return next?.kind === 'word' && ['in', 'has', 'contains'].includes(next.text.toLowerCase());
    return WORD_OPERATORS.has(word) && next !== undefined;
  }

  /** Words up to an operator: the last of them name a column, the others are searched for. */
  #words(): Filter[] {
    const words: Token[] = [];
    while (true) {
      const token = this.#peek();
      if (token === undefined || token.kind === 'symbol' || this.#isWord('and') || this.#isWord('or')) break;
      if (words.length > 0 && this.#operatorAt(0)) break;
      if (this.#isWord('not')) break;
      words.push(token);
      this.#place++;
    }
    if (words.length === 0) throw this.#error(`"${this.#peek()?.text ?? ''}" cannot stand here.`);
    if (!this.#operatorAt(0)) return words.map(searchFor);
    for (let first = 0; first < words.length; first++) {
      const column = columnNamed(
        words
          .slice(first)
          .map(({ text }) => text)
          .join(' '),
        this.#columns,
      );
      if (column !== undefined) return [...words.slice(0, first).map(searchFor), this.#condition(column)];
    }
    const name = words.map(({ text }) => text).join(' ');
    throw new FilterError(`There is no column "${name}".`, words[0]!.at);
  }

  #condition(column: Column): Condition {
    const field = column.key;
    const operator = this.#operator();
    if (operator === 'empty' || operator === 'not empty')
      return { kind: 'condition', field, operator, value: null };
    if (operator === 'within') return { kind: 'condition', field, operator, value: this.#timeSpan() };
    if (operator === 'in' || operator === 'not in')
      return { kind: 'condition', field, operator, value: this.#list(column) };
    const value = this.#value(column);
    if (column.kind === 'tags' && (operator === '=' || operator === '!='))
      return { kind: 'condition', field, operator: operator === '=' ? 'has' : 'not has', value };
    if (['<', '<=', '>', '>='].includes(operator) && typeof value !== 'number')
      throw new FilterError(`"${column.name}" is compared with a number here.`, this.#peek(-1)!.at);
    return { kind: 'condition', field, operator, value };
  }

  #operator(): Operator {
    const token = this.#peek()!;
    this.#place++;
    const word = token.text.toLowerCase();
    if (token.kind === 'symbol') return SYMBOLS.get(word)!;
    if (word === 'not') return `not ${this.#tokens[this.#place++]!.text.toLowerCase()}` as Operator;
    if (word !== 'is') return word as Operator;
    const negated = this.#skip('not');
    if (this.#skip('empty')) return negated ? 'not empty' : 'empty';
    return negated ? '!=' : '=';
  }

  #timeSpan(): number {
    this.#skip('last');
    const amount = Number(this.#peek()?.text);
    if (!(amount > 0)) throw this.#error('A time such as "2 days" is missing.');
    this.#place++;
    const unit = this.#peek()?.text.toLowerCase().replace(/s$/, '') ?? '';
    const unitMs = UNIT_MS.get(unit);
    if (unitMs === undefined) throw this.#error('The unit is minutes, hours, days or weeks.');
    this.#place++;
    return amount * unitMs;
  }

  #list(column: Column): (string | number | boolean)[] {
    if (this.#peek()?.text !== '(') throw this.#error('A list such as "(a, b)" is missing.');
    const values: (string | number | boolean)[] = [];
    do {
      this.#place++;
      values.push(this.#value(column));
    } while (this.#peek()?.text === ',');
    if (this.#peek()?.text !== ')') throw this.#error('A ")" is missing.');
    this.#place++;
    return values;
  }

  #value(column: Column): string | number | boolean {
    const token = this.#peek();
    if (token === undefined || token.kind === 'symbol') throw this.#error('A value is missing.');
    this.#place++;
    return valueFor(column, token);
  }
}

function searchFor({ text }: Token): Filter {
  return { kind: 'search', text };
}

/** "80 %", "80%" and, as no share is above 1, also 80 mean 0.8 in a column of shares. */
function valueFor({ kind }: Column, { kind: form, text }: Token): string | number | boolean {
  if (kind === 'boolean') return /^(true|yes|1)$/i.test(text);
  if (form === 'text' || kind === 'text' || kind === 'state' || kind === 'tags') return text;
  if (kind === 'time') {
    const at = Date.parse(text);
    return Number.isNaN(at) ? text : at;
  }
  const number = Number(text.replace(/%$/, ''));
  if (Number.isNaN(number)) return text;
  return kind === 'percent' && (text.endsWith('%') || Math.abs(number) > 1)
    ? Number((number / 100).toPrecision(12))
    : number;
}
