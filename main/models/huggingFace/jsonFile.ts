/** @file Node. JSON files that come with weights: small, regular, UTF-8. */
import { readFileSync } from 'node:fs';
import { StudioError } from '../../../shared/errors.ts';
import { readError } from '../../files/fileErrors.ts';
import { openRegularFile } from '../../files/regularFile.ts';

/** An index of shards names every tensor; configurations are a thousandth of this. */
const MAX_BYTES = 16 << 20;

/** @throws StudioError NOT_FOUND, UNREADABLE, BAD_FILE. */
export function readJsonFile(path: string): unknown {
  const { sizeBytes } = openRegularFile(path);
  const refuse = (why: string, cause?: unknown): never => {
    const nextStep = 'Get the file again from where it came from.';
    throw new StudioError('BAD_FILE', `${path} ${why}.`, { nextStep, place: { file: path }, cause });
  };
  if (sizeBytes > MAX_BYTES) refuse(`has ${sizeBytes} bytes, more than ${MAX_BYTES}`);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (thrown) {
    throw readError(thrown, path);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (thrown) {
    return refuse('is not UTF-8 text', thrown);
  }
  try {
    return JSON.parse(text);
  } catch (thrown) {
    return refuse('is not JSON', thrown);
  }
}
