/** @file Node. Pieces of WGSL that several programs are made of. */

/** Invocations of a workgroup in programs that go over rows: every device has 256. */
export const GROUP_SIZE = 256;

/**
 * A function of numbers that may be NaN: some drivers' own `exp` and `log` make a number of it. By bits, since compilers may
 * take x != x to be false.
 */
const keepingNan = (name: string, operation: string, [numbers, bits]: readonly [string, string]) => `
fn ${name}(x: ${numbers}) -> ${numbers} {
  return select(${operation}(x), x, (bitcast<${bits}>(x) & ${bits}(0x7fffffffu)) > ${bits}(0x7f800000u));
}`;

/** `exponential(x)` of a number, `exponential4(x)` of four, `logarithm(x)` of a number. */
export const EXPONENTIAL = keepingNan('exponential', 'exp', ['f32', 'u32']);
export const EXPONENTIAL4 = keepingNan('exponential4', 'exp', ['vec4f', 'vec4u']);
export const LOGARITHM = keepingNan('logarithm', 'log', ['f32', 'u32']);

/** The head of `main` of a program in one dimension. */
export const mainOf = (size: number = GROUP_SIZE) => `@compute @workgroup_size(${size})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32)`;

/**
 * `NAME(lane, value)` combines a value of every invocation of the workgroup, in a fixed order, and gives all of them the
 * result. `combine` is an expression of `a` and `b`. All invocations must call it, as often as each other.
 */
export const reduction = (
  name: string,
  combine: string,
  { type = 'f32', size = GROUP_SIZE }: { type?: string; size?: number } = {},
) => `
var<workgroup> ${name}_parts: array<${type}, ${size}>;
fn ${name}_of(a: ${type}, b: ${type}) -> ${type} { return ${combine}; }
fn ${name}(lane: u32, value: ${type}) -> ${type} {
  workgroupBarrier();
  ${name}_parts[lane] = value;
  for (var half = ${size / 2}u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (lane < half) { ${name}_parts[lane] = ${name}_of(${name}_parts[lane], ${name}_parts[lane + half]); }
  }
  return workgroupUniformLoad(&${name}_parts[0]);
}`;

/**
 * `NAME(a, b)`: a + b as `.sum`, and as `.rest` exactly what that rounds away (Knuth, The Art of Computer Programming 2, 4.2.2).
 * A compiler that takes floats for real numbers finds no rest: so bits pass by `sizes.zero`, which is 0, and which it cannot
 * know.
 */
export const twoSum = (name: string, type: 'f32' | 'vec4<f32>') => {
  const bits = type === 'f32' ? 'u32' : 'vec4<u32>';
  const asIs = (value: string) => `bitcast<${type}>(bitcast<${bits}>(${value}) ^ ${bits}(sizes.zero))`;
  return `
struct ${name}_result { sum: ${type}, rest: ${type} }
fn ${name}(a: ${type}, b: ${type}) -> ${name}_result {
  let sum = ${asIs('a + b')};
  let added = ${asIs('sum - a')};
  return ${name}_result(sum, (a - (sum - added)) + (b - added));
}`;
};

/** Lines of WGSL, one for each number below `count`. */
export const times = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join('\n');
