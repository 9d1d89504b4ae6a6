/** @file Node. The weights of a network as a safetensors file that is made while it is written. */
import { encodeSafetensorsHeader } from '../../files/safetensors.ts';
import type { ParameterShape } from '../../model/parameters.ts';

/** One tensor in memory at a time. @param read the numbers of one of `shapes` */
export async function* weightsContent(
  shapes: readonly ParameterShape[],
  read: (name: string) => Promise<Float32Array>,
): AsyncGenerator<Uint8Array> {
  const forms = new Map(
    shapes.map(({ name, shape }) => [name, { dtype: 'F32', shape: [...shape] }] as const),
  );
  const { header, order } = encodeSafetensorsHeader(forms, { format: 'pt' });
  yield header;
  for (const name of order) {
    const values = await read(name);
    yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
}
