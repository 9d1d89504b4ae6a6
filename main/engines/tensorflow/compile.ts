/** @file Node. Compiles the unmodified binding of tfjs-node-gpu against the unpacked TensorFlow. */
import { join } from 'node:path';
import { StudioError } from '../../../shared/errors.ts';
import { lastLines, runProgram } from '../runProgram.ts';
import { BINDING_FILE } from './installation.ts';
import type { Recipe } from './recipe.ts';
import type { Tools } from './requirements.ts';

/** A slow machine needs a minute; beyond this the compiler hangs. */
const COMPILE_TIMEOUT_MS = 15 * 60_000;

/** @throws ENGINE_FAILED with the compiler's last lines; CANCELLED */
export async function compileBinding(
  folder: string,
  recipe: Recipe,
  tools: Tools,
  signal?: AbortSignal,
): Promise<void> {
  const { command, version } = tools.compiler;
  const words = compilerWords(folder, recipe, tools);
  const outcome = await runProgram(command, words, {
    timeoutMs: COMPILE_TIMEOUT_MS,
    environment: { LC_ALL: 'C' },
    ...(signal === undefined ? {} : { signal }),
  });
  if (outcome.exitCode === 0) return;
  const why = outcome.timedOut ? 'it did not end within 15 minutes' : lastLines(outcome.stderr, 12);
  throw new StudioError('ENGINE_FAILED', `${version} could not compile TensorFlow's binding:\n${why}`, {
    nextStep: 'Try another compiler with the variable CXX (CXX=clang++), and run the command again.',
  });
}

/** Everything that the compiler is told; the library is found relative to the binding, so the folder can be moved. */
export function compilerWords(folder: string, recipe: Recipe, { headers, sources }: Tools): string[] {
  const mac = process.platform === 'darwin';
  const origin = mac ? '@loader_path' : '$ORIGIN';
  return [
    '-std=c++17',
    '-O2',
    '-fPIC',
    '-shared',
    '-fexceptions',
    '-w',
    '-DNAPI_VERSION=8',
    ...(mac ? ['-undefined', 'dynamic_lookup'] : []),
    `-I${headers}`,
    `-I${join(folder, 'tensorflow', 'include')}`,
    `-I${sources.folder}`,
    join(sources.folder, 'binding', 'tfjs_backend.cc'),
    join(sources.folder, 'binding', 'tfjs_binding.cc'),
    '-o',
    join(folder, BINDING_FILE),
    ...recipe.libraries.map((library) => join(folder, library)),
    `-Wl,-rpath,${origin}/tensorflow`,
  ];
}
