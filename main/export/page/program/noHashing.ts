/** @file Runs in the exported page. Stands in for node:crypto, which vocabularies use to name themselves; nobody asks here. */

export function createHash(): never {
  throw new Error('A page has no hashes.');
}
