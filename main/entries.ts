/**
 * @file Runs under Node. Every file that is started as a program or a thread of its own, listed once. Services get a
 * path from here and never build a relative URL: a bundler emits one file an entry under the same name.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `threads`: true when the file runs in a worker thread instead of a process. */
interface Entry {
  readonly file: string;
  readonly thread: boolean;
}

const ENTRY_FILES = {
  cli: { file: './cli.ts', thread: false },
  headless: { file: './headless.ts', thread: false },
  training: { file: './training/worker.ts', thread: false },
  inference: { file: './training/inferenceWorker.ts', thread: false },
  data: { file: './training/dataWorker.ts', thread: false },
  engineTest: { file: './golden/engineTestWorker.ts', thread: false },
  export: { file: './exporting/exportWorker.ts', thread: false },
  selfTest: { file: './engines/tensorflow/selfTestProgram.ts', thread: false },
  adapters: { file: './engines/webgpu/adaptersProgram.ts', thread: false },
  heartbeat: { file: './training/heartbeatThread.ts', thread: true },
  encoding: { file: './data/encodingThread.ts', thread: true },
} as const satisfies Record<string, Entry>;

export type EntryName = keyof typeof ENTRY_FILES;

export interface Entries {
  readonly names: readonly EntryName[];
  /** Absolute path of an entry's file. */
  path(name: EntryName): string;
  isThread(name: EntryName): boolean;
}

/** Where this very program lies: in a checkout, or bundled into one folder. */
export function entriesHere(): Entries {
  return import.meta.url.endsWith('.ts') ? checkoutEntries() : bundledEntries(import.meta.dirname);
}

/** One file an entry, under its name, as main/start/buildDesktop.ts makes them. */
export function bundledEntries(folder: string): Entries {
  return {
    names: Object.keys(ENTRY_FILES) as EntryName[],
    path: (name) => join(folder, `${name}.js`),
    isThread: (name) => ENTRY_FILES[name].thread,
  };
}

/** The entries as they lie in this checkout. */
export function checkoutEntries(): Entries {
  return {
    names: Object.keys(ENTRY_FILES) as EntryName[],
    path: (name) => fileURLToPath(new URL(ENTRY_FILES[name].file, import.meta.url)),
    isThread: (name) => ENTRY_FILES[name].thread,
  };
}
