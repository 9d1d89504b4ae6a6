/**
 * @file Node. Runs a TensorFlow.js graph model on WebAssembly, for the parity gate. tfjs has one current backend a
 * process: it is changed while a batch runs and put back after it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GraphModel, loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { StudioError } from '../../../shared/errors.ts';
import { startWasmBackend } from '../../engines/wasmBackend.ts';
import { readError } from '../../files/fileErrors.ts';
import type { ModelRunner, PaddedBatch, RunnerAnswer } from '../modelRunner.ts';
import { EMBEDDINGS_OUTPUT, LOGITS_OUTPUT } from '../network.ts';
import { INPUTS } from './tensorflowGraph.ts';

/**
 * @param folder with model.json in it
 * @throws StudioError NOT_FOUND, UNREADABLE; ENGINE_FAILED when WebAssembly does not start; BAD_FILE when tfjs refuses
 * the model.
 */
export async function openTensorflowJsRunner(folder: string): Promise<ModelRunner> {
  const model = await onWasm(() => load(folder));
  return {
    runtime: `TensorFlow.js ${tf.version_core} (wasm)`,
    run: (batch) => onWasm(() => run(model, batch)),
    close: async () => model.dispose(),
  };
}

async function onWasm<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = tf.engine().backendName as string | undefined;
  await startWasmBackend();
  try {
    return await work();
  } finally {
    if (before !== undefined && before !== 'wasm') await tf.setBackend(before);
  }
}

const modelSchema = z.object({
  modelTopology: z.object({}).loose(),
  signature: z.object({}).loose(),
  weightsManifest: z.tuple([
    z.object({
      paths: z.array(z.string().regex(/^[\w-]+\.bin$/)),
      weights: z.array(
        z.object({
          name: z.string(),
          shape: z.array(z.number()),
          dtype: z.enum(['float32', 'int32']),
          quantization: z
            .object({ dtype: z.literal('float16'), original_dtype: z.literal('float32') })
            .optional(),
        }),
      ),
    }),
  ]),
});

async function load(folder: string): Promise<GraphModel> {
  const path = join(folder, 'model.json');
  const parsed = modelSchema.safeParse(parseJson(await read(path), path));
  if (!parsed.success) throw refused(path, z.prettifyError(parsed.error));
  const [{ paths, weights }] = parsed.data.weightsManifest;
  const shards: ArrayBuffer[] = [];
  for (const name of paths) shards.push(Uint8Array.from(await read(join(folder, name))).buffer);
  try {
    return await loadGraphModel({
      load: async () => ({
        modelTopology: parsed.data.modelTopology,
        weightSpecs: weights as tf.io.WeightsManifestEntry[],
        weightData: shards,
        signature: parsed.data.signature as tf.io.ModelArtifacts['signature'] & object,
      }),
    });
  } catch (cause) {
    throw refused(path, cause instanceof Error ? cause.message : String(cause));
  }
}

function parseJson(bytes: Buffer, path: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw refused(path, cause instanceof Error ? cause.message : String(cause));
  }
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (thrown) {
    throw readError(thrown, path);
  }
}

function refused(path: string, why: string): StudioError {
  return new StudioError('BAD_FILE', `TensorFlow.js refuses ${path}: ${why.slice(0, 300)}`, {
    nextStep: 'This is a defect of the export: please report it.',
    place: { file: path },
  });
}

async function run(
  model: GraphModel,
  { pairs, length, inputIds, attentionMask, segmentIds }: PaddedBatch,
): Promise<RunnerAnswer> {
  const values = { [INPUTS.ids]: inputIds, [INPUTS.mask]: attentionMask, [INPUTS.segments]: segmentIds };
  const names = [LOGITS_OUTPUT, ...layerNames(model)];
  const wanted = new Set(model.inputs.map(({ name }) => name));
  const outputs = tf.tidy(() => {
    const inputs = Object.entries(values)
      .filter(([name]) => wanted.has(name))
      .map(([name, ids]) => [name, tf.tensor2d(ids, [pairs, length], 'int32')]);
    // One output comes alone.
    return [model.execute(Object.fromEntries(inputs), names)].flat();
  });
  try {
    const numbers = await Promise.all(outputs.map((tensor) => tensor.data<'float32'>()));
    const [logits, ...layers] = numbers.map((values) => values.slice());
    return { logits: logits!, layers };
  } finally {
    tf.dispose(outputs);
  }
}

/** In the order of the network, in which the graph was written. */
function layerNames(model: GraphModel): string[] {
  return model.outputs
    .map(({ name }) => name)
    .filter((name) => name === EMBEDDINGS_OUTPUT || name.startsWith('layer_'));
}
