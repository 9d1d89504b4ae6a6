/**
 * Adam in place, as PyTorch defines it: eps is added after the bias correction. `gradient` is read once, parameter and
 * both moments are read and written once. Decoupled weight decay (AdamW) shrinks the parameter first.
 */

// @ts-ignore: decorator
@inline
function adamLanes(
  p: usize, m: usize, v: usize, g: v128, beta1: v128, beta2: v128, other1: v128, other2: v128, stepSize: v128,
  inverseRoot: v128, eps: v128, keep: v128,
): void {
  const first = f32x4.add(f32x4.mul(beta1, v128.load(m)), f32x4.mul(other1, g));
  const second = f32x4.add(f32x4.mul(beta2, v128.load(v)), f32x4.mul(other2, f32x4.mul(g, g)));
  v128.store(m, first);
  v128.store(v, second);
  const divisor = f32x4.add(f32x4.mul(f32x4.sqrt(second), inverseRoot), eps);
  const weight = f32x4.mul(v128.load(p), keep);
  v128.store(p, f32x4.sub(weight, f32x4.mul(stepSize, f32x4.div(first, divisor))));
}

/**
 * other1 = 1 - β₁ and other2 = 1 - β₂ come rounded once: the difference of two rounded numbers would be 1e-5 off.
 * stepSize = lr / (1 - β₁ᵗ), inverseRoot = 1 / √(1 - β₂ᵗ), keep = 1 - lr · weight decay, scale multiplies the gradient.
 * A gradient address of 0 stands for zeros.
 */
export function adam(
  p: usize, m: usize, v: usize, gradient: usize, count: i32, scale: f32, beta1: f32, beta2: f32, other1: f32,
  other2: f32, stepSize: f32, inverseRoot: f32, eps: f32, keep: f32,
): void {
  const b1 = f32x4.splat(beta1), b2 = f32x4.splat(beta2), o1 = f32x4.splat(other1), o2 = f32x4.splat(other2);
  const size = f32x4.splat(stepSize), root = f32x4.splat(inverseRoot), e = f32x4.splat(eps), k = f32x4.splat(keep);
  const times = f32x4.splat(scale);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = (<usize>i) << 2;
    const g = gradient ? f32x4.mul(v128.load(gradient + at), times) : f32x4.splat(0);
    adamLanes(p + at, m + at, v + at, g, b1, b2, o1, o2, size, root, e, k);
  }
  for (; i < count; i++) {
    const at = (<usize>i) << 2;
    const g: f32 = gradient ? f32.load(gradient + at) * scale : 0;
    const first = beta1 * f32.load(m + at) + other1 * g;
    const second = beta2 * f32.load(v + at) + other2 * g * g;
    f32.store(m + at, first);
    f32.store(v + at, second);
    const divisor = sqrt<f32>(second) * inverseRoot + eps;
    f32.store(p + at, f32.load(p + at) * keep - stepSize * (first / divisor));
  }
}

// @ts-ignore: decorator
@inline
function allZero(at: usize, count: i32): bool {
  let i = 0;
  for (; i + 4 <= count; i += 4) if (v128.any_true(v128.load(at + ((<usize>i) << 2)))) return false;
  for (; i < count; i++) if (f32.load(at + ((<usize>i) << 2)) != 0) return false;
  return true;
}

/**
 * A table [rows, width] of which only some rows have a gradient: slots [rows] names the row of `gradients` or is -1.
 * Rows without a gradient still move, as their moments decay; a row whose moments are all zero has never been seen and
 * would not move, so it is left alone, which is exact (unless weight decay moves it).
 */
export function adamRows(
  p: usize, m: usize, v: usize, gradients: usize, slots: usize, rows: i32, width: i32, scale: f32, beta1: f32,
  beta2: f32, other1: f32, other2: f32, stepSize: f32, inverseRoot: f32, eps: f32, keep: f32,
): void {
  const stride = (<usize>width) << 2;
  for (let row = 0; row < rows; row++) {
    const slot = load<i32>(slots + ((<usize>row) << 2));
    const at = <usize>row * stride;
    if (slot < 0 && keep == 1 && allZero(v + at, width) && allZero(m + at, width)) continue;
    const gradient: usize = slot < 0 ? 0 : gradients + <usize>slot * stride;
    adam(p + at, m + at, v + at, gradient, width, scale, beta1, beta2, other1, other2, stepSize, inverseRoot, eps, keep);
  }
}
