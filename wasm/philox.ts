/**
 * Philox4x32-10 (Salmon et al., 2011), the same words as main/model/philox.ts. Dropout is defined by place: key (seed,
 * place), counter (⌊e / 4⌋, pair index, step, 0), word e mod 4; a value is kept when its word is at least `threshold`.
 */

/**
 * Writes `count` factors, 0 or `scale`, for the elements from `element` on. `out` may be written up to 3 floats past
 * the end and before the beginning is never touched.
 */
export function dropoutFactors(
  out: usize, element: u32, count: i32, pairIndex: u32, step: u32, seed: u32, place: u32, threshold: u32, scale: f32,
): void {
  let done = 0;
  while (done < count) {
    const at = element + <u32>done;
    let c0: u32 = at >> 2, c1 = pairIndex, c2 = step, c3: u32 = 0;
    let k0 = seed, k1 = place;
    for (let round = 0; round < 10; round++) {
      const product0 = <u64>0xd2511f53 * <u64>c0;
      const product1 = <u64>0xcd9e8d57 * <u64>c2;
      const next0 = <u32>(product1 >> 32) ^ c1 ^ k0;
      const next2 = <u32>(product0 >> 32) ^ c3 ^ k1;
      c1 = <u32>product1;
      c3 = <u32>product0;
      c0 = next0;
      c2 = next2;
      k0 += 0x9e3779b9;
      k1 += 0xbb67ae85;
    }
    const skip = <i32>(at & 3);
    const f0: f32 = c0 >= threshold ? scale : 0;
    const f1: f32 = c1 >= threshold ? scale : 0;
    const f2: f32 = c2 >= threshold ? scale : 0;
    const f3: f32 = c3 >= threshold ? scale : 0;
    if (skip == 0) {
      v128.store(out, f32x4.replace_lane(f32x4.replace_lane(f32x4.replace_lane(f32x4.splat(f0), 1, f1), 2, f2), 3, f3));
    } else if (skip == 1) {
      f32.store(out, f1);
      f32.store(out, f2, 4);
      f32.store(out, f3, 8);
    } else if (skip == 2) {
      f32.store(out, f2);
      f32.store(out, f3, 4);
    } else f32.store(out, f3);
    const written = 4 - skip;
    out += (<usize>written) << 2;
    done += written;
  }
}
