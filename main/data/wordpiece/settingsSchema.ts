/** @file Runs anywhere. Parses a tokenizer's settings strictly, and says which of them is not BERT's. */
import type { z } from 'zod';
import { badTokenizerFile } from './tokenizerFile.ts';

/**
 * `value` as `schema` has it.
 * @throws StudioError BAD_FILE that names the first setting with another value, and its value.
 */
export function parseSettings<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  path: string,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw badTokenizerFile(path, whatIsWrong(parsed.error.issues[0]!, value), {
    nextStep: NEXT_STEP,
  });
}

const NEXT_STEP =
  "Only the tokenizer of BERT itself (WordPiece, cased or uncased) is supported, without settings of one's own.";

function whatIsWrong(issue: z.core.$ZodIssue, value: unknown): string {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return `it has the setting ${[...path, issue.keys[0]!].join('.')}, which BERT's tokenizer has not`;
  }
  const found = valueAt(value, issue.path);
  const name = path.length === 0 ? 'its content' : `the setting ${path.join('.')}`;
  if (found === undefined) return `${name} is missing`;
  return `${name} is ${shown(found)}${wanted(issue)}`;
}

/** What BERT's tokenizer has instead, where that is one thing. */
function wanted(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom') return `, but BERT's tokenizer has ${issue.message}`;
  if (issue.code === 'invalid_value') {
    return `, but BERT's tokenizer has ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
  }
  return ", which BERT's tokenizer never has";
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return found;
}

/** A value as it may be shown: as JSON, and not endless. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
