/** @file Runs in Electron's main process. An entry run to its end in a utility process: Electron's fuses forbid plain Node ones. */
import type { utilityProcess } from 'electron';
import { StudioError } from '../../shared/errors.ts';
import type { EntryRunner } from '../engines/runEntry.ts';
import { strippedEnvironment } from '../training/supervisedChild.ts';
import { launchUtility } from './utilityChild.ts';

const KEPT_CHARACTERS = 256 * 1024;

/** What the entry sends as a message counts for its output, and for its end. */
export function runInUtility(parent: Pick<typeof utilityProcess, 'fork'>): EntryRunner {
  const launch = launchUtility(parent);
  return (entry, words, { environment, timeoutMs, signal }) =>
    new Promise((resolve, reject) => {
      let stderr = '';
      let timedOut = false;
      let limit: NodeJS.Timeout | undefined;
      const finish = (exitCode: number | null, stdout: string) => {
        clearTimeout(limit);
        signal?.removeEventListener('abort', end);
        if (signal?.aborted === true) reject(new StudioError('CANCELLED', 'Stopped, as asked.'));
        else resolve({ exitCode, startError: null, timedOut, stdout, stderr });
      };
      const child = launch(
        entry,
        { ...strippedEnvironment(), ...environment },
        {
          onMessage: (message) => {
            finish(0, String(message));
            child.kill();
          },
          onPulse: () => {},
          onStderr: (text) => {
            stderr = (stderr + text).slice(-KEPT_CHARACTERS);
          },
          onClose: () => finish(1, ''),
        },
        words,
      );
      const end = () => child.kill();
      signal?.addEventListener('abort', end);
      if (timeoutMs !== undefined)
        limit = setTimeout(() => {
          timedOut = true;
          end();
        }, timeoutMs);
    });
}
