/** @file Runs under Node. How a command says that it failed, and with which exit code. */
import { type ErrorData, errorData } from '../../shared/errors.ts';
import { printable, type Terminal } from './terminal.ts';

export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
export const EXIT_INTERRUPTED = 130;

export function exitCodeOf(error: ErrorData): number {
  if (error.code === 'USAGE') return EXIT_USAGE;
  return error.code === 'INTERRUPTED' || error.code === 'CANCELLED' ? EXIT_INTERRUPTED : EXIT_FAILED;
}

/** "data/train.txt, line 12, column 3", or nothing. */
export function placeText(place: ErrorData['place']): string {
  const parts = [
    ...(place?.file === undefined ? [] : [printable(place.file)]),
    ...(place?.line === undefined ? [] : [`line ${place.line}`]),
    ...(place?.column === undefined ? [] : [`column ${place.column}`]),
  ];
  return parts.join(', ');
}

/**
 * Says what was thrown: a sentence, the place and the next step on stderr; with --json also as the last event.
 * @returns the exit code.
 */
export function tellFailure(terminal: Terminal, thrown: unknown): number {
  const error = errorData(thrown);
  terminal.complain(`error: ${printable(error.message)}`);
  const place = placeText(error.place);
  if (place !== '') terminal.complain(`where: ${place}`);
  if (error.nextStep !== '') terminal.complain(`next: ${printable(error.nextStep)}`);
  if (error.code === 'INTERNAL' && thrown instanceof Error && thrown.stack !== undefined)
    terminal.complain(thrown.stack);
  terminal.event('error', error);
  return exitCodeOf(error);
}
