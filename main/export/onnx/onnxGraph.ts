/**
 * @file Node. The network as an ONNX graph (opset 20): nodes, initializers and outputs, collected while the walk of
 * network.ts goes on. Batch and length are free. Shapes: P pairs, T tokens, H hidden, N heads, D = H / N.
 */
import type { ModelConfig } from '../../../shared/runs.ts';
import { bytesOf, type Precision } from '../compactWeights.ts';
import type { ExportedWeights } from '../exportedModel.ts';
import { type AttentionInputs, type GraphActivation, type GraphWriter, MASKED_SCORE } from '../network.ts';
import type { Attribute, NodeOutline } from './onnxMessages.ts';
import {
  constantTensor,
  matrixTensor,
  scaleName,
  type TensorGroup,
  tableTensor,
  vectorTensor,
} from './onnxTensors.ts';

export const INPUTS = { ids: 'input_ids', mask: 'attention_mask', segments: 'token_type_ids' } as const;

/** A tensor of the graph by its name: a row for each token [P, T, …], or one a pair [P, …]. */
export interface OnnxValue {
  readonly name: string;
  readonly rows: 'tokens' | 'pairs';
}

export interface OnnxGraphOptions {
  readonly config: ModelConfig;
  readonly weights: ExportedWeights;
  readonly precision: Precision;
}

type Attributes = Readonly<Record<string, Attribute>>;
const axis = (value: number): Attributes => ({ axis: { kind: 'int', value } });
const permutation = (...values: number[]): Attributes => ({ perm: { kind: 'ints', values } });
const TO_FLOAT: Attributes = { to: { kind: 'int', value: 1 } };

export class OnnxGraph implements GraphWriter<OnnxValue> {
  readonly nodes: NodeOutline[] = [];
  readonly tensors: TensorGroup[] = [];
  readonly outputs: { readonly name: string; readonly rows: OnnxValue['rows'] }[] = [];
  readonly #options: OnnxGraphOptions;
  readonly #shapes: ReadonlyMap<string, readonly number[]>;
  readonly #constants = new Set<string>();

  constructor(options: OnnxGraphOptions) {
    this.#options = options;
    this.#shapes = new Map(options.weights.shapes.map(({ name, shape }) => [name, shape]));
  }

