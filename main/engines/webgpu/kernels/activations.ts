/** @file Node. Activations of linear layers and their derivatives in WGSL, on four numbers at a time. */
import type { Activation } from '../../../model/kernels/linear.ts';

/**
 * tanh by e^(-2|x|), which does not overflow as some drivers' own does; near 0, where that loses digits, its series.
 * NaN is told by its bits: `max` and `exp` may drop it, and compilers may take x != x to be false. Of `rectified`,
 * everything from -0 to -∞ is 0.
 */
const PIECES = `
fn rectified(x: vec4f) -> vec4f {
  return select(x, vec4f(0.0), bitcast<vec4u>(x) - vec4u(0x80000000u) <= vec4u(0x7f800000u));
}
fn tanhOf(x: vec4f) -> vec4f {
  let power = exp(-2.0 * abs(x));
  let far = (1.0 - power) / (1.0 + power);
  let square = x * x;
  let near = x * (1.0 - square * (1.0 / 3.0 - square * (2.0 / 15.0 - square * (17.0 / 315.0 - square * 62.0 / 2835.0))));
  let finite = select(select(far, -far, x < vec4f(0.0)), near, abs(x) < vec4f(0.25));
  return select(finite, x, (bitcast<vec4u>(x) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u));
}
/** Abramowitz and Stegun 7.1.26: off by 1.5e-7 at most. */
fn erfOf(x: vec4f) -> vec4f {
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let positive = 1.0 - series * exp(-x * x);
  return select(positive, -positive, x < vec4f(0.0));
}
const ROOT_HALF = 0.70710678118654752;
/** √(2/π) */
const TANH_SCALE = 0.79788456080286536;
/** 1/√(2π) */
const DENSITY_SCALE = 0.39894228040143268;
fn tanhArgument(x: vec4f) -> vec4f { return TANH_SCALE * (x + 0.044715 * x * x * x); }`;

/** `activated(x)`: what the layer puts out for x·Wᵀ + b. */
const FORWARD: Record<Activation, string> = {
  none: 'x',
  relu: 'rectified(x)',
  tanh: 'tanhOf(x)',
  gelu: '0.5 * x * (1.0 + erfOf(x * ROOT_HALF))',
  gelu_tanh: '0.5 * x * (1.0 + tanhOf(tanhArgument(x)))',
};

/** `derivative(k)`: by what the layer kept, its output, or what went into GELU. */
const DERIVATIVE: Record<Activation, string> = {
  none: 'return vec4f(1.0);',
  // 1 above 0, and NaN for NaN: `k > 0` is false for it.
  relu: `let size = bitcast<vec4u>(k) & vec4u(0x7fffffffu);
  return select(select(vec4f(1.0), vec4f(0.0), size == vec4u(0u)), k, size > vec4u(0x7f800000u));`,
  tanh: 'return 1.0 - k * k;',
  gelu: 'return 0.5 * (1.0 + erfOf(k * ROOT_HALF)) + k * DENSITY_SCALE * exp(-0.5 * k * k);',
  gelu_tanh: `let t = tanhOf(tanhArgument(k));
  return 0.5 * (1.0 + t) + 0.5 * k * (1.0 - t * t) * TANH_SCALE * (1.0 + 3.0 * 0.044715 * k * k);`,
};

export const activationWgsl = (activation: Activation) => `${PIECES}
fn activated(x: vec4f) -> vec4f { return ${FORWARD[activation]}; }`;

export const derivativeWgsl = (activation: Activation) => `${PIECES}
fn derivative(k: vec4f) -> vec4f { ${DERIVATIVE[activation]} }`;
