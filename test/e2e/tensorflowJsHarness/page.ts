/** @file Runs in a page of a test. Loads an exported graph model over HTTP, as its card shows, on one of tfjs' backends. */
import '@tensorflow/tfjs-backend-webgl';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';

export interface HarnessBatch {
  readonly pairs: number;
  readonly length: number;
  readonly inputIds: readonly number[];
  readonly attentionMask: readonly number[];
  readonly segmentIds: readonly number[];
}

/** Logits of each batch; null when the browser does not have the backend. */
async function logitsOn(backend: string, batches: readonly HarnessBatch[]): Promise<number[][] | null> {
  setWasmPaths('/wasm/');
  if (!(await tf.setBackend(backend).catch(() => false))) return null;
  const model = await loadGraphModel('/model/model.json');
  const answers: number[][] = [];
  for (const { pairs, length, ...values } of batches) {
    const rows = (ids: readonly number[]) => tf.tensor2d([...ids], [pairs, length], 'int32');
    const logits = model.execute({
      input_ids: rows(values.inputIds),
      attention_mask: rows(values.attentionMask),
      token_type_ids: rows(values.segmentIds),
    }) as tf.Tensor;
    answers.push([...(await logits.data())]);
  }
  model.dispose();
  return answers;
}

Object.assign(globalThis, { logitsOn });
