/**
 * @file Runs in the exporting child. The studio's own network as something that answers padded batches: the reference of
 * the parity gate, and the reader of formats that hold weights only. Computes on tfjs' current engine.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../../shared/runs.ts';
import type { ModelRunner, PaddedBatch, RunnerAnswer } from '../export/modelRunner.ts';
import { gatherTokenRows, predictLogits } from '../model/classifier.ts';
import { everyRow } from '../model/distinctRows.ts';
import { encode } from '../model/encoder.ts';
import type { PackedBatch } from '../model/packedBatch.ts';
import type { ParameterSet } from '../model/parameters.ts';

export class StudioModel implements ModelRunner {
  readonly runtime: string;
  readonly #config: ModelConfig;
  readonly #parameters: ParameterSet;

  /** @param runtime in words, for the report */
  constructor(config: ModelConfig, parameters: ParameterSet, runtime: string) {
    this.runtime = runtime;
    this.#config = config;
    this.#parameters = parameters;
  }

  /** Logits only: what a layer gives is asked for separately. */
  async run(batch: PaddedBatch): Promise<RunnerAnswer> {
    const logits = predictLogits(this.#config, this.#parameters, packed(batch));
    const values = (await logits.data()) as Float32Array;
    logits.dispose();
    // A copy: an engine may hand out a view of memory that it uses again.
    return { logits: values.slice(), layers: [] };
  }

  /** The embeddings and every layer's output, [P, T, H] each, with zeros at padding. */
  async layers(batch: PaddedBatch): Promise<Float32Array[]> {
    const rows = packed(batch);
    const kept: tf.Tensor2D[] = [];
    tf.tidy(() => {
      const embedded = everyRow(rows);
      const input = {
        tokenRows: gatherTokenRows(this.#parameters, embedded.ids),
        rows: embedded,
        batch: rows,
      };
      const keep = (output: tf.Tensor2D) => void kept.push(tf.keep(output.clone()));
      encode(this.#config, (name) => this.#parameters.get(name), input, {
        ...{ dropout: null, lastLayer: 'all' },
        onEmbeddings: keep,
        onLayer: (_, output) => keep(output),
      });
    });
    const outputs: Float32Array[] = [];
    for (const tensor of kept) {
      outputs.push(unpacked((await tensor.data()) as Float32Array, rows, batch, this.#config.hidden));
      tensor.dispose();
    }
    return outputs;
  }

  async close(): Promise<void> {
    this.#parameters.dispose();
  }
}

/** Without padding: what is masked is not computed at all. */
function packed({ pairs, length, inputIds, attentionMask, segmentIds }: PaddedBatch): PackedBatch {
  const places: number[] = [];
  const offsets = new Int32Array(pairs + 1);
  for (let pair = 0; pair < pairs; pair++) {
    for (let position = 0; position < length; position++)
      if (attentionMask[pair * length + position] === 1) places.push(pair * length + position);
    offsets[pair + 1] = places.length;
  }
  return {
    pairs,
    rows: places.length,
    ids: Int32Array.from(places, (place) => inputIds[place]!),
    segments: Int32Array.from(places, (place) => segmentIds[place]!),
    positions: Int32Array.from(places, (place) => place % length),
    offsets,
    pairIndices: Int32Array.from({ length: pairs }, (_, pair) => pair),
    labels: new Int32Array(pairs),
  };
}

function unpacked(
  values: Float32Array,
  { offsets }: PackedBatch,
  { pairs, length }: PaddedBatch,
  hidden: number,
): Float32Array {
  const padded = new Float32Array(pairs * length * hidden);
  for (let pair = 0; pair < pairs; pair++) {
    const rows = values.subarray(offsets[pair]! * hidden, offsets[pair + 1]! * hidden);
    padded.set(rows, pair * length * hidden);
  }
  return padded;
}
