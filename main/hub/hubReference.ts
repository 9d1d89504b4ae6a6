/** @file Runs anywhere. What a person writes for a repository of a hub: hf:OWNER/NAME, and perhaps @REVISION. */
import { StudioError } from '../../shared/errors.ts';

export type HubKind = 'model' | 'dataset';

export interface HubReference {
  /** "OWNER/NAME"; a few old repositories have no owner. */
  readonly repository: string;
  /** A branch, a tag or a commit; null is what the hub shows first. */
  readonly revision: string | null;
}

const PREFIX = 'hf:';
/** The hub's own rule for names: letters, digits, ".", "_" and "-", at most 96, not at the ends. */
const NAME = /^[A-Za-z0-9](?:[\w.-]{0,94}\w)?$/;
const REVISION = /^[\w][\w./-]{0,199}$/;

export function isHubReference(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** @throws StudioError USAGE for what names no repository. */
export function parseHubReference(text: string): HubReference {
  const [repository = '', ...revisions] = text.slice(PREFIX.length).split('@');
  const revision = revisions.length === 0 ? null : revisions.join('@');
  const names = repository.split('/');
  const isName = (name: string) => NAME.test(name) && !name.includes('..') && !name.includes('--');
  const isFine =
    isHubReference(text) &&
    names.length <= 2 &&
    names.every(isName) &&
    (revision === null || (REVISION.test(revision) && !revision.includes('..')));
  if (isFine) return { repository, revision };
  throw new StudioError('USAGE', `${JSON.stringify(text.slice(0, 200))} names no repository of a hub.`, {
    nextStep:
      'Write hf:OWNER/NAME as the address of its page ends, and @REVISION after it for a branch, a tag or a commit.',
  });
}

/** As a person writes it. */
export function hubReferenceText({ repository, revision }: HubReference): string {
  return `${PREFIX}${repository}${revision === null ? '' : `@${revision}`}`;
}

/** The last part of the repository's name: what a model or a data set from there is called unless somebody says otherwise. */
export function nameInHub({ repository }: HubReference): string {
  return repository.slice(repository.lastIndexOf('/') + 1);
}
