/** @file Node. What must be on the machine to install TensorFlow: Python with pip, a C++ compiler, Node's headers. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { StudioError } from '../../../shared/errors.ts';
import { runProgram } from '../runProgram.ts';

/** A program that was looked for: what it said of itself, or why it cannot be used. */
export type Sought = { readonly command: string; readonly version: string } | { readonly missing: string };

const ASK_TIMEOUT_MS = 20_000;
const LEAST_PYTHON = [3, 8] as const;

export async function findPython(): Promise<Sought> {
  const { exitCode, stdout, stderr } = await ask('python3', ['--version']);
  const version = /Python (\d+)\.(\d+)\S*/.exec(stdout + stderr);
  if (exitCode !== 0 || version === null) return { missing: 'python3 was not found on the PATH' };
  const [major, minor] = [Number(version[1]), Number(version[2])];
  if (major < LEAST_PYTHON[0] || (major === LEAST_PYTHON[0] && minor < LEAST_PYTHON[1]))
    return { missing: `${version[0]} is older than the ${LEAST_PYTHON.join('.')} that is needed` };
  return { command: 'python3', version: version[0] };
}

export async function findPip(): Promise<Sought> {
  const { exitCode, stdout } = await ask('python3', ['-m', 'pip', '--version']);
  const version = /^pip (\d\S*)/.exec(stdout)?.[1];
  if (exitCode !== 0 || version === undefined) return { missing: 'python3 has no module pip' };
  return { command: 'python3 -m pip', version: `pip ${version}` };
}

/** The compiler of the environment variable CXX, or the first of the usual names. */
export async function findCompiler(): Promise<Sought> {
  const named = process.env['CXX'];
  for (const command of named === undefined || named === '' ? ['c++', 'g++', 'clang++'] : [named]) {
    const { exitCode, stdout } = await ask(command, ['--version']);
    if (exitCode === 0) return { command, version: stdout.split('\n')[0]?.trim() ?? command };
  }
  const missing =
    named === undefined || named === ''
      ? 'none of c++, g++ and clang++ was found on the PATH'
      : 'the compiler that the variable CXX names does not run';
  return { missing };
}

function ask(command: string, words: readonly string[]) {
  return runProgram(command, words, { timeoutMs: ASK_TIMEOUT_MS, environment: { LC_ALL: 'C' } });
}

const packageRequire = createRequire(import.meta.url);

/** Folder of Node-API's headers (npm node-api-headers), or null. */
export function nodeApiHeaders(): string | null {
  const folder = sourceFolder('node-api-headers');
  const headers = folder === null ? null : join(folder, 'include');
  return headers !== null && existsSync(join(headers, 'node_api.h')) ? headers : null;
}

/** Folder and version of the npm package that holds the binding's C++ sources, or null. */
export function bindingSources(): { readonly folder: string; readonly version: string } | null {
  const name = '@tensorflow/tfjs-node-gpu';
  const folder = sourceFolder(name);
  if (folder === null || !existsSync(join(folder, 'binding', 'tfjs_binding.cc'))) return null;
  const { version } = packageRequire(`${name}/package.json`) as { version: string };
  return { folder, version };
}

/** Where a compiler can read a package's sources: beside the archive of a packaged studio (electron-builder.yml). */
function sourceFolder(name: string): string | null {
  const { resourcesPath } = process as NodeJS.Process & { readonly resourcesPath?: string };
  const beside = resourcesPath === undefined ? null : join(resourcesPath, 'sources', name);
  return beside !== null && existsSync(beside) ? beside : packageFolder(name);
}

function packageFolder(name: string): string | null {
  try {
    return dirname(packageRequire.resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}

export interface Tools {
  readonly compiler: { readonly command: string; readonly version: string };
  readonly headers: string;
  readonly sources: { readonly folder: string; readonly version: string };
}

/** Everything that an installation needs. @throws ENGINE_MISSING naming all that is missing, with how to get it */
export async function requireTools(): Promise<Tools> {
  const python = await findPython();
  const pip = 'missing' in python ? null : await findPip();
  const compiler = await findCompiler();
  const [headers, sources] = [nodeApiHeaders(), bindingSources()];
  const problems = [python, pip, compiler].flatMap((sought) =>
    sought !== null && 'missing' in sought ? [sought.missing] : [],
  );
  if (headers === null) problems.push('the npm package node-api-headers is not there');
  if (sources === null) problems.push('the npm package @tensorflow/tfjs-node-gpu is not there');
  if (problems.length > 0 || 'missing' in compiler || headers === null || sources === null)
    throw new StudioError('ENGINE_MISSING', `TensorFlow cannot be installed: ${problems.join('; ')}.`, {
      nextStep: `${howToGet(problems)} Then try again; npx --no entail engines doctor shows what is found.`,
    });
  return { compiler, headers, sources };
}

/** How a person gets what is missing, by the words of the problems. */
export function howToGet(problems: readonly string[]): string {
  const text = problems.join(' ');
  const steps: string[] = [];
  if (/python3|pip/.test(text))
    steps.push('Install Python 3 with pip (Debian, Ubuntu: apt install python3-pip).');
  if (/\+\+|CXX/.test(text)) steps.push(`Install a C++ compiler (${compilerHint()}).`);
  if (/npm package/.test(text)) steps.push('Run npm ci.');
  return steps.join(' ');
}

function compilerHint(): string {
  return process.platform === 'darwin' ? 'xcode-select --install' : 'Debian, Ubuntu: apt install g++';
}
