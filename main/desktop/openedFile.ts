/** @file Runs in Electron's main process. A file of settings that a person opens with the studio, shown as a new run. */
import { readFileSync } from 'node:fs';
import { StudioError } from '../../shared/errors.ts';
import { openRegularFile } from '../files/regularFile.ts';
import { STUDIO_ORIGIN } from './pageProtocol.ts';

/** As electron-builder.yml names them and the page saves them. */
const ENDING = '.entail';
/** A run's settings are a page of text. */
const MOST_BYTES = 64 * 1024;

/** The first file of settings that a command line names, or null. */
export function settingsFileIn(words: readonly string[]): string | null {
  return words.find((word) => !word.startsWith('-') && word.endsWith(ENDING)) ?? null;
}

/** The page's address for what a file says; the page judges it. @throws StudioError for a file that is none of ours. */
export function addressOfSettings(path: string): string {
  const { sizeBytes } = openRegularFile(path);
  if (sizeBytes > MOST_BYTES)
    throw new StudioError('TOO_LARGE', `${path} is too large for the settings of a run.`, {
      nextStep: 'Open a file that "Save as file" of a run has made.',
      place: { file: path },
    });
  const query = new URLSearchParams({ settings: readFileSync(path, 'utf8') });
  return `${STUDIO_ORIGIN}/#/new?${query}`;
}
