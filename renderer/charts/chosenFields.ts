/** @file Runs in the page. Some of many columns, chosen one by one: what a button says of them. Pure. */

export interface Field {
  readonly key: string;
  readonly name: string;
}

/** More names than these do not fit a button. */
const MOST_NAMED = 2;

/** "Learning rate, Seed", "5 fields", or `none`. */
export function chosenWords(fields: readonly Field[], chosen: readonly string[], none: string): string {
  if (chosen.length === 0) return none;
  if (chosen.length > MOST_NAMED) return `${chosen.length} fields`;
  return chosen.map((key) => fields.find((field) => field.key === key)?.name ?? key).join(', ');
}

export function toggled(chosen: readonly string[], key: string): string[] {
  return chosen.includes(key) ? chosen.filter((one) => one !== key) : [...chosen, key];
}
