/**
 * @file Node. The network as a TensorFlow graph, collected while the walk of network.ts goes on. All rows are kept as
 * matrices [R, H], which is what the kernels of TensorFlow.js are fast at. Shapes: P pairs, T tokens, R = P·T or P,
 * H hidden, N heads, D = H / N.
 */
import type { ModelConfig } from '../../../shared/runs.ts';
import type { ExportedWeights } from '../exportedModel.ts';
import { type AttentionInputs, type GraphActivation, type GraphWriter, MASKED_SCORE } from '../network.ts';
import {
  constNode,
  FLOAT,
  flag,
  type GraphNode,
  INT32,
  inputNode,
  type NodeAttribute,
  texts,
  whole,
} from './graphDef.ts';
import { constantWeight, type GraphWeight, modelWeight } from './graphWeights.ts';

export const INPUTS = { ids: 'input_ids', mask: 'attention_mask', segments: 'token_type_ids' } as const;

/** The output of a node. */
export interface GraphRows {
  readonly name: string;
  readonly rows: 'tokens' | 'pairs';
}

export interface TensorflowGraphOptions {
  readonly config: ModelConfig;
  readonly weights: ExportedWeights;
  /** Tables and matrices in 16-bit floats. */
  readonly half: boolean;
}

type Attributes = Readonly<Record<string, NodeAttribute>>;

export class TensorflowGraph implements GraphWriter<GraphRows> {
  readonly nodes: GraphNode[] = [];
  readonly weights: GraphWeight[] = [];
  readonly outputs: string[] = [];
  readonly inputs: readonly string[];
  readonly #options: TensorflowGraphOptions;
  readonly #shapes: ReadonlyMap<string, readonly number[]>;
  readonly #made = new Set<string>();

  constructor(options: TensorflowGraphOptions) {
    this.#options = options;
    this.#shapes = new Map(options.weights.shapes.map(({ name, shape }) => [name, shape]));
    const { ids, mask, segments } = INPUTS;
    this.inputs = options.config.segments === 0 ? [ids, mask] : [ids, mask, segments];
    for (const name of this.inputs) this.nodes.push(inputNode(name));
  }

  tokenRows(table: string): GraphRows {
    return this.#lookUp(table, INPUTS.ids);
  }

  segmentRows(table: string): GraphRows {
    return this.#lookUp(table, INPUTS.segments);
  }

