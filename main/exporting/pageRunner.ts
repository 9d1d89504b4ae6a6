/**
 * @file Runs in the exporting child. A written page asked without a browser: what its scripts hand over is taken out of
 * them and run by the same TensorFlow.js.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { StudioError } from '../../shared/errors.ts';
import type { ModelRunner } from '../export/modelRunner.ts';
import { openTensorflowJsRunner } from '../export/tensorflowjs/tensorflowJsRunner.ts';
import { readError, writeError } from '../files/fileErrors.ts';

const pageSchema = z.object({
  graph: z.looseObject({
    weightsManifest: z.tuple([z.looseObject({ paths: z.array(z.string().regex(/^[\w-]+\.bin$/)) })]),
  }),
  weightScripts: z.array(z.string().regex(/^weights-\d{3,}\.js$/)),
});
const PARCEL = /^entailPlayground\.receive\("(\w+)", ([\s\S]*)\);\n$/;

/** @throws StudioError BAD_FILE, NOT_FOUND, UNREADABLE; ENGINE_FAILED when WebAssembly does not start. */
export async function openPageRunner(path: string): Promise<ModelRunner> {
  const folder = mkdtempSync(join(path, '.read-back-'));
  try {
    const { graph, weightScripts } = pageSchema.parse(handedOver(join(path, 'model.js'), 'model'));
    const [{ paths }] = graph.weightsManifest;
    if (paths.length !== weightScripts.length)
      throw damaged(path, 'it has other weights than its graph names');
    keep(join(folder, 'model.json'), JSON.stringify(graph));
    for (const [at, script] of weightScripts.entries()) {
      const base64 = z.string().parse(handedOver(join(path, script), 'weights'));
      keep(join(folder, paths[at]!), Buffer.from(base64, 'base64'));
    }
    const runner = await openTensorflowJsRunner(folder);
    return { ...runner, runtime: `${runner.runtime}, from the page's scripts` };
  } catch (thrown) {
    if (thrown instanceof z.ZodError) throw damaged(path, 'its scripts hand over something else');
    throw readError(thrown, path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** For a moment, on the disk of the export, which may be full by now. */
function keep(path: string, content: string | Buffer): void {
  try {
    writeFileSync(path, content);
  } catch (thrown) {
    throw writeError(thrown, path);
  }
}

function handedOver(path: string, kind: string): unknown {
  const found = PARCEL.exec(readFileSync(path, 'utf8'));
  if (found?.[1] !== kind) throw damaged(path, 'it is not the script of a page');
  return JSON.parse(found[2]!);
}

function damaged(path: string, why: string): StudioError {
  return new StudioError('BAD_FILE', `${path} cannot be read back: ${why}.`, { place: { file: path } });
}
