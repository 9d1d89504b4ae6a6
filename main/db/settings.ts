/** @file Node. How a connection to studio.db is set, and the proof that SQLite took each setting. */
import type Database from 'better-sqlite3';
import { StudioError } from '../../shared/errors.ts';

/** "Ents" in ASCII: tells a studio.db from any other SQLite file, cache.db included. */
export const APPLICATION_ID = 0x456e7473;

interface Setting {
  readonly name: string;
  readonly set: string | number;
  /** What SQLite answers when asked afterwards. */
  readonly answer: string | number;
}

const FOR_ALL: readonly Setting[] = [
  { name: 'foreign_keys', set: 'ON', answer: 1 },
  { name: 'busy_timeout', set: 5000, answer: 5000 },
  // Functions in the schema of a file that somebody sent us must not run with our rights.
  { name: 'trusted_schema', set: 'OFF', answer: 0 },
  { name: 'cell_size_check', set: 'ON', answer: 1 },
];

const FOR_WRITERS: readonly Setting[] = [
  { name: 'journal_mode', set: 'WAL', answer: 'wal' },
  // better-sqlite3 is built with NORMAL for WAL, under which a power cut may lose the last commits.
  { name: 'synchronous', set: 'FULL', answer: 2 },
  { name: 'wal_autocheckpoint', set: 1000, answer: 1000 },
  // One large transaction must not leave a large -wal file behind until the end.
  { name: 'journal_size_limit', set: 67_108_864, answer: 67_108_864 },
];

// On macOS fsync leaves the bytes in the drive's cache; F_FULLFSYNC does not.
const ON_MAC: readonly Setting[] = [{ name: 'checkpoint_fullfsync', set: 'ON', answer: 1 }];

/** Sets a fresh connection. Throws WRITE_FAILED when SQLite does not take a setting, such as WAL on a strange disk. */
export function applySettings(connection: Database.Database, path: string, role: 'reader' | 'writer'): void {
  const mac = process.platform === 'darwin' ? ON_MAC : [];
  const settings = role === 'reader' ? FOR_ALL : [...FOR_ALL, ...FOR_WRITERS, ...mac];
  for (const { name, set, answer } of settings) {
    connection.pragma(`${name} = ${set}`);
    const got = connection.pragma(name, { simple: true });
    if (got === answer) continue;
    throw new StudioError(
      'WRITE_FAILED',
      `${path} does not work here: SQLite answers ${name} = ${String(got)}, not ${answer}.`,
      {
        nextStep: 'Put the data directory on a local disk: --data-dir.',
        place: { file: path },
      },
    );
  }
}
