/**
 * @file Node. Takes the network's parameters out of a file of weights: all names and shapes are compared first, then the
 * numbers are read one tensor after the other.
 */
import { StudioError } from '../../shared/errors.ts';
import { allFinite } from '../files/tensorBytes.ts';
import type { NamedTensor } from '../files/tensorTypes.ts';
import { elementCount, type ParameterShape } from '../model/parameters.ts';
import { someNames, type WeightFile } from './weightFile.ts';

/** A parameter of ours, and the tensor of the file that it comes from. */
export interface Wanted {
  readonly parameter: ParameterShape;
  readonly from: string;
  /** Shape in the file, where it is not the parameter's own. */
  readonly shape?: readonly number[];
  /** From the file's numbers to the parameter's. */
  readonly convert?: (values: Float32Array) => Float32Array;
}

export interface TakenParameters {
  /** F32, by our names, in the order of the network. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  readonly notes: readonly string[];
}

/** @throws StudioError BAD_FILE naming the tensors that are missing, wrongly shaped or not made of floats. */
export async function takeParameters(file: WeightFile, wanted: readonly Wanted[]): Promise<TakenParameters> {
  requirePresent(file, wanted);
  for (const one of wanted) requireFit(file, one);
  const tensors = new Map<string, NamedTensor>();
  const nonFinite: string[] = [];
  for (const { parameter, from, convert } of wanted) {
    const tensor = await file.read(from);
    if (tensor.dtype !== 'F32') throw notFloats(file, from, tensor.dtype);
    if (!allFinite(tensor)) nonFinite.push(from);
    const values = convert === undefined ? tensor.values : convert(tensor.values);
    tensors.set(parameter.name, { dtype: 'F32', shape: [...parameter.shape], values });
  }
  if (nonFinite.length === 0) return { tensors, notes: [] };
  return { tensors, notes: [`NaN or infinite numbers stand in ${someNames(nonFinite)}.`] };
}

function requirePresent(file: WeightFile, wanted: readonly Wanted[]): void {
  const missing = wanted.map(({ from }) => from).filter((name) => !file.tensors.has(name));
  if (missing.length > 0)
    throw unfit(file, `${file.name} lacks tensors that its network needs: ${someNames(missing)}.`);
}

function requireFit(file: WeightFile, { parameter, from, shape }: Wanted): void {
  const needed = shape ?? parameter.shape;
  const outline = file.tensors.get(from)!;
  if (`${outline.shape}` !== `${needed}`)
    throw unfit(
      file,
      `Tensor ${someNames([from])} of ${file.name} has the shape [${outline.shape.join(', ')}], ` +
        `but its network needs [${needed.join(', ')}].`,
    );
  if (!FLOATS.has(outline.dtype)) throw notFloats(file, from, outline.dtype);
  if (elementCount(needed) * 4 > MAX_TENSOR_BYTES)
    throw unfit(
      file,
      `Tensor ${someNames([from])} of ${file.name} is larger than ${MAX_TENSOR_BYTES} bytes.`,
    );
}

const FLOATS: ReadonlySet<string> = new Set(['F16', 'BF16', 'F32', 'F64']);
/** Half of what a typed array can be on every platform; a table of 250,000 words by 1,024 has a tenth of it. */
const MAX_TENSOR_BYTES = 2 ** 32;

function notFloats(file: WeightFile, from: string, dtype: string): StudioError {
  return unfit(file, `Tensor ${someNames([from])} of ${file.name} is of type ${dtype}; weights are floats.`);
}

function unfit(file: WeightFile, message: string): StudioError {
  const nextStep = 'The weights and the configuration belong to different models, or one of them is damaged.';
  return new StudioError('BAD_FILE', message, { nextStep, place: { file: file.name } });
}
