/**
 * @file Node. Runs an entry of ours as a program to its end: by the Node that runs this, or however Electron's main process
 * can, which is no Node for others.
 */
import { type ProgramOptions, type ProgramOutcome, runProgram } from './runProgram.ts';

export type EntryRunner = (
  entry: string,
  words: readonly string[],
  options: ProgramOptions,
) => Promise<ProgramOutcome>;

const runByNode: EntryRunner = (entry, words, options) =>
  runProgram(process.execPath, [entry, ...words], options);

/** One a process, chosen by its entry before anything is started. */
const chosen: { runner: EntryRunner } = { runner: runByNode };

export function setEntryRunner(runner: EntryRunner): void {
  chosen.runner = runner;
}

export function runEntry(...parameters: Parameters<EntryRunner>): Promise<ProgramOutcome> {
  return chosen.runner(...parameters);
}
