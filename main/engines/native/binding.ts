/**
 * @file Node. What the Rust crate in native/ offers: the border between JavaScript and the kernels. Tensors live on the
 * Rust side; JavaScript holds handles. A handle names a flat, row-major buffer and is never used twice: a freed or
 * invented one is refused with an error, as is a wrong type or size. Every function that returns a handle returns a new
 * buffer, which the caller frees. Letters as in main/model/packedBatch.ts: P pairs, R rows, H hidden, N heads, D = H / N.
 */
import type { Activation } from '../../model/kernels/linear.ts';
import type { ExchangeBinding } from './exchangeBinding.ts';

/** A number that names a buffer. */
export type Handle = number;

export type BufferType = 'float32' | 'int32' | 'bool';

/** How rows belong to pairs. */
export interface NativeLayout {
  /** [P + 1], ascending, from 0 to R */
  readonly offsets: Int32Array;
  /** [P] index of each pair in the optimizer batch */
  readonly pairIndices: Int32Array;
}

/** Philox4x32-10 by place (architecture.md, "Contracts"); absent where nothing is dropped. */
export interface NativeDropout {
  readonly seed: number;
  readonly step: number;
  readonly place: number;
  /** ⌊p · 2³²⌋: a word below it drops its value */
  readonly threshold: number;
  /** 1 / (1 - p), rounded to float32 */
  readonly scale: number;
}

/** Of products: `bf16` rounds both factors to bfloat16 and sums in float32; refused where the processor has none. */
export type Precision = 'fp32' | 'bf16';

export interface LinearShape {
  readonly rows: number;
  readonly into: number;
  readonly out: number;
  readonly activation: Activation;
  readonly precision: Precision;
}

export interface MatmulShape {
  /** Products one after another; a side with `broadcast` is the same for all of them. */
  readonly batch: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly broadcastA: boolean;
  readonly broadcastB: boolean;
  readonly precision: Precision;
}

export interface AttentionShape extends NativeLayout {
  readonly hidden: number;
  readonly heads: number;
  /** Of q·k: 1 / √D */
  readonly scale: number;
  /**
   * [R] for `attention` and its gradient only: q, k and v are then [A, H], and row r of the batch reads their row
   * `sources[r]` (layer 1, whose rows repeat: architecture.md, idea 3). dq, dk and dv are [R, H] all the same.
   */
  readonly sources?: Int32Array;
  readonly dropout?: NativeDropout;
  readonly precision: Precision;
}

export interface NormShape extends NativeLayout {
  readonly width: number;
  readonly eps: number;
  readonly dropout?: NativeDropout;
  /** [R] for `addDropoutNorm` and its gradient only: the residual is [A, W] and read by it; dResidual is [R, W]. */
  readonly residualSources?: Int32Array;
}

export interface AdamNumbers {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
}

/** One parameter of a step, changed in place. */
export interface AdamParameter {
  readonly value: Handle;
  readonly first: Handle;
  readonly second: Handle;
  /** Like the value; or, with `ids`, [ids.length, W]. */
  readonly gradient: Handle;
  /** Rows of a table [V, W] that have a gradient, ascending and distinct; the others move by their moments alone. */
  readonly ids?: Int32Array;
  /** α / (1 - β₁ᵗ) */
  readonly stepSize: number;
  /** 1 / √(1 - β₂ᵗ) */
  readonly inverseRoot: number;
  /** 1 - lr · decay */
  readonly keep: number;
}

export type UnaryOperation =
  | 'abs'
  | 'ceil'
  | 'cos'
  | 'erf'
  | 'exp'
  | 'expm1'
  | 'floor'
  | 'isFinite'
  | 'isNaN'
  | 'log'
  | 'log1p'
  | 'logicalNot'
  | 'neg'
  | 'reciprocal'
  | 'relu'
  | 'round'
  | 'rsqrt'
  | 'sigmoid'
  | 'sign'
  | 'sin'
  | 'softplus'
  | 'sqrt'
  | 'square'
  | 'tanh';
export type BinaryOperation =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'maximum'
  | 'minimum'
  | 'pow'
  | 'squaredDifference'
  | 'mod'
  | 'equal'
  | 'notEqual'
  | 'less'
  | 'lessEqual'
  | 'greater'
  | 'greaterEqual'
  | 'logicalAnd'
  | 'logicalOr';
