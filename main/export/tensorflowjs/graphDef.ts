/**
 * @file Runs anywhere. Pieces of a TensorFlow GraphDef in the JSON form that TensorFlow.js loads: int64 as text, text as
 * base64 (github.com/tensorflow/tfjs, tfjs-converter/src/data/compiled_api.ts).
 */

export type NodeAttribute =
  | { readonly type: 'DT_FLOAT' | 'DT_INT32' }
  | { readonly b: boolean }
  | { readonly i: string }
  | { readonly f: number }
  | { readonly list: { readonly s: readonly string[] } }
  | { readonly shape: { readonly dim: readonly { readonly size: string }[] } }
  | {
      readonly tensor: {
        readonly dtype: 'DT_FLOAT' | 'DT_INT32';
        readonly tensorShape: { readonly dim: readonly { readonly size: string }[] };
      };
    };

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, NodeAttribute>>;
}

export const FLOAT = { type: 'DT_FLOAT' } as const;
export const INT32 = { type: 'DT_INT32' } as const;
export const flag = (b: boolean): NodeAttribute => ({ b });
export const whole = (value: number): NodeAttribute => ({ i: String(value) });
export const texts = (...values: string[]): NodeAttribute => ({
  list: { s: values.map((text) => btoa(text)) },
});

export function dimensions(shape: readonly number[]): { dim: { size: string }[] } {
  return { dim: shape.map((size) => ({ size: String(size) })) };
}

/** A node whose numbers stand in the file of weights under its name. */
export function constNode(name: string, dtype: 'DT_FLOAT' | 'DT_INT32', shape: readonly number[]): GraphNode {
  const value = { tensor: { dtype, tensorShape: dimensions(shape) } };
  return { name, op: 'Const', input: [], attr: { dtype: { type: dtype }, value } };
}

/** An input of free batch and length. */
export function inputNode(name: string): GraphNode {
  return {
    name,
    op: 'Placeholder',
    input: [],
    attr: { dtype: INT32, shape: { shape: dimensions([-1, -1]) } },
  };
}
