/** @file Runs in the page. What to do next in the studio, where an error names a command for a terminal. Pure. */
import type { ErrorData } from '../../shared/errors.ts';

/** By the command that is named; others are for a terminal in a window, too. */
const STEPS: readonly (readonly [command: RegExp, step: string])[] = [
  [
    /npx --no entail runs list/,
    'It may have been deleted, or have another id: look for it on the page Runs.',
  ],
  [/npx --no entail runs show/, 'Look at it on its page.'],
  [/npx --no entail runs resume/, 'Resume it on its page.'],
  [/npx --no entail queue list/, 'Look at the page Queue.'],
  [/npx --no entail models label/, 'Say it on the page of the model.'],
  [/npx --no entail models (list|delete)/, 'Look at the page Models.'],
  [/npx --no entail train --dataset NAME --model/, 'Fine-tune from it: New run, "Start from".'],
  [/npx --no entail datasets import PATH/, 'Import one on the page Data sets.'],
];

export function stepsInStudio(error: ErrorData): ErrorData {
  const here = STEPS.find(([command]) => command.test(error.nextStep));
  return here === undefined ? error : { ...error, nextStep: here[1] };
}