export type Reduction = 'sum' | 'mean' | 'max' | 'min' | 'prod' | 'argMax' | 'argMin' | 'any' | 'all';

export interface NativeDescription {
  /** Of the crate. */
  readonly version: string;
  readonly instructionSet: 'avx512' | 'avx2' | 'neon' | 'scalar';
  readonly bf16: boolean;
  readonly physicalCores: number;
  readonly threads: number;
}

export interface NativeMemory {
  /** Buffers that handles name, and their bytes. */
  readonly buffers: number;
  readonly bytes: number;
  /** Bytes that the pool keeps for reuse, workspaces included. */
  readonly pooledBytes: number;
  /** How often the pool had to ask the system, since the process began. */
  readonly systemAllocations: number;
}

export interface NativeBinding extends ExchangeBinding {
  /** Starts no thread: those that compute are started by the first work. */
  describe(): NativeDescription;
  /**
   * How many threads compute from now on, at least 1, at the priority that was set. Results do not depend on it, to the
   * bit.
   */
  setThreads(count: number): void;
  memory(): NativeMemory;
  /** Gives what the pool keeps back to the system. */
  releasePool(): void;
  /**
   * Lowers (10) or restores (0) the priority of the computing threads, those of later `setThreads` too. -> whether the
   * system did (many only lower it).
   */
  setNiceness(niceness: number): boolean;

  /** Float32Array: float32, Int32Array: int32, Uint8Array: bool. Copies. */
  upload(values: Float32Array | Int32Array | Uint8Array): Handle;
  fill(type: BufferType, size: number, value: number): Handle;
  /** A copy. */
  read(buffer: Handle): Float32Array | Int32Array | Uint8Array;
  free(buffer: Handle): void;
  /** Elements of a buffer: JavaScript must know the size of what a kernel saves in a form of its own. */
  sizeOf(buffer: Handle): number;
  copy(buffer: Handle): Handle;
  cast(buffer: Handle, type: BufferType): Handle;

  /** x [rows, into], weight [out, into], bias [out] -> y [rows, out]; with gelu also its input before it. */
  linear(x: Handle, weight: Handle, bias: Handle, shape: LinearShape): { y: Handle; before?: Handle };
  /**
   * `output`: y, or `before` with gelu. -> gradients of x (when asked for), weight and bias.
   */
  linearGradient(
    inputs: { dy: Handle; x: Handle; weight: Handle; output: Handle; wantsX: boolean },
    shape: LinearShape,
  ): { dx?: Handle; dWeight: Handle; dBias: Handle };
  /** Several layers on the same x, without activation: queries, keys and values. -> one y a layer. */
  projections(x: Handle, layers: { weight: Handle; bias: Handle }[], shape: LinearShape): Handle[];
  /** -> dx summed over the layers (when asked for), and dWeight, dBias of each. */
  projectionsGradient(
    inputs: { dys: Handle[]; x: Handle; weights: Handle[]; wantsX: boolean },
    shape: LinearShape,
  ): { dx?: Handle; dWeights: Handle[]; dBiases: Handle[] };
  /** [batch, rows, inner] · [batch, inner, columns] -> [batch, rows, columns], sides transposed as told. */
  matmul(a: Handle, b: Handle, shape: MatmulShape): Handle;

  /** q, k, v [R, H] -> context [R, H] and what the gradient needs of the softmax (a buffer of the crate's own form). */
  attention(q: Handle, k: Handle, v: Handle, shape: AttentionShape): { context: Handle; saved: Handle };
  attentionGradient(
    inputs: { dy: Handle; q: Handle; k: Handle; v: Handle; saved: Handle },
    shape: AttentionShape,
  ): { dq: Handle; dk: Handle; dv: Handle };
  /** x [R, H], query [P, N, H] -> [P, N, H + 1]: Σ ã x and, last, Σ ã (main/model/kernels/pooledAttention.ts). */
  pooledAttention(x: Handle, query: Handle, shape: AttentionShape): { pooled: Handle; saved: Handle };
  pooledAttentionGradient(
    inputs: { dy: Handle; x: Handle; query: Handle; saved: Handle },
    shape: AttentionShape,
  ): { dx: Handle; dQuery: Handle };

