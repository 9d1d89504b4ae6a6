/** @file Runs anywhere. What an exported page is given: scripts beside it hand these over, because a page from a file may fetch nothing. */

import type { TokenizerData } from '../../data/pairTokenizer.ts';
import type { Truncation } from '../../data/truncation.ts';

/** A pair, or one sentence, to begin with. */
export interface PageExample {
  readonly premise: string;
  readonly hypothesis: string | null;
}

/** All of a model but its weights. */
export interface PageModel {
  readonly name: string;
  /** In the order of the outputs. */
  readonly labels: readonly string[];
  readonly sentencesPerExample: 1 | 2;
  /** Longest input in tokens. */
  readonly maxLen: number;
  readonly truncation: Truncation;
  readonly tokenizer: TokenizerData;
  readonly examples: readonly PageExample[];
  /** A graph model of TensorFlow.js: its model.json. */
  readonly graph: {
    readonly modelTopology: object;
    readonly signature: object;
    readonly weightsManifest: readonly { readonly weights: readonly object[] }[];
  };
  /** Scripts with the weights, in order. */
  readonly weightScripts: readonly string[];
  readonly weightsBytes: number;
}

/** What a script hands over: `entailPlayground.receive(kind, value)`. Bytes are in base64. */
export type PageParcel =
  | { readonly kind: 'model'; readonly value: PageModel }
  | { readonly kind: 'wasm'; readonly value: string }
  | { readonly kind: 'weights'; readonly value: string };
