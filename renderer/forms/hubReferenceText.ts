/** @file Runs in the page. What people paste for a repository of a hub, as the studio reads it. */

const PAGE_ADDRESS =
  /^https?:\/\/[^/]+\/(?:datasets\/)?([\w.-]+\/[\w.-]+)(?:\/(?:tree|blob)\/([\w./-]+))?\/?$/;

/** "hf:owner/name@revision" of that, of "owner/name", or of the address of its page; "" when there is nothing. */
export function hubReferenceOf(text: string): string {
  const typed = text.trim();
  if (typed === '' || typed.startsWith('hf:')) return typed;
  const [, repository, revision] = PAGE_ADDRESS.exec(typed) ?? [];
  if (repository === undefined) return `hf:${typed}`;
  return `hf:${repository}${revision === undefined ? '' : `@${revision}`}`;
}
