/** @file Runs under Node; what `npm start` runs. The studio in Electron where it can be, else in a browser over loopback. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { buildExportPageIfNeeded } from './start/buildExportPage.ts';
import { buildNativeIfNeeded, progressLine } from './start/buildNative.ts';
import { buildPagesIfNeeded } from './start/buildPages.ts';
import { electronBinary, fetchElectron } from './start/electronBinary.ts';
import { stoppable } from './start/stoppable.ts';
import { projectFolder } from './version.ts';

const say = (text: string) => void process.stdout.write(`${text}\n`);

/** Why the studio opens in a browser; null when Electron is there. */
async function whyNoElectron(): Promise<string | null> {
  if (process.env['CI'] !== undefined) return 'this is CI, where no window is opened';
  if (electronBinary() !== null) return null;
  const missing =
    "Electron's binary is not here: packages of this project run no code when they are installed";
  if (!process.stdin.isTTY || !process.stdout.isTTY) return missing;
  const asked = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await asked.question(
    `${missing}.\nFetch it now (about 110 MB, from Electron's release server)? [y/N] `,
  );
  asked.close();
  if (!/^y(es)?$/i.test(answer.trim())) return 'Electron was not fetched';
  const failure = await fetchElectron();
  return failure === null ? null : `Electron could not be fetched: ${failure}`;
}

async function run(program: string, words: readonly string[]): Promise<number> {
  const child = spawn(program, words, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return await new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
}

async function main(words: readonly string[]): Promise<number> {
  const reason = await whyNoElectron();
  await buildPagesIfNeeded(say);
  if (reason === null) {
    await buildExportPageIfNeeded(say);
    await stoppable((signal) => buildNativeIfNeeded({ say, onProgress: progressLine(), signal }));
    const { buildDesktopIfNeeded } = await import('./start/buildDesktop.ts');
    const entry = await buildDesktopIfNeeded(say);
    return await run(electronBinary()!, [entry, ...words]);
  }
  say(`The studio opens in a browser, because ${reason}.`);
  const browser = process.env['CI'] === undefined ? ['--open'] : [];
  return await run(process.execPath, [join(projectFolder(), 'main', 'headless.ts'), ...browser, ...words]);
}

process.exitCode = await main(process.argv.slice(2));
