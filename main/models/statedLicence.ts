/** @file Node. The licence that a model's folder states: in the front matter of its README.md. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRegularFile } from '../files/regularFile.ts';

const MAX_README_BYTES = 4 << 20;
const FRONT_MATTER = /^---\r?\n([\s\S]*?)\r?\n---/;
const LICENCE = /^licen[cs]e:[ \t]*["']?([\w.+-]{1,80})["']?[ \t]*$/m;

/** Such as "apache-2.0"; null when the folder does not say, or cannot be read. */
export function statedLicence(folder: string): string | null {
  const path = join(folder, 'README.md');
  if (!existsSync(path)) return null;
  try {
    if (openRegularFile(path).sizeBytes > MAX_README_BYTES) return null;
    const [, matter = ''] = FRONT_MATTER.exec(readFileSync(path, 'utf8')) ?? [];
    return LICENCE.exec(matter)?.[1] ?? null;
  } catch {
    // A README says nothing then; the weights are what matters.
    return null;
  }
}
