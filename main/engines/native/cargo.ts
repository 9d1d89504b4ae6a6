/** @file Node. Rust's build tool: where it is, and whether it is. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../runProgram.ts';

export interface Cargo {
  readonly command: string;
  /** As it says itself: "cargo 1.89.0 (…)". */
  readonly version: string;
}

/** On the PATH, or where rustup puts it: a window that was not started from a shell has another PATH. */
export async function findCargo(): Promise<Cargo | null> {
  for (const command of ['cargo', join(homedir(), '.cargo', 'bin', 'cargo')]) {
    const { exitCode, stdout } = await runProgram(command, ['--version'], { timeoutMs: 30_000 });
    if (exitCode === 0) return { command, version: stdout.trim() };
  }
  return null;
}
