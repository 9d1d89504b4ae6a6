/** @file Node. Splits a stream of bytes into lines of text, whatever the bytes are, in memory bounded by the longest line. */
import { isAscii, isUtf8 } from 'node:buffer';

/** One line without its terminator. `text` is empty when there is a problem. */
export interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly text: string;
  readonly problem: 'invalid UTF-8' | 'line too long' | null;
  /** False for a last line without a line end: it may have been cut off. */
  readonly terminated: boolean;
}

const LF = 10;
const CR = 13;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Lines of UTF-8 text, in blocks of as many as a chunk of the stream completes. LF, CRLF and CR end a line (Python's
 * universal newlines, which the book's program uses); a byte order mark is dropped; U+2028 is an ordinary character.
 * A line over `maxLineBytes` is reported and its bytes are never held.
 * @throws whatever the stream throws.
 */
export async function* readLines(
  stream: AsyncIterable<Uint8Array>,
  options: { readonly maxLineBytes: number },
): AsyncGenerator<readonly Line[]> {
  const splitter = new LineSplitter(options.maxLineBytes);
  for await (const chunk of stream) {
    const lines = splitter.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    if (lines.length > 0) yield lines;
  }
  const last = splitter.end();
  if (last.length > 0) yield last;
}

/** The state between two chunks: the beginning of a line that is not complete yet. */
class LineSplitter {
  readonly #maxLineBytes: number;
  #number = 1;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #endedWithCr = false;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    // A CR at the end of the last chunk has ended its line already: the LF of a CRLF must not end another.
    let start = this.#endedWithCr && chunk[0] === LF ? 1 : 0;
    if (chunk.length > 0) this.#endedWithCr = false;
    const checked = textKind(chunk);
    let nextCr = chunk.indexOf(CR, start);
    let nextLf = chunk.indexOf(LF, start);
    while (nextCr >= 0 || nextLf >= 0) {
      const end = nextCr < 0 || (nextLf >= 0 && nextLf < nextCr) ? nextLf : nextCr;
      lines.push(this.#line(chunk, start, end, checked));
      start = end + 1;
      if (chunk[end] === CR) {
        if (chunk[start] === LF) start += 1;
        else if (start === chunk.length) this.#endedWithCr = true;
      }
      if (nextCr >= 0 && nextCr < start) nextCr = chunk.indexOf(CR, start);
      if (nextLf >= 0 && nextLf < start) nextLf = chunk.indexOf(LF, start);
    }
    this.#hold(chunk.subarray(start));
    return lines;
  }

  end(): Line[] {
    return this.#pendingBytes === 0 ? [] : [this.#takePending(false)];
  }

  #line(chunk: Buffer, start: number, end: number, checked: 'latin1' | 'utf8' | null): Line {
    if (this.#pendingBytes > 0 || this.#number === 1) {
      this.#hold(chunk.subarray(start, end));
      return this.#takePending(true);
    }
    const number = this.#number++;
    if (end - start > this.#maxLineBytes) return broken(number, 'line too long', true);
    // No UTF-8 sequence goes over a line end, so a chunk that is valid has valid lines.
    const encoding = checked ?? textKind(chunk.subarray(start, end));
    if (encoding === null) return broken(number, 'invalid UTF-8', true);
    return { number, text: chunk.toString(encoding, start, end), problem: null, terminated: true };
  }

  /** Keeps the beginning of a line; once it is too long only its length is kept. */
  #hold(piece: Buffer): void {
    this.#pendingBytes += piece.length;
    if (this.#pendingBytes > this.#maxLineBytes + BYTE_ORDER_MARK.length) this.#pending = [];
    else if (piece.length > 0) this.#pending.push(Buffer.from(piece));
  }

  #takePending(terminated: boolean): Line {
    const number = this.#number++;
    let bytes = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending);
    let length = this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (number === 1 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) {
      bytes = bytes.subarray(3);
      length -= 3;
    }
    if (length > this.#maxLineBytes) return broken(number, 'line too long', terminated);
    const encoding = textKind(bytes);
    if (encoding === null) return broken(number, 'invalid UTF-8', terminated);
    return { number, text: bytes.toString(encoding), problem: null, terminated };
  }
}

/** How to decode these bytes; null when they are not UTF-8. ASCII is decoded as latin1, which is faster. */
function textKind(bytes: Buffer): 'latin1' | 'utf8' | null {
  if (isAscii(bytes)) return 'latin1';
  return isUtf8(bytes) ? 'utf8' : null;
}

function broken(number: number, problem: 'invalid UTF-8' | 'line too long', terminated: boolean): Line {
  return { number, text: '', problem, terminated };
}
