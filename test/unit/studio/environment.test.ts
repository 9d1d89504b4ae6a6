/** @file Tests. Where data lies, and what a run's record says about the checkout. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseDataDirectory } from '../../../main/studio/dataDirectory.ts';
import { gitCommit } from '../../../main/studio/environment.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** A checkout whose .git has these files. */
function checkout(files: Readonly<Record<string, string>>): string {
  const root = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, '.git', name)), { recursive: true });
    writeFileSync(join(root, '.git', name), text);
  }
  return root;
}

describe('the commit', () => {
  it.each([
    ['a branch', { HEAD: 'ref: refs/heads/main\n', 'refs/heads/main': `${COMMIT}\n` }, COMMIT],
    [
      'a packed branch',
      { HEAD: 'ref: refs/heads/main\n', 'packed-refs': `# pack\n${COMMIT} refs/heads/main\n` },
      COMMIT,
    ],
    ['no branch', { HEAD: `${COMMIT}\n` }, COMMIT],
    ['a branch without commits', { HEAD: 'ref: refs/heads/main\n' }, null],
    ['no repository', {}, null],
  ])('is found on %s', (_, files, commit) => {
    expect(gitCommit(checkout(files))).toBe(commit);
  });
});

describe('the data directory', () => {
  it('is what was given, else ENTAIL_HOME, else the place of the platform', () => {
    expect(chooseDataDirectory('a', { ENTAIL_HOME: '/b' })).toBe(resolve('a'));
    expect(chooseDataDirectory(null, { ENTAIL_HOME: '/b' })).toBe(resolve('/b'));
    expect(chooseDataDirectory(null, { ENTAIL_HOME: '' })).toMatch(/entail/);
  });
});
