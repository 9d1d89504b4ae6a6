/** @file Tests. Real data that lies beside the checkout and is never copied into it. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const SHARED = resolve(import.meta.dirname, '..', '..', '..', 'shared');

/** Path of a file or folder in `../shared` beside the repository. */
export function sharedPath(...parts: string[]): string {
  return join(SHARED, ...parts);
}

/**
 * Why a test that needs `../shared/<parts>` must be skipped, or null when the data is there.
 * @throws Error with CI=true: there a missing folder is a failure, not a reason to skip.
 */
export function missingShared(...parts: string[]): string | null {
  if (existsSync(sharedPath(...parts))) return null;
  const reason = `${join('..', 'shared', ...parts)} is missing beside the repository`;
  if (process.env['CI'] === 'true') throw new Error(`With CI=true nothing is skipped: ${reason}.`);
  return reason;
}
