/** @file Tests. Builds the engine `native` before the tests, in seconds when nothing has changed. vitest calls `setup` once. */
import { buildNativeIfNeeded } from '../../main/start/buildNative.ts';

export async function setup(): Promise<void> {
  await buildNativeIfNeeded({ say: (line) => void process.stdout.write(`${line}\n`) });
}
