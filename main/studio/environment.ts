/** @file Runs under Node. Where a run was made: what its record keeps about machine and program. */
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../shared/runs.ts';

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // A release has no repository, and a run's record can do without it.
    return null;
  }
}

/** The commit that is checked out in `root`, or null where there is no repository. Reads files only: git may be absent. */
export function gitCommit(root: string): string | null {
  const head = readText(join(root, '.git', 'HEAD'));
  if (head === null) return null;
  const reference = /^ref: (.+)$/.exec(head)?.[1];
  if (reference === undefined) return /^[0-9a-f]{40,64}$/.test(head) ? head : null;
  const loose = readText(join(root, '.git', reference));
  if (loose !== null) return loose;
  const packed = readText(join(root, '.git', 'packed-refs')) ?? '';
  return (
    packed
      .split('\n')
      .find((line) => line.endsWith(` ${reference}`))
      ?.split(' ')[0] ?? null
  );
}

export function describeEnvironment({ version, root }: { version: string; root: string }): Environment {
  const processors = cpus();
  return {
    entail: version,
    node: process.versions.node,
    platform: `${platform()} ${arch()} ${release()}`,
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    gitCommit: gitCommit(root),
  };
}
