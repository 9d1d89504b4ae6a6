/** @file Node. CSV as RFC 4180 has it, with line breaks in quotes, so that one broken record costs that record only. */
import { parse } from 'csv-parse/sync';
import type { Line } from '../../files/lines.ts';
import type { RecordParser, TableRecord } from './records.ts';
import type { RejectReason } from './source.ts';

/** A quote that is still open after so much text was never meant to be one. */
const MAX_RECORD_CHARACTERS = 64 * 1024;

/**
 * Leniently, a quote inside a field is a character like others (5" tall). Over several lines that would swallow what
 * lies between two stray quotes, so there only what RFC 4180 allows is taken.
 */
type Manner = 'strictly' | 'leniently';

/**
 * Most records are one line without quotes and are split at the delimiter. Records with quotes are collected until
 * their quotes are closed and given to csv-parse, many at a time. When a quote stays open, or closes somewhere
 * where the columns do not come out right, only the line that opened it is rejected, and reading goes on after it.
 */
export class CsvRecords implements RecordParser {
  readonly #delimiter: string;
  /** Null while the header is read, which may have any number. */
  readonly #columns: number | null;
  /** Lines of a record whose quotes are open. */
  #open: Line[] = [];
  #openCharacters = 0;
  #records: TableRecord[] = [];
  /** Records with quotes that wait for csv-parse, and where in `#records` they belong. */
  #quoted: { readonly text: string; readonly lines: readonly Line[]; readonly at: number }[] = [];

  constructor(delimiter: string, columns: number | null) {
    this.#delimiter = delimiter;
    this.#columns = columns;
  }

  push(lines: readonly Line[]): TableRecord[] {
    for (const line of lines) this.#take(line);
    return this.#flush();
  }

  end(): TableRecord[] {
    while (this.#open.length > 0)
      this.#giveUpFirst(this.#open.at(-1)!.terminated ? 'unclosed quote' : 'truncated last line');
    return this.#flush();
  }

  #take(line: Line): void {
    if (this.#open.length > 0) {
      this.#continue(line);
    } else if (line.problem !== null) {
      this.#reject(line, line.problem);
    } else if (!line.text.includes('"')) {
      if (line.text !== '') this.#push(line.number, line.text.split(this.#delimiter), line.terminated);
    } else if (this.#isOpen(line.text)) {
      this.#open = [line];
      this.#openCharacters = line.text.length;
    } else {
      this.#queue(line.text, [line]);
    }
  }

  /** One more line of a record whose quotes are open. */
  #continue(line: Line): void {
    this.#open.push(line);
    this.#openCharacters += line.text.length + 1;
    if (line.problem !== null || this.#openCharacters > MAX_RECORD_CHARACTERS) {
      this.#giveUpFirst('unclosed quote');
    } else if (line.text.includes('"')) {
      const text = this.#open.map((one) => one.text).join('\n');
      if (this.#isOpen(text)) return;
      const values = this.#parseOne(text, 'strictly');
      if (values === null || (this.#columns !== null && values.length !== this.#columns)) {
        this.#giveUpFirst('unclosed quote');
      } else {
        this.#push(this.#open[0]!.number, values, true);
        this.#open = [];
      }
    }
  }

  /** The line that opened the quote is broken; what follows it is read again as if nothing had been open. */
  #giveUpFirst(reason: RejectReason): void {
    const [first, ...rest] = this.#open;
    this.#open = [];
    this.#reject(first!, reason);
    for (const line of rest) this.#take(line);
  }

  /** True when the text ends inside quotes. Only a quote at the beginning of a field opens one. */
  #isOpen(text: string): boolean {
    let at = 0;
    while (at < text.length) {
      if (text[at] === '"') {
        const closing = closingQuote(text, at + 1);
        if (closing < 0) return true;
        at = closing + 1;
      }
      const delimiter = text.indexOf(this.#delimiter, at);
      const lineEnd = text.indexOf('\n', at);
      if (delimiter < 0 && lineEnd < 0) return false;
      at = delimiter < 0 || (lineEnd >= 0 && lineEnd < delimiter) ? lineEnd + 1 : delimiter + 1;
    }
    return false;
  }

  #push(line: number, values: readonly string[], terminated: boolean): void {
    this.#records.push(this.#checked(line, values, terminated));
  }

  #checked(line: number, values: readonly string[], terminated: boolean): TableRecord {
    if (this.#columns === null || values.length === this.#columns) return { line, values, problem: null };
    const cutOff = !terminated && values.length < this.#columns;
    return { line, values: [], problem: cutOff ? 'truncated last line' : 'wrong column count' };
  }

  #reject(line: Line, problem: RejectReason): void {
    this.#records.push({ line: line.number, values: [], problem });
  }

  #queue(text: string, lines: readonly Line[]): void {
    this.#quoted.push({ text, lines, at: this.#records.length });
    this.#records.push({ line: lines[0]!.number, values: [], problem: 'unclosed quote' });
  }

  #flush(): TableRecord[] {
    // One call for many, because starting csv-parse costs more than a record.
    const together = this.#parse(this.#quoted.map(({ text }) => text).join('\n'), 'leniently');
    for (const [index, { text, lines, at }] of this.#quoted.entries()) {
      const values =
        together?.length === this.#quoted.length ? together[index]! : this.#parseOne(text, 'leniently');
      if (values !== null)
        this.#records[at] = this.#checked(lines[0]!.number, values, lines.at(-1)!.terminated);
    }
    const records = this.#records;
    this.#records = [];
    this.#quoted = [];
    return records;
  }

  /** The fields of one record; null when the text is not one record. */
  #parseOne(text: string, how: Manner): readonly string[] | null {
    const records = this.#parse(text, how);
    return records?.length === 1 ? records[0]! : null;
  }

  #parse(text: string, how: Manner): string[][] | null {
    try {
      return parse(text, {
        delimiter: this.#delimiter,
        record_delimiter: '\n',
        relax_column_count: true,
        relax_quotes: how === 'leniently',
      });
    } catch {
      return null;
    }
  }
}

/** Where the quote that opened before `from` is closed, doubled quotes passed over; -1 when it is not. */
function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}