  tokenRows(table: string): OnnxValue {
    return { name: this.#lookUp(table, INPUTS.ids), rows: 'tokens' };
  }

  segmentRows(table: string): OnnxValue {
    return { name: this.#lookUp(table, INPUTS.segments), rows: 'tokens' };
  }

  /** [T, H], which is added to every pair. */
  positionRows(table: string): OnnxValue {
    const size = this.#node('Shape', `${table}.size`, [INPUTS.ids], {
      start: { kind: 'int', value: 1 },
      end: { kind: 'int', value: 2 },
    });
    const length = this.#node('Squeeze', `${table}.length`, [size, this.#integers('zero', [0])]);
    const range = [this.#integer('from', 0), length, this.#integer('step', 1)];
    return { name: this.#lookUp(table, this.#node('Range', `${table}.places`, range)), rows: 'tokens' };
  }

  /** [P, 1, 1, T] */
  keyPenalty(): OnnxValue {
    const mask = this.#node('Cast', 'mask.float', [INPUTS.mask], TO_FLOAT);
    const padding = this.#node('Sub', 'mask.padding', [this.#number('one', 1), mask]);
    const flat = this.#node('Mul', 'mask.penalty', [padding, this.#number('masked_score', MASKED_SCORE)]);
    const axes = this.#integers('mask.axes', [1, 2]);
    return { name: this.#node('Unsqueeze', 'mask.by_key', [flat, axes]), rows: 'tokens' };
  }

  add(place: string, left: OnnxValue, right: OnnxValue): OnnxValue {
    return { name: this.#node('Add', place, [left.name, right.name]), rows: left.rows };
  }

  linear(x: OnnxValue, name: string, activation: GraphActivation): OnnxValue {
    const matrix = this.#matrix(`${name}.weight`);
    const product = this.#node('MatMul', `${name}.product`, [x.name, matrix]);
    const sum = this.#node('Add', `${name}.sum`, [product, this.#vector(`${name}.bias`)]);
    return { name: this.#activated(name, sum, activation), rows: x.rows };
  }

  layerNorm(x: OnnxValue, name: string): OnnxValue {
    const inputs = [x.name, this.#vector(`${name}.weight`), this.#vector(`${name}.bias`)];
    const epsilon = { kind: 'float', value: this.#options.config.layerNormEps } as const;
    return {
      name: this.#node('LayerNormalization', name, inputs, { ...axis(-1), epsilon }),
      rows: x.rows,
    };
  }

  attention(place: string, { queries, keys, values, penalty }: AttentionInputs<OnnxValue>): OnnxValue {
    const { hidden, heads } = this.#options.config;
    const width = hidden / heads;
    const [q, k, v] = [
      this.#byHead(queries, `${place}.queries`, [0, 2, 1, 3]),
      this.#byHead(keys, `${place}.keys`, [0, 2, 3, 1]),
      this.#byHead(values, `${place}.values`, [0, 2, 1, 3]),
    ];
    const scale = this.#number('attention.scale', 1 / Math.sqrt(width));
    const product = this.#node('MatMul', `${place}.product`, [q, k]);
    const scores = this.#node('Mul', `${place}.scores`, [product, scale]);
    const masked = this.#node('Add', `${place}.masked`, [scores, penalty.name]);
    const shares = this.#node('Softmax', `${place}.weights`, [masked], axis(-1));
    const context = this.#node('MatMul', `${place}.context`, [shares, v]);
    if (queries.rows === 'pairs') {
      const shape = this.#integers('attention.one_row', [0, hidden]);
      return { name: this.#node('Reshape', `${place}.joined`, [context, shape]), rows: 'pairs' };
    }
    const byToken = this.#node('Transpose', `${place}.by_token`, [context], permutation(0, 2, 1, 3));
    const shape = this.#integers('attention.joined_shape', [0, 0, hidden]);
    return { name: this.#node('Reshape', `${place}.joined`, [byToken, shape]), rows: 'tokens' };
  }

  firstRows(x: OnnxValue): OnnxValue {
    const first = this.#node('Gather', 'first_rows', [x.name, this.#integer('from', 0)], axis(1));
    return { name: first, rows: 'pairs' };
  }

  output(name: string, value: OnnxValue): void {
    this.nodes.push({ operator: 'Identity', name, inputs: [value.name], outputs: [name] });
    this.outputs.push({ name, rows: value.rows });
  }

  /** [R, H] -> [P, N, T, D] permuted; of one row a pair it is [P, N, 1, D]. */
  #byHead(x: OnnxValue, place: string, order: readonly number[]): string {
    const { hidden, heads } = this.#options.config;
    const width = hidden / heads;
    if (x.rows === 'pairs')
      return this.#node('Reshape', place, [x.name, this.#integers('one_head_row', [0, heads, 1, width])]);
    const split = [x.name, this.#integers('heads_shape', [0, 0, heads, width])];
    const byToken = this.#node('Reshape', `${place}.split`, split);
    return this.#node('Transpose', place, [byToken], permutation(...order));
  }

  #activated(name: string, x: string, activation: GraphActivation): string {
    switch (activation) {
      case 'none':
        return x;
      case 'relu':
        return this.#node('Relu', `${name}.relu`, [x]);
      case 'tanh':
        return this.#node('Tanh', `${name}.tanh`, [x]);
      case 'gelu':
        return this.#node('Gelu', `${name}.gelu`, [x]);
      case 'gelu_tanh':
        return this.#node('Gelu', `${name}.gelu`, [x], { approximate: { kind: 'text', value: 'tanh' } });
    }
  }

  /** Rows of a table by their numbers. Widened after they were taken: the table itself stays as it is. */
  #lookUp(table: string, indices: string): string {
    const { precision, weights } = this.#options;
    this.tensors.push(tableTensor(weights, this.#place(table), precision));
    const rows = this.#node('Gather', `${table}.rows`, [table, indices], axis(0));
    if (precision === 'fp32') return rows;
    const wide = this.#node('Cast', `${table}.wide`, [rows], TO_FLOAT);
    if (precision === 'fp16') return wide;
    const scales = this.#node('Gather', `${table}.row_scales`, [scaleName(table), indices], axis(0));
    const column = this.#node('Unsqueeze', `${table}.scales`, [scales, this.#integers('last_axis', [-1])]);
    return this.#node('Mul', `${table}.scaled`, [wide, column]);
  }

  /** A Linear's weight [in, out] in 32 bits. */
  #matrix(name: string): string {
    const { precision, weights } = this.#options;
    this.tensors.push(matrixTensor(weights, this.#place(name), precision));
    if (precision === 'fp32') return name;
    if (precision === 'fp16') return this.#node('Cast', `${name}.wide`, [name], TO_FLOAT);
    return this.#node('DequantizeLinear', `${name}.wide`, [name, scaleName(name)], axis(1));
  }

  #vector(name: string): string {
    const [size] = this.#shapes.get(name) as readonly [number];
    this.tensors.push(vectorTensor(this.#options.weights, name, size));
    return name;
  }

  /** The position table is [1, M, H]: a matrix all the same. */
  #place(name: string): { name: string; rows: number; columns: number } {
    const [rows, columns] = this.#shapes.get(name)!.slice(-2) as [number, number];
    return { name, rows, columns };
  }

  #node(operator: string, name: string, inputs: readonly string[], attributes: Attributes = {}): string {
    this.nodes.push({ operator, name, inputs, outputs: [`${name}:0`], attributes });
    return `${name}:0`;
  }

  #number(name: string, value: number): string {
    return this.#constant(name, 'float', [], Float32Array.of(value));
  }

  #integer(name: string, value: number): string {
    return this.#constant(name, 'int64', [], BigInt64Array.of(BigInt(value)));
  }

  #integers(name: string, values: readonly number[]): string {
    return this.#constant(name, 'int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  #constant(
    name: string,
    type: 'float' | 'int64',
    shape: readonly number[],
    values: Float32Array | BigInt64Array,
  ): string {
    const full = `constant.${name}`;
    if (!this.#constants.has(full))
      this.tensors.push(constantTensor({ name: full, type, shape }, bytesOf(values)));
    this.#constants.add(full);
    return full;
  }
}