  positionRows(table: string): GraphRows {
    const zeros = this.#node('ZerosLike', 'positions.zeros', [INPUTS.ids], { T: INT32 });
    const range = [this.#integer('zero', 0), this.#size(1), this.#integer('one', 1)];
    const each = this.#node('Range', 'positions.range', range, { Tidx: INT32 });
    return this.#lookUp(table, this.#node('AddV2', 'positions.of_pairs', [zeros, each], { T: INT32 }));
  }

  /** [P, 1, 1, T] */
  keyPenalty(): GraphRows {
    const mask = this.#node('Cast', 'mask.float', [INPUTS.mask], { SrcT: INT32, DstT: FLOAT });
    const padding = this.#floatNode('Sub', 'mask.padding', [this.#number('one_float', 1), mask]);
    const masked = this.#number('masked_score', MASKED_SCORE);
    const flat = this.#floatNode('Mul', 'mask.penalty', [padding, masked]);
    const one = this.#integer('one', 1);
    const byHead = this.#floatNode('ExpandDims', 'mask.by_head', [flat, one]);
    return { name: this.#floatNode('ExpandDims', 'mask.by_key', [byHead, one]), rows: 'tokens' };
  }

  add(place: string, left: GraphRows, right: GraphRows): GraphRows {
    return { name: this.#floatNode('AddV2', place, [left.name, right.name]), rows: left.rows };
  }

  linear(x: GraphRows, name: string, activation: GraphActivation): GraphRows {
    const matrix = this.#weight(`${name}.weight`, true);
    const bias = this.#weight(`${name}.bias`, false);
    const fused = activation === 'relu' ? ['BiasAdd', 'Relu'] : ['BiasAdd'];
    const sum = this.#node('_FusedMatMul', `${name}.sum`, [x.name, matrix, bias], {
      ...{ T: FLOAT, num_args: whole(1), fused_ops: texts(...fused), epsilon: { f: 0 } },
      ...{ transpose_a: flag(false), transpose_b: flag(false) },
    });
    return { name: this.#activated(name, sum, activation), rows: x.rows };
  }

  layerNorm(x: GraphRows, name: string): GraphRows {
    const float = (operator: string, place: string, inputs: readonly string[]) =>
      this.#floatNode(operator, `${name}.${place}`, inputs);
    const mean = this.#mean(`${name}.mean`, x.name);
    const variance = this.#mean(`${name}.variance`, float('SquaredDifference', 'squares', [x.name, mean]));
    const eps = this.#number('layer_norm_eps', this.#options.config.layerNormEps);
    const scale = float('Rsqrt', 'scale', [float('AddV2', 'variance_eps', [variance, eps])]);
    const normal = float('Mul', 'normal', [float('Sub', 'centred', [x.name, mean]), scale]);
    const scaled = float('Mul', 'scaled', [normal, this.#weight(`${name}.weight`, false)]);
    return { name: float('AddV2', 'shifted', [scaled, this.#weight(`${name}.bias`, false)]), rows: x.rows };
  }

  attention(place: string, { queries, keys, values, penalty }: AttentionInputs<GraphRows>): GraphRows {
    const { hidden, heads } = this.#options.config;
    const [q, k, v] = [
      this.#byHead(queries, `${place}.queries`),
      this.#byHead(keys, `${place}.keys`),
      this.#byHead(values, `${place}.values`),
    ];
    const product = this.#product(`${place}.product`, [q, k], true);
    const scale = this.#number('attention.scale', 1 / Math.sqrt(hidden / heads));
    const scores = this.#floatNode('Mul', `${place}.scores`, [product, scale]);
    const masked = this.#floatNode('AddV2', `${place}.masked`, [scores, penalty.name]);
    const shares = this.#floatNode('Softmax', `${place}.weights`, [masked]);
    const context = this.#product(`${place}.context`, [shares, v], false);
    // Of one query a pair, heads and rows need not change places.
    const byRow = queries.rows === 'pairs' ? context : this.#swapHeads(`${place}.by_row`, context);
    const shape = this.#integers('rows_shape', [-1, hidden]);
    return { name: this.#floatNode('Reshape', `${place}.joined`, [byRow, shape]), rows: queries.rows };
  }

  /** [P·T, H] -> [P, H] */
  firstRows(x: GraphRows): GraphRows {
    const { hidden } = this.#options.config;
    const sizes = [this.#size(0), this.#size(1), this.#integer('hidden', hidden)];
    const shape = this.#pack('pairs_shape', sizes);
    const byPair = this.#floatNode('Reshape', 'first_rows.by_pair', [x.name, shape]);
    const [from, to] = [
      [0, 0, 0],
      [0, 1, 0],
    ] as const;
    const slice = [
      byPair,
      this.#integers('first_rows.from', from),
      this.#integers('first_rows.to', to),
      this.#integers('first_rows.step', [1, 1, 1]),
    ];
    // All of the first and the last axis; of the second the first place, and the axis itself goes.
    const first = this.#node('StridedSlice', 'first_rows', slice, {
      ...{ T: FLOAT, Index: INT32, begin_mask: whole(0b101), end_mask: whole(0b101) },
      ...{ ellipsis_mask: whole(0), new_axis_mask: whole(0), shrink_axis_mask: whole(0b010) },
    });
    return { name: first, rows: 'pairs' };
  }

  output(name: string, value: GraphRows): void {
    this.outputs.push(this.#floatNode('Identity', name, [value.name]));
  }

  /** [R, H] -> [P, N, T, D]; of one row a pair [P, N, 1, D]. */
  #byHead(x: GraphRows, place: string): string {
    const { hidden, heads } = this.#options.config;
    const width = hidden / heads;
    if (x.rows === 'pairs') {
      const shape = this.#integers('one_head_row', [-1, heads, 1, width]);
      return this.#floatNode('Reshape', place, [x.name, shape]);
    }
    const sizes = [
      this.#size(0),
      this.#size(1),
      this.#integer('heads', heads),
      this.#integer('width', width),
    ];
    const shape = this.#pack('heads_shape', sizes);
    return this.#swapHeads(place, this.#floatNode('Reshape', `${place}.split`, [x.name, shape]));
  }

  #swapHeads(name: string, x: string): string {
    const order = this.#integers('swap_heads', [0, 2, 1, 3]);
    return this.#node('Transpose', name, [x, order], { T: FLOAT, Tperm: INT32 });
  }

  #product(name: string, inputs: readonly string[], transposesRight: boolean): string {
    return this.#node('BatchMatMulV2', name, inputs, {
      ...{ T: FLOAT, adj_x: flag(false), adj_y: flag(transposesRight) },
    });
  }

  #activated(name: string, x: string, activation: GraphActivation): string {
    if (activation === 'none' || activation === 'relu') return x;
    if (activation === 'tanh') return this.#floatNode('Tanh', `${name}.tanh`, [x]);
    const float = (operator: string, place: string, inputs: readonly string[]) =>
      this.#floatNode(operator, `${name}.${place}`, inputs);
    const half = float('Mul', 'half', [x, this.#number('gelu.half', 0.5)]);
    const one = this.#number('one_float', 1);
    if (activation === 'gelu') {
      const erf = float('Erf', 'erf', [
        float('Mul', 'by_root', [x, this.#number('gelu.root', Math.SQRT1_2)]),
      ]);
      return float('Mul', 'gelu', [half, float('AddV2', 'cumulative', [erf, one])]);
    }
    // 0.5·x·(1 + tanh(√(2/π)·x·(1 + 0.044715·x²)))
    const square = float('Mul', 'square', [x, x]);
    const cubic = float('Mul', 'cubic', [square, this.#number('gelu.cubic', 0.044715)]);
    const inner = float('Mul', 'inner', [x, float('AddV2', 'one_cubic', [cubic, one])]);
    const root = this.#number('gelu.inner_root', Math.sqrt(2 / Math.PI));
    const tanh = float('Tanh', 'tanh', [float('Mul', 'scaled_inner', [inner, root])]);
    return float('Mul', 'gelu', [half, float('AddV2', 'cumulative', [tanh, one])]);
  }

  /** Rows of a table by numbers [P, T] -> [R, H]. */
  #lookUp(table: string, indices: string): GraphRows {
    const [rows, columns] = this.#shapes.get(table)!.slice(-2) as [number, number];
    this.#addWeight(table, [rows, columns], false);
    const flat = [indices, this.#integers('flat_shape', [-1])];
    const each = this.#node('Reshape', `${table}.indices`, flat, { T: INT32, Tshape: INT32 });
    const name = this.#node('GatherV2', `${table}.rows`, [table, each, this.#integer('zero', 0)], {
      ...{ Tparams: FLOAT, Tindices: INT32, Taxis: INT32, batch_dims: whole(0) },
    });
    return { name, rows: 'tokens' };
  }

  /** P or T as a number. */
  #size(axis: 0 | 1): string {
    const place = `size_${axis}`;
    const both = this.#node('Shape', 'sizes', [INPUTS.ids], { T: INT32, out_type: INT32 });
    const slice = [
      both,
      this.#integers(`${place}.from`, [axis]),
      this.#integers(`${place}.to`, [axis + 1]),
      this.#integers('step', [1]),
    ];
    return this.#node('StridedSlice', place, slice, {
      ...{ T: INT32, Index: INT32, begin_mask: whole(0), end_mask: whole(0) },
      ...{ ellipsis_mask: whole(0), new_axis_mask: whole(0), shrink_axis_mask: whole(1) },
    });
  }

  #pack(name: string, sizes: readonly string[]): string {
    return this.#node('Pack', name, sizes, { T: INT32, N: whole(sizes.length), axis: whole(0) });
  }

  #mean(name: string, x: string): string {
    const lastAxis = this.#integers('last_axis', [-1]);
    return this.#node('Mean', name, [x, lastAxis], { T: FLOAT, Tidx: INT32, keep_dims: flag(true) });
  }

  #floatNode(operator: string, name: string, inputs: readonly string[]): string {
    return this.#node(operator, name, inputs, { T: FLOAT });
  }

