/**
 * @file Node. The sizes of tfjs' own programs, laid out as tfjs 4.22 does in `makeUniforms`: there each program has a
 * buffer and a write of its own, here they lie in the arena with ours.
 */
import type { SizesArena } from './sizesArena.ts';

/** One field of a program's uniform struct: a number, or a vector of up to 6. */
export interface TfjsUniform {
  readonly type: string;
  readonly data: readonly number[];
}

/** Alignment of fields by their count of numbers (https://www.w3.org/TR/WGSL/#alignof); longer ones are structs of vectors. */
const alignmentOf = (count: number) => (count === 1 ? 4 : count === 2 ? 8 : 16);

interface Field {
  readonly uniform: TfjsUniform;
  readonly offset: number;
}

function laidOut(uniforms: readonly TfjsUniform[]): { fields: Field[]; bytes: number } {
  let end = 0;
  let widest = 4;
  let before = 0;
  const fields = uniforms.map(({ type, data }) => {
    // A scalar has no shape; tfjs passes 1.
    const uniform = { type, data: data.length === 0 ? [1] : data };
    const count = uniform.data.length;
    const alignment = before > 4 ? 16 : alignmentOf(count);
    widest = Math.max(widest, alignment);
    const offset = Math.ceil(end / alignment) * alignment;
    end = offset + count * 4;
    before = count;
    return { uniform, offset };
  });
  return { fields, bytes: Math.ceil(end / widest) * widest };
}

/** Keeps a program's sizes until the submit. -> null when they do not fit in a slot */
export function addTfjsUniforms(
  arena: SizesArena,
  uniforms: readonly TfjsUniform[],
): GPUBufferBinding | null {
  const { fields, bytes } = laidOut(uniforms);
  if (bytes > arena.slotBytes) return null;
  return arena.addBytes(bytes, (view, begin) => {
    for (const { uniform, offset } of fields)
      uniform.data.forEach((value, position) => {
        const at = begin + offset + position * 4;
        if (uniform.type === 'int32') view.setInt32(at, value, true);
        else if (uniform.type === 'uint32') view.setUint32(at, value, true);
        else view.setFloat32(at, value, true);
      });
  });
}
