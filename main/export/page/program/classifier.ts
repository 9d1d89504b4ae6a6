/**
 * @file Runs in the exported page. The model on TensorFlow.js with WebAssembly, in one thread. The binary comes from the
 * page itself: tfjs asks for it by an address, and the answer is made here, so that nothing is ever fetched.
 */
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { type GraphModel, loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import type { PageModel } from '../pageData.ts';
import { type EncodedText, type EncodeText, pairEncoder } from './pairEncoder.ts';

export interface PageAnswer extends EncodedText {
  readonly logits: Float32Array;
  readonly probabilities: readonly number[];
  readonly milliseconds: number;
}

/** @throws Error when the browser has no WebAssembly with SIMD. */
export async function startBackend(wasm: Uint8Array<ArrayBuffer>): Promise<void> {
  const answer = () => new Response(wasm, { headers: { 'Content-Type': 'application/wasm' } });
  tf.env().platform.fetch = async () => answer();
  // With an address of its own, and the platform's fetch, the backend asks the line above.
  setWasmPaths('wasm.js#', true);
  const started = await tf.setBackend('wasm').catch(() => false);
  if (!started)
    throw new Error(
      'This browser has no WebAssembly with SIMD: use a Chrome, Firefox or Safari of 2023 or later.',
    );
}

export class PageClassifier {
  readonly #graph: GraphModel;
  readonly #encode: EncodeText;

  private constructor(graph: GraphModel, encode: EncodeText) {
    this.#graph = graph;
    this.#encode = encode;
  }

  static async load(model: PageModel, shards: ArrayBuffer[]): Promise<PageClassifier> {
    const { modelTopology, signature, weightsManifest } = model.graph;
    const graph = await loadGraphModel({
      load: async () => ({
        modelTopology,
        signature,
        weightSpecs: weightsManifest.flatMap(({ weights }) => weights) as tf.io.WeightsManifestEntry[],
        weightData: shards,
      }),
    });
    return new PageClassifier(graph, pairEncoder(model));
  }

  async answer(premise: string, hypothesis: string | null): Promise<PageAnswer> {
    const encoded = this.#encode(premise, hypothesis);
    const beganMs = performance.now();
    const output = tf.tidy(() => this.#graph.execute(this.#inputs(encoded), 'logits') as tf.Tensor);
    const logits = (await output.data<'float32'>()).slice();
    output.dispose();
    const milliseconds = performance.now() - beganMs;
    return { ...encoded, logits, probabilities: softmax(logits), milliseconds };
  }

  #inputs({ ids, segmentStart }: EncodedText): Record<string, tf.Tensor> {
    const row = (values: Int32Array) => tf.tensor2d(values, [1, ids.length], 'int32');
    const values: Record<string, Int32Array> = {
      input_ids: ids,
      attention_mask: new Int32Array(ids.length).fill(1),
      token_type_ids: ids.map((_, at) => (at < segmentStart ? 0 : 1)),
    };
    const wanted = this.#graph.inputs.map(({ name }) => name);
    return Object.fromEntries(wanted.map((name) => [name, row(values[name]!)]));
  }
}

function softmax(logits: Float32Array): number[] {
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
