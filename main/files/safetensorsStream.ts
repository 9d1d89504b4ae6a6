/** @file Node. Writes a safetensors file of 32-bit floats tensor by tensor, so that a large model is never in memory as a whole. */
import { encodeSafetensorsHeader } from './safetensors.ts';

export interface StreamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** As many numbers as the product of `shape`. */
  read(): Promise<Float32Array>;
}

/**
 * The file's bytes in chunks, the same as `encodeSafetensors` makes.
 * @param metadata the file's own notes
 */
export async function* streamSafetensors(
  tensors: readonly StreamedTensor[],
  metadata: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array> {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const forms = tensors.map(({ name, shape }) => [name, { dtype: 'F32', shape }] as const);
  const { header, order } = encodeSafetensorsHeader(new Map(forms), metadata);
  yield header;
  for (const name of order) {
    const { shape, read } = byName.get(name)!;
    const values = await read();
    if (values.length !== shape.reduce((product, size) => product * size, 1))
      throw new Error(`tensor ${name} of shape [${shape.join(', ')}] cannot have ${values.length} values`);
    yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
}
