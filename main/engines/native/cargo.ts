/** @file Node. Rust's build tool: where it is, whether it is, and whether it is new enough for our crate. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { programPath } from '../../files/resources.ts';
import { runProgram } from '../runProgram.ts';

export interface Cargo {
  readonly command: string;
  /** As it says itself: "cargo 1.89.0 (…)". */
  readonly version: string;
  /** What it compiles for unless it is told otherwise: "x86_64-unknown-linux-gnu"; null when it does not say. */
  readonly host: string | null;
}

export type CargoSearch =
  | { readonly kind: 'found'; readonly cargo: Cargo }
  /** "Rust 1.75 is too old; 1.89 or newer is needed". */
  | { readonly kind: 'too old'; readonly trouble: string }
  | { readonly kind: 'missing' };

/**
 * On the PATH, or where rustup puts it: a window that was not started from a shell has another PATH, and a system's own
 * Rust may be older than rustup's.
 * @param manifest says which version the crate needs
 */
export async function findCargo(manifest = programPath('native', 'Cargo.toml')): Promise<CargoSearch> {
  const needed = neededVersion(manifest);
  let old: string | null = null;
  for (const command of ['cargo', join(homedir(), '.cargo', 'bin', 'cargo')]) {
    const cargo = await askVersion(command);
    if (cargo === null) continue;
    const version = /\b\d+\.\d+/.exec(cargo.version)?.[0];
    // One that does not tell its version is tried.
    if (version === undefined || needed === null || isAtLeast(version, needed))
      return { kind: 'found', cargo };
    old ??= version;
  }
  if (old === null) return { kind: 'missing' };
  return { kind: 'too old', trouble: `Rust ${old} is too old; ${needed} or newer is needed` };
}

async function askVersion(command: string): Promise<Cargo | null> {
  const words = ['--version', '--verbose'];
  const { exitCode, stdout } = await runProgram(command, words, { timeoutMs: 30_000 });
  if (exitCode !== 0) return null;
  const [version, ...rest] = stdout.trim().split('\n');
  const host = rest.find((line) => line.startsWith('host: '))?.slice('host: '.length);
  return { command, version: version!.trim(), host: host?.trim() ?? null };
}

/** "1.89"; null where no manifest says it: a packaged application has none. */
function neededVersion(manifest: string): string | null {
  try {
    return /^rust-version\s*=\s*"(\d+\.\d+)/m.exec(readFileSync(manifest, 'utf8'))?.[1] ?? null;
  } catch {
    return null;
  }
}

/** Of "1.89" and "1.100", by number. */
function isAtLeast(version: string, least: string): boolean {
  const [major, minor] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = least.split('.').map(Number);
  return major! === leastMajor! ? minor! >= leastMinor! : major! > leastMajor!;
}
