/**
 * @file Runs anywhere. How an exported model is asked, whatever its format: what the parity gate compares the studio's
 * own answers with. Shapes: P pairs, T tokens, H hidden, C classes.
 */

/** Inputs of equal length, padded at the right; where the mask is 0, ids and segments do not matter. */
export interface PaddedBatch {
  readonly pairs: number;
  readonly length: number;
  /** [P, T] */
  readonly inputIds: Int32Array;
  /** [P, T] 1 for tokens, 0 for padding */
  readonly attentionMask: Int32Array;
  /** [P, T] 0 for the first sentence, 1 for the second */
  readonly segmentIds: Int32Array;
}

export interface RunnerAnswer {
  /** [P, C] */
  readonly logits: Float32Array;
  /**
   * Only of a diagnostic copy, else empty: the embeddings and every layer's output, [P, T, H] each; of the last layer
   * only the first row of each pair, [P, H]. Numbers at padding mean nothing.
   */
  readonly layers: readonly Float32Array[];
}

export interface ModelRunner {
  /** Name and version of what runs it: "onnxruntime-node 1.30.0". */
  readonly runtime: string;
  run(batch: PaddedBatch): Promise<RunnerAnswer>;
  /** Frees the model. */
  close(): Promise<void>;
}
