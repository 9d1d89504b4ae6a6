/** @file Tests. TensorFlow itself, installed as a person would: interrupted, gone on with, used, removed. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { doctor } from '../../main/engines/registry.ts';
import { type InstallProgress, installTensorflow } from '../../main/engines/tensorflow/install.ts';
import {
  downloadFolder,
  installationFolder,
  tensorflowFolder,
} from '../../main/engines/tensorflow/installation.ts';
import { type Recipe, recipeFor } from '../../main/engines/tensorflow/recipe.ts';
import { findCompiler, findPython } from '../../main/engines/tensorflow/requirements.ts';
import { uninstallTensorflow } from '../../main/engines/tensorflow/uninstall.ts';
import { studioRejectionOf } from '../support/studioErrorOf.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

let missing: string | null = null;

beforeAll(async () => {
  const recipe = recipeFor(process, 'cpu');
  const sought = [await findPython(), await findCompiler()];
  missing = 'unsupported' in recipe ? recipe.unsupported : null;
  for (const one of sought) if ('missing' in one) missing ??= one.missing;
  if (missing !== null && process.env['CI'] === 'true')
    throw new Error(`With CI=true nothing is skipped: ${missing}.`);
});

it('installs, survives an interruption, does nothing twice, works, and goes without a trace', async ({
  skip,
}) => {
  if (missing !== null) skip(missing);
  const dataDirectory = temporaryFolder();
  const [wheel] = (recipeFor(process, 'cpu') as Recipe).wheels;
  const stop = new AbortController();
  const interrupt = ({ phase, doneBytes }: InstallProgress) => {
    if (phase === 'unpacking' && doneBytes > 1e8) stop.abort();
  };
  const first = installTensorflow({ dataDirectory, cuda: false, signal: stop.signal, onProgress: interrupt });
  expect((await studioRejectionOf(first)).code).toBe('CANCELLED');
  expect(readdirSync(downloadFolder(dataDirectory))).toEqual([wheel!.file]);
  expect(existsSync(installationFolder(dataDirectory, 'cpu'))).toBe(false);

  const phases = new Set<string>();
  const onProgress = ({ phase }: InstallProgress) => phases.add(phase);
  const outcome = await installTensorflow({ dataDirectory, cuda: false, onProgress });
  expect(outcome.alreadyThere).toBe(false);
  expect([...phases]).toEqual(['checking', 'unpacking', 'compiling', 'testing']);
  expect(readdirSync(tensorflowFolder(dataDirectory)).filter((name) => name !== 'install.lock')).toEqual([
    '2.21.0-cpu',
  ]);
  expect(existsSync(join(outcome.installation.folder, 'tensorflow', 'include'))).toBe(false);

  expect((await installTensorflow({ dataDirectory, cuda: false })).alreadyThere).toBe(true);
  const [report] = await doctor({ dataDirectory, engines: ['tensorflow'] });
  expect(report?.verdict).toBe('ready');

  expect(uninstallTensorflow(dataDirectory).map(({ what }) => what)).toEqual(['tensorflow (cpu)']);
  expect(readdirSync(tensorflowFolder(dataDirectory))).toEqual(['install.lock']);
});
