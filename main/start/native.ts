/** @file Runs under Node; what `npm run native` runs. Builds the engine `native` when its sources are newer. */
import { errorData } from '../../shared/errors.ts';
import { buildNativeIfNeeded } from './buildNative.ts';

const say = (line: string) => void process.stdout.write(`${line}\n`);
/** One line that changes, on a terminal; nothing elsewhere. */
const onProgress = (text: string) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text.slice(0, process.stderr.columns - 1)}`);
};

try {
  await buildNativeIfNeeded({ say, onProgress, strict: true });
} catch (thrown) {
  const { message, nextStep } = errorData(thrown);
  process.stderr.write(`error: ${message}\n${nextStep === '' ? '' : `next: ${nextStep}\n`}`);
  process.exitCode = 1;
}
