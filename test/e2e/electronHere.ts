/** @file Tests. The desktop's bundle in a real Electron, where its binary and a display are; else why it cannot be. */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { _electron, type ElectronApplication } from 'playwright-core';
import { buildDesktopIfNeeded } from '../../main/start/buildDesktop.ts';
import { buildPagesIfNeeded } from '../../main/start/buildPages.ts';
import { electronBinary } from '../../main/start/electronBinary.ts';

function xvfb(): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, 'Xvfb'), constants.X_OK);
      return join(folder, 'Xvfb');
    } catch {
      // It is not in this folder.
    }
  }
  return null;
}

const hasDisplay = () =>
  process.platform !== 'linux' || (process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY']) !== undefined;

/** Null when it can be started. */
export function whyNoElectron(): string | null {
  if (electronBinary() === null) return 'Electron binary missing';
  if (!hasDisplay() && xvfb() === null) return 'no display and no Xvfb';
  return null;
}

/** A display that nobody sees; it says its number when it is there. */
async function openDisplay(program: string): Promise<{ name: string; close: () => void }> {
  const server = spawn(program, ['-displayfd', '3', '-screen', '0', '1600x1000x24'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const number = await new Promise<string>((resolve, reject) => {
    (server.stdio[3] as Readable).once('data', (bytes: Buffer) => resolve(bytes.toString('latin1').trim()));
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`Xvfb has ended with ${code}`)));
  });
  return { name: `:${number}`, close: () => void server.kill() };
}

export interface RunningElectron {
  readonly app: ElectronApplication;
  close(): Promise<void>;
}

/** Builds what is stale and starts it. @throws when `whyNoElectron` has a reason. */
export async function startElectron(dataDirectory: string): Promise<RunningElectron> {
  const [binary, server] = [electronBinary(), xvfb()];
  if (binary === null) throw new Error('There is no Electron.');
  await buildPagesIfNeeded(() => {});
  const entry = await buildDesktopIfNeeded(() => {});
  const display = hasDisplay() || server === null ? null : await openDisplay(server);
  // Chromium does not run as root with its sandbox.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const environment = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('ELECTRON_'),
  );
  const app = await _electron.launch({
    executablePath: binary,
    args: [...asRoot, entry, '--data-dir', dataDirectory],
    env: { ...Object.fromEntries(environment), ...(display === null ? {} : { DISPLAY: display.name }) },
  });
  return {
    app,
    close: async () => {
      await app.close();
      display?.close();
    },
  };
}
