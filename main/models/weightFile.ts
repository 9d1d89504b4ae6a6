/** @file Node. What every format of weights is to the rest: tensors by name, read when they are asked for. */
import { StudioError } from '../../shared/errors.ts';
import type { NamedTensor } from '../files/tensorTypes.ts';

/** What is known of a tensor before it is read. */
export interface TensorOutline {
  /** As safetensors calls it, before anything is widened: "F16". */
  readonly dtype: string;
  readonly shape: readonly number[];
}

export interface WeightFile {
  /** For messages. */
  readonly name: string;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, TensorOutline>;
  /** Sentences for a person: what is odd about the file without making it unreadable. */
  readonly notes: readonly string[];
  /** A tensor that is in `tensors`. Floats are given as F32, whole numbers as they are. */
  read(name: string): Promise<NamedTensor>;
  close(): Promise<void>;
}

/** Doubles are narrowed to what the network computes in; the caller looks for infinities. */
export function asSinglePrecision(tensor: NamedTensor): NamedTensor {
  if (tensor.dtype !== 'F64') return tensor;
  return { dtype: 'F32', shape: tensor.shape, values: Float32Array.from(tensor.values) };
}

/** How a file of weights is refused: BAD_FILE, `why` as the end of a sentence. */
export function refuserOf(name: string, nextStep: string): (why: string) => never {
  return (why) => {
    throw new StudioError('BAD_FILE', `${name} cannot be read: ${why}.`, { nextStep, place: { file: name } });
  };
}

/** Names for a sentence: the first few, quoted, and how many more. */
export function someNames(names: readonly string[]): string {
  const some = names
    .slice(0, 3)
    .map((name) => JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name));
  return names.length > 3 ? `${some.join(', ')} and ${names.length - 3} more` : some.join(', ');
}
