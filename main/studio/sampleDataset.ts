/** @file Runs under Node. The built-in sample: where it lies, and under which name it is imported. */
import { resourcePath } from '../files/resources.ts';

export const SAMPLE_NAME = 'sample';

/** Beside main/, in a checkout and in a packaged studio alike. */
export function samplePath(): string {
  return resourcePath('sample');
}
