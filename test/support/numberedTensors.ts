/** @file Tests. Tensors whose every number tells which tensor it is in and where, so that a mix-up cannot hide. */
import type { NamedTensor } from '../../main/files/tensorTypes.ts';
import { floatTensor, type TorchTensor } from './torchBytes.ts';

export type Shapes = readonly (readonly [name: string, shape: readonly number[]])[];

/** By name: the first number of the k-th tensor is k, the next k + 1/1024. */
export function numberedTensors(shapes: Shapes): Map<string, Float32Array> {
  return new Map(
    shapes.map(([name, shape], tensor) => {
      const count = shape.reduce((product, size) => product * size, 1);
      return [name, Float32Array.from({ length: count }, (_, at) => tensor + at / 1024)];
    }),
  );
}

/** As safetensors keep them. */
export function asNamedTensors(shapes: Shapes): Map<string, NamedTensor> {
  const numbered = numberedTensors(shapes);
  return new Map(
    shapes.map(([name, shape]) => [name, { dtype: 'F32', shape: [...shape], values: numbered.get(name)! }]),
  );
}

/** As torch.save keeps them. */
export function asTorchTensors(shapes: Shapes): TorchTensor[] {
  const numbered = numberedTensors(shapes);
  return shapes.map(([name, shape], at) => floatTensor(name, shape, numbered.get(name)!, String(at)));
}
