/**
 * @file Node. Takes the network's parameters out of a file of weights: all names and shapes are compared first, the
 * numbers are read when they are asked for.
 */
import { StudioError } from '../../shared/errors.ts';
import { allFinite } from '../files/tensorBytes.ts';
import { elementCount, type ParameterShape } from '../model/parameters.ts';
import type { OpenedWeights } from './importedModel.ts';
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

/** @throws StudioError BAD_FILE naming the tensors that are missing, wrongly shaped or not made of floats. */
export function takeParameters(
  file: WeightFile,
  wanted: readonly Wanted[],
): Pick<OpenedWeights, 'shapes' | 'read' | 'doubts' | 'close'> {
  requirePresent(file, wanted);
  for (const one of wanted) requireFit(file, one);
  const byName = new Map(wanted.map((one) => [one.parameter.name, one]));
  const nonFinite = new Set<string>();
  return {
    shapes: wanted.map(({ parameter }) => parameter),
    read: async (name) => {
      const { from, convert } = byName.get(name)!;
      const tensor = await file.read(from);
      if (tensor.dtype !== 'F32') throw notFloats(file, from, tensor.dtype);
      if (!allFinite(tensor)) nonFinite.add(from);
      return convert === undefined ? tensor.values : convert(tensor.values);
    },
    doubts: () =>
      nonFinite.size === 0 ? [] : [`NaN or infinite numbers stand in ${someNames([...nonFinite])}.`],
    close: () => file.close(),
  };
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
