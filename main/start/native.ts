/** @file Runs under Node; what `npm run native` runs. Builds the engine `native` when its sources are newer. */
import { errorData } from '../../shared/errors.ts';
import { buildNativeIfNeeded, progressLine } from './buildNative.ts';
import { stoppable } from './stoppable.ts';

const say = (line: string) => void process.stdout.write(`${line}\n`);

try {
  await stoppable((signal) => buildNativeIfNeeded({ say, onProgress: progressLine(), strict: true, signal }));
} catch (thrown) {
  const { message, nextStep } = errorData(thrown);
  process.stderr.write(`error: ${message}\n${nextStep === '' ? '' : `next: ${nextStep}\n`}`);
  process.exitCode = 1;
}
