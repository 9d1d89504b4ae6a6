/** @file Node. Writes a safetensors file of 32-bit floats tensor by tensor, so that a large model is never in memory as a whole. */
import { headerBytes } from './safetensors.ts';
import { METADATA_KEY } from './tensorTypes.ts';

export interface StreamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** As many numbers as the product of `shape`. */
  read(): Promise<Float32Array>;
}

/**
 * The file's bytes in chunks, the same as `encodeSafetensors` makes: names in the order of their UTF-8 bytes.
 * @param metadata the file's own notes
 */
export async function* streamSafetensors(
  tensors: readonly StreamedTensor[],
  metadata: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array> {
  const sorted = tensors.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  const fields = [`"${METADATA_KEY}":${JSON.stringify(metadata)}`];
  let offset = 0;
  for (const { name, shape } of sorted) {
    const end = offset + 4 * countOf(shape);
    fields.push(
      `${JSON.stringify(name)}:${JSON.stringify({ dtype: 'F32', shape, data_offsets: [offset, end] })}`,
    );
    offset = end;
  }
  yield headerBytes(`{${fields.join(',')}}`);
  for (const { name, shape, read } of sorted) {
    const values = await read();
    if (values.length !== countOf(shape))
      throw new Error(`tensor ${name} of shape [${shape.join(', ')}] cannot have ${values.length} values`);
    yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
}

const countOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
