/**
 * Additions that keep what rounding takes from them: sums of thousands of terms that cancel are then as exact as in twice
 * the precision. After Knuth, The Art of Computer Programming 2, 4.2.2.
 */

/** What rounding took from sum + more = whole. */
// @ts-ignore: decorator
@inline
function lostOf(sum: v128, more: v128, whole: v128): v128 {
  const taken = f32x4.sub(whole, sum);
  return f32x4.add(f32x4.sub(sum, f32x4.sub(whole, taken)), f32x4.sub(more, taken));
}

/** whole [N] = sum [N] + more [N], wholeRest [N] = rest [N] (0: zeros) + what that rounds away. */
export function addKeepingRest(sum: usize, rest: usize, more: usize, whole: usize, wholeRest: usize, n: i32): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = (<usize>i) << 2;
    const x = v128.load(sum + at);
    const y = v128.load(more + at);
    const total = f32x4.add(x, y);
    const lost = lostOf(x, y, total);
    v128.store(wholeRest + at, rest ? f32x4.add(v128.load(rest + at), lost) : lost);
    v128.store(whole + at, total);
  }
  for (; i < n; i++) {
    const at = (<usize>i) << 2;
    const x = f32x4.splat(f32.load(sum + at));
    const y = f32x4.splat(f32.load(more + at));
    const total = f32x4.add(x, y);
    const lost = f32x4.extract_lane(lostOf(x, y, total), 0);
    f32.store(wholeRest + at, rest ? f32.load(rest + at) + lost : lost);
    f32.store(whole + at, f32x4.extract_lane(total, 0));
  }
}
