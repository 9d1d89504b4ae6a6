/** @file Node. Short texts that a person gives to things: names and tags. */
import { StudioError } from '../../shared/errors.ts';

const LONGEST_LABEL = 200;

/** A name or tag without surrounding space. Throws USAGE when it is empty, too long, or has control characters. */
export function requireLabel(text: string, what: string): string {
  const label = text.trim();
  // Names are printed on terminals, where control characters do things.
  if (label === '' || label.length > LONGEST_LABEL || /\p{Cc}/u.test(label)) {
    throw new StudioError('USAGE', `${what} has 1 to ${LONGEST_LABEL} characters, all printable.`);
  }
  return label;
}
