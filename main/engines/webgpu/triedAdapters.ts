/**
 * @file Node. On which adapters half precision came out right, as `engines test` found: kept in the data directory, since one
 * machine's driver says nothing of another's.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../files/atomicWrite.ts';

/** Raised when the programs in half precision change so that what passed before is to be tried again. */
const KERNELS = 1;

const triedSchema = z.strictObject({
  adapter: z.string(),
  /** In its own words, with its version. */
  driver: z.string(),
  /** What was tried: `KERNELS` of that day. */
  kernels: z.number().int(),
  testedAt: z.string(),
});
const fileSchema = z.strictObject({ format: z.literal(1), tried: z.array(triedSchema) });

/** A GPU and its driver: with another driver it is another. */
export type TriedAdapter = Pick<z.infer<typeof triedSchema>, 'adapter' | 'driver'>;

const pathIn = (dataDirectory: string) => join(dataDirectory, 'engines', 'webgpu', 'half-precision.json');

/** Where the programs of today came out right. A file that is not there or damaged tells of none: a test makes another. */
export function triedAdapters(dataDirectory: string): readonly TriedAdapter[] {
  return read(dataDirectory).filter(({ kernels }) => kernels === KERNELS);
}

/** @throws StudioError when the file cannot be written */
export function keepTried(dataDirectory: string, tried: TriedAdapter & { readonly testedAt: string }): void {
  const { adapter, driver, testedAt } = tried;
  write(dataDirectory, [...others(dataDirectory, tried), { adapter, driver, kernels: KERNELS, testedAt }]);
}

/** It was tried again, and came out wrong. @throws StudioError when the file cannot be written */
export function forgetTried(dataDirectory: string, tried: TriedAdapter): void {
  const left = others(dataDirectory, tried);
  if (left.length < read(dataDirectory).length) write(dataDirectory, left);
}

export const isSame = (one: TriedAdapter, other: TriedAdapter) =>
  one.adapter === other.adapter && one.driver === other.driver;

const others = (dataDirectory: string, tried: TriedAdapter) =>
  read(dataDirectory).filter((other) => !isSame(other, tried));

function write(dataDirectory: string, tried: readonly z.infer<typeof triedSchema>[]): void {
  const path = pathIn(dataDirectory);
  mkdirSync(dirname(path), { recursive: true });
  writeFileAtomic(path, `${JSON.stringify({ format: 1, tried }, null, 2)}\n`);
}

function read(dataDirectory: string): z.infer<typeof triedSchema>[] {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(pathIn(dataDirectory), 'utf8'))).tried;
  } catch {
    return [];
  }
}
