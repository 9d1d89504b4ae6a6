/** @file Runs under Node. The body of a call: JSON, at most 1 MiB, or a refusal with its status. */
import type { IncomingMessage } from 'node:http';
import { headersNamed } from './guard.ts';

const MOST_BYTES = 1024 * 1024;

export class BodyProblem extends Error {
  readonly status: number;

  constructor(status: number, sentence: string) {
    super(sentence);
    this.status = status;
  }
}

/** @throws BodyProblem 415 for another content type (a form of a foreign page), 413 beyond 1 MiB, 400 for no JSON. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const [type = ''] = headersNamed(request.rawHeaders, 'content-type');
  if (!/^application\/json\s*(;|$)/i.test(type)) throw new BodyProblem(415, 'Calls are JSON.');
  if (Number(headersNamed(request.rawHeaders, 'content-length')[0] ?? 0) > MOST_BYTES) throw tooLong();
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.byteLength;
    if (bytes > MOST_BYTES) throw tooLong();
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8')) as unknown;
  } catch {
    throw new BodyProblem(400, 'That is not JSON.');
  }
}

function tooLong(): BodyProblem {
  return new BodyProblem(413, 'A call has at most 1 MiB.');
}