  /** LayerNorm(dropout(x) + residual): x, residual [R, W], gamma, beta [W] -> y [R, W], statistics [R, 2]: mean, 1/σ. */
  addDropoutNorm(
    inputs: { x: Handle; residual: Handle; gamma: Handle; beta: Handle },
    shape: NormShape,
  ): { y: Handle; statistics: Handle };
  addDropoutNormGradient(
    inputs: { dy: Handle; x: Handle; residual: Handle; gamma: Handle; statistics: Handle },
    shape: NormShape,
  ): { dx: Handle; dResidual: Handle; dGamma: Handle; dBeta: Handle };
  /** LayerNorm, then dropout, of the Hugging Face variant's embeddings: x [R, W] -> y, statistics. */
  normDropout(
    inputs: { x: Handle; gamma: Handle; beta: Handle },
    shape: NormShape,
  ): { y: Handle; statistics: Handle };
  normDropoutGradient(
    inputs: { dy: Handle; x: Handle; gamma: Handle; statistics: Handle },
    shape: NormShape,
  ): { dx: Handle; dGamma: Handle; dBeta: Handle };

  /** tokenRows [R, H] + segmentTable [S, H] by segments [R] + positionTable [M, H] by positions [R] -> [R, H] */
  embeddingSum(
    inputs: { tokenRows: Handle; segmentTable: Handle; positionTable: Handle },
    shape: { width: number; segments: Int32Array; positions: Int32Array },
  ): Handle;
  /** x [A, width] by index [B] -> [B, width]; an index of A gives a row of zeros. */
  gatherRows(x: Handle, width: number, index: Int32Array): Handle;
  /** rows [B, width] -> [count, width]: row r is added to targets[r], in the order of rows. */
  sumRows(rows: Handle, width: number, targets: Int32Array, count: number): Handle;

  /** logits [P, C], labels [P] -> losses [P], residuals [P, C] (probabilities minus targets). */
  crossEntropy(logits: Handle, labels: Int32Array, classes: number): { losses: Handle; residuals: Handle };
  /** How many rows of logits [P, C] are largest at their label (the first of equals) -> float32 [1]. */
  countCorrect(logits: Handle, labels: Int32Array, classes: number): Handle;

  /** All parameters of a step in one call. */
  adam(parameters: readonly AdamParameter[], numbers: AdamNumbers): void;
  /** √ Σ over all buffers of Σ x² -> float32 [1]; summed in float64 in a fixed order. */
  gradientNorm(gradients: readonly Handle[]): Handle;
  /** sum + more, and rest + what that rounds away; all of one size. */
  addKeepingRest(sum: Handle, rest: Handle, more: Handle): { sum: Handle; rest: Handle };
  /** Sums of buffers of one size, in order. */
  addAll(buffers: readonly Handle[]): Handle;

  /** Mask [R, width] or of one stretch of elements: 0, or the scale of what is kept. */
  dropoutRows(layout: NativeLayout, width: number, dropout: NativeDropout): Handle;

  unary(operation: UnaryOperation, x: Handle): Handle;
  /** Shapes broadcast as in numpy; comparisons give bool. */
  binary(operation: BinaryOperation, a: Handle, b: Handle, shapes: { a: number[]; b: number[] }): Handle;
  /** condition ? a : b, all of one size. */
  select(condition: Handle, a: Handle, b: Handle): Handle;
  /** x [outer, inner] -> [outer] */
  reduce(operation: Reduction, x: Handle, inner: number): Handle;
  /** x [outer, inner] -> the same, softmax or its logarithm over inner. */
  softmax(x: Handle, inner: number, logarithm: boolean): Handle;
  transpose(x: Handle, shape: number[], permutation: number[]): Handle;
  slice(x: Handle, shape: number[], begin: number[], size: number[]): Handle;
  /** Along one axis: each buffer is [outer, inners[i]]. -> [outer, Σ inners] */
  concat(buffers: readonly Handle[], inners: number[]): Handle;
  pad(x: Handle, shape: number[], paddings: [number, number][], value: number): Handle;
  tile(x: Handle, shape: number[], repetitions: number[]): Handle;
  oneHot(indices: Handle, depth: number, onValue: number, offValue: number): Handle;
}