  /** A node of that name is made once; what is asked for again is the same. */
  #node(operator: string, name: string, inputs: readonly string[], attr: Attributes): string {
    if (!this.#made.has(name)) this.nodes.push({ name, op: operator, input: inputs, attr });
    this.#made.add(name);
    return name;
  }

  #weight(name: string, isTransposed: boolean): string {
    return this.#addWeight(name, this.#shapes.get(name)!, isTransposed);
  }

  #addWeight(name: string, shape: readonly number[], isTransposed: boolean): string {
    const half = this.#options.half && shape.length > 1;
    return this.#addConstant(modelWeight(this.#options.weights, { name, shape, isTransposed, half }));
  }

  #number(name: string, value: number): string {
    return this.#addConstant(constantWeight(`constant.${name}`, [], Float32Array.of(value)));
  }

  #integer(name: string, value: number): string {
    return this.#addConstant(constantWeight(`constant.${name}`, [], Int32Array.of(value)));
  }

  #integers(name: string, values: readonly number[]): string {
    return this.#addConstant(constantWeight(`constant.${name}`, [values.length], Int32Array.from(values)));
  }

  #addConstant(weight: GraphWeight): string {
    const { name, shape, dtype } = weight;
    if (this.#made.has(name)) return name;
    this.#made.add(name);
    this.weights.push(weight);
    this.nodes.push(constNode(name, dtype === 'float32' ? 'DT_FLOAT' : 'DT_INT32', shape));
    return name;
  }
}
