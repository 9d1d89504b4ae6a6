/** @file Tests. Real pretrained weights (all-MiniLM-L6-v2, a Hugging Face folder) where somebody has put them. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** ENTAIL_TEST_MINILM, else a folder in the person's cache. */
export function minilmFolder(): string {
  const given = process.env['ENTAIL_TEST_MINILM'] ?? '';
  return given === '' ? join(homedir(), '.cache', 'entail-test', 'all-minilm-l6-v2') : given;
}

/** Why a test that needs the weights is skipped; null when they are there. */
export function missingMinilm(): string | null {
  if (existsSync(join(minilmFolder(), 'model.safetensors'))) return null;
  return 'the weights of all-MiniLM-L6-v2 are not here (ENTAIL_TEST_MINILM names their folder)';
}
