/** @file Benchmarks. Makes one shell script of a folder: a few lines that unpack and run what follows them. */
import { spawn } from 'node:child_process';
import { createWriteStream, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** `gzip` is larger by a half, and there is nothing that lacks it. */
export type Compression = 'xz' | 'gzip';

/** @param level 0 to 9 @returns its size in bytes @throws Error when tar or xz fails */
export async function writeSelfExtracting(
  folder: string,
  path: string,
  { compression, level }: { readonly compression: Compression; readonly level: number },
): Promise<number> {
  const template = readFileSync(join(import.meta.dirname, 'unpack.sh'), 'utf8');
  const head = template
    .replace('@LINES@', `${template.split('\n').length}`)
    .replace('@COMPRESSION@', compression);
  const file = createWriteStream(path, { mode: 0o755 });
  file.write(head);
  const tar = startTool('tar', ['-cf', '-', '--owner=0', '--group=0', '--sort=name', '-C', folder, '.']);
  if (compression === 'gzip') {
    await Promise.all([pipeline(tar.child.stdout!, createGzip({ level }), file), tar.ended]);
  } else {
    const xz = startTool('xz', [`-${level}`, '-T0', '-c']);
    await Promise.all([
      pipeline(tar.child.stdout!, xz.child.stdin!),
      pipeline(xz.child.stdout!, file),
      ...[tar.ended, xz.ended],
    ]);
  }
  return statSync(path).size;
}

function startTool(command: string, words: readonly string[]) {
  const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`${command} is needed: ${error.message}`)));
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`)),
    );
  });
  return { child, ended };
}
