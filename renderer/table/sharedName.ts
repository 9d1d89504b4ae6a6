/** @file Runs in the page. One name for several runs: what their names share, with "…" for what differs. */

/** Shorter agreements say nothing, and are by chance. */
const LEAST_SHARED = 3;

/** "try · seed …, lr 1e-4" for "try · seed 0, lr 1e-4" and "try · seed 1, lr 1e-4"; the first name when they share little. */
export function sharedName(names: readonly string[]): string {
  const [first = '', ...others] = names;
  if (others.every((name) => name === first)) return first;
  const prefix = others.reduce((length, name) => sharedLength(first, name, length), first.length);
  const room = Math.min(...names.map(({ length }) => length)) - prefix;
  const suffix = others.reduce(
    (length, name) => sharedLength(reversed(first), reversed(name), length),
    Math.min(room, first.length),
  );
  if (prefix + suffix < LEAST_SHARED) return first;
  return `${first.slice(0, prefix)}…${first.slice(first.length - suffix)}`;
}

function sharedLength(one: string, other: string, most: number): number {
  let length = 0;
  while (length < most && length < other.length && one[length] === other[length]) length++;
  return length;
}

function reversed(text: string): string {
  return [...text].reverse().join('');
}
