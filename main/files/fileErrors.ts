/** @file Node. Turns what the operating system says about files into errors that a person can act on. */
import type { ErrorCode } from '../../shared/errors.ts';
import { StudioError } from '../../shared/errors.ts';

interface Explanation {
  readonly code: ErrorCode;
  readonly what: string;
  readonly nextStep: string;
}

const OTHER_FOLDER = 'Choose a folder that you may write to, or change its permissions.';
const FREE_SPACE = 'Free some space, or choose a folder on another disk, and try again.';

const WRITE_EXPLANATIONS: ReadonlyMap<string, Explanation> = new Map([
  ['ENOSPC', { code: 'DISK_FULL', what: 'the disk is full', nextStep: FREE_SPACE }],
  ['EDQUOT', { code: 'DISK_FULL', what: 'your quota on this disk is used up', nextStep: FREE_SPACE }],
  ['EACCES', { code: 'WRITE_FAILED', what: 'permission denied', nextStep: OTHER_FOLDER }],
  ['EPERM', { code: 'WRITE_FAILED', what: 'the operation is not permitted', nextStep: OTHER_FOLDER }],
  ['EROFS', { code: 'WRITE_FAILED', what: 'the file system is read-only', nextStep: OTHER_FOLDER }],
  [
    'EBUSY',
    {
      code: 'WRITE_FAILED',
      what: 'another program is using it',
      nextStep: 'Close programs that use this folder (such as a virus scanner) and try again.',
    },
  ],
  [
    'EIO',
    {
      code: 'WRITE_FAILED',
      what: 'the disk reported an input/output error',
      nextStep: 'Check the disk: it may be failing. Choose a folder on another one.',
    },
  ],
  [
    'EMFILE',
    {
      code: 'WRITE_FAILED',
      what: 'too many files are open',
      nextStep: 'Close other programs, or raise the limit with "ulimit -n 4096", and try again.',
    },
  ],
  [
    'ENFILE',
    {
      code: 'WRITE_FAILED',
      what: 'too many files are open on this machine',
      nextStep: 'Close other programs and try again.',
    },
  ],
  [
    'EFBIG',
    {
      code: 'WRITE_FAILED',
      what: 'the file is too large for this file system',
      nextStep: 'Choose a folder on another disk.',
    },
  ],
  [
    'ENOENT',
    {
      code: 'WRITE_FAILED',
      what: 'the folder does not exist any more',
      nextStep: 'Make the folder again, or choose another one.',
    },
  ],
  [
    'ENOTDIR',
    { code: 'WRITE_FAILED', what: 'a part of the path is not a folder', nextStep: 'Choose another folder.' },
  ],
  [
    'EISDIR',
    {
      code: 'WRITE_FAILED',
      what: 'a folder of that name is in the way',
      nextStep: 'Choose another name, or move that folder away.',
    },
  ],
  [
    'ENAMETOOLONG',
    { code: 'WRITE_FAILED', what: 'the name is too long', nextStep: 'Choose a shorter name.' },
  ],
] satisfies [string, Explanation][]);

const READ_EXPLANATIONS: ReadonlyMap<string, Explanation> = new Map([
  ['ENOENT', { code: 'NOT_FOUND', what: 'it does not exist', nextStep: 'Check the path.' }],
  ['ENOTDIR', { code: 'NOT_FOUND', what: 'a part of the path is not a folder', nextStep: 'Check the path.' }],
  [
    'EACCES',
    {
      code: 'UNREADABLE',
      what: 'permission denied',
      nextStep: 'Change its permissions, or copy it to a place where you may read it.',
    },
  ],
  [
    'EPERM',
    {
      code: 'UNREADABLE',
      what: 'the operation is not permitted',
      nextStep: 'Change its permissions, or copy it to a place where you may read it.',
    },
  ],
  ['EISDIR', { code: 'UNREADABLE', what: 'it is a folder', nextStep: 'Name a file in it.' }],
  [
    'EIO',
    {
      code: 'UNREADABLE',
      what: 'the disk reported an input/output error',
      nextStep: 'Check the disk: it may be failing.',
    },
  ],
  [
    'EMFILE',
    {
      code: 'UNREADABLE',
      what: 'too many files are open',
      nextStep: 'Close other programs, or raise the limit with "ulimit -n 4096", and try again.',
    },
  ],
] satisfies [string, Explanation][]);

/** The system's code of a thrown error, such as "ENOSPC"; null when there is none. */
export function systemCode(thrown: unknown): string | null {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return null;
  return typeof thrown.code === 'string' ? thrown.code : null;
}

/** What to throw when writing `path` failed: DISK_FULL or WRITE_FAILED. A StudioError is passed on as it is. */
export function writeError(thrown: unknown, path: string): StudioError {
  if (thrown instanceof StudioError) return thrown;
  const known = WRITE_EXPLANATIONS.get(systemCode(thrown) ?? '');
  const nextStep = known?.nextStep ?? 'Choose another folder and try again.';
  const message = `Could not write ${path}: ${known?.what ?? plainReason(thrown)}.`;
  return new StudioError(known?.code ?? 'WRITE_FAILED', message, {
    nextStep,
    place: { file: path },
    cause: thrown,
  });
}

/** What to throw when reading `path` failed: NOT_FOUND or UNREADABLE. A StudioError is passed on as it is. */
export function readError(thrown: unknown, path: string): StudioError {
  if (thrown instanceof StudioError) return thrown;
  const known = READ_EXPLANATIONS.get(systemCode(thrown) ?? '');
  const nextStep = known?.nextStep ?? 'Check the file and try again.';
  const message = `Could not read ${path}: ${known?.what ?? plainReason(thrown)}.`;
  return new StudioError(known?.code ?? 'UNREADABLE', message, {
    nextStep,
    place: { file: path },
    cause: thrown,
  });
}

/** Node's own message without the call and the path, which the sentence around it already names. */
function plainReason(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return message.replace(/, \w+ '.*$/, '').replace(/\.$/, '');
}
