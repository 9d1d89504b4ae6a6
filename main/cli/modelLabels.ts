/** @file Runs anywhere. --labels of `models import` and `models label`: what each output of a head means. */
import { StudioError } from '../../shared/errors.ts';

const OUTPUT = /^(?:LABEL_)?(\d{1,3})$/i;

/**
 * "LABEL_0=entailment,LABEL_1=neutral", or the other way round, as labels in the order of the outputs.
 * @throws StudioError USAGE for anything else, or when an output is left out
 */
export function labelsFrom(text: string): string[] {
  const byOutput = new Map<number, string>();
  for (const pair of text.split(',')) {
    const [left = '', right = '', ...more] = pair.split('=').map((part) => part.trim());
    const [output, label] = OUTPUT.test(left) ? [left, right] : [right, left];
    const number = OUTPUT.exec(output)?.[1];
    if (more.length > 0 || number === undefined || label === '')
      throw unclear(`"${pair.trim()}" does not say what an output means`);
    if (byOutput.has(Number(number))) throw unclear(`output ${number} is named twice`);
    byOutput.set(Number(number), label);
  }
  return Array.from({ length: byOutput.size }, (_, output) => {
    const label = byOutput.get(output);
    if (label === undefined) throw unclear(`output ${output} is left out`);
    return label;
  });
}

function unclear(why: string): StudioError {
  return new StudioError('USAGE', `--labels is unclear: ${why}.`, {
    nextStep: 'Name every output: --labels LABEL_0=entailment,LABEL_1=neutral,LABEL_2=contradiction',
  });
}
