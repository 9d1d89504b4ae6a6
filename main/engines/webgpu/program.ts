/** @file Node. A compute program as its author writes it, and the WGSL and the pipeline that are made of it. */
import { BindGroups } from './bindGroups.ts';

/**
 * What a buffer holds. Tensors of tfjs are f32 (float32) or i32 (int32, bool); host arrays may be u32. Of a tensor whose buffer is
 * f16 here the device has 16 bits a number (halfTensors.ts): one that has 32 is converted on its way, and the other way round.
 */
export type Element = 'f32' | 'i32' | 'u32' | 'f16' | 'vec4<f32>' | 'vec4<i32>' | 'vec4<u32>' | 'vec4<f16>';

export type NumberType = 'u32' | 'i32' | 'f32';

export interface Program {
  /** Names the program and every variant that its source depends on: the pipeline is kept under it. */
  readonly name: string;
  /** Buffers that are only read, by the name that the source calls them. */
  readonly inputs: Readonly<Record<string, Element>>;
  /** Buffers that are written, and may be read before: an output may be a tensor that is changed in place. */
  readonly outputs: Readonly<Record<string, Element>>;
  /**
   * Those of the buffers in 16 bits that hold gradients: multiplied by `sizes.gradientScale`, which such a program names among
   * its sizes and which need not be given.
   */
  readonly gradients?: readonly string[];
  /** Scalars that differ from call to call; the source reads them as `sizes.name`. */
  readonly sizes: Readonly<Record<string, NumberType>>;
  /** WGSL extensions, such as `subgroups`: the device must have them. `f16` is added where a buffer has it. */
  readonly extensions?: readonly string[];
  /**
   * WGSL without the declarations of buffers and sizes; its entry point is `main`. With f16, `to_half` and `to_half4` make numbers of 16 bits.
   */
  readonly source: string;
}

/**
 * `to_half(x)`, `to_half4(x)`: a number in 16 bits. What is beyond their range becomes the largest number, so that a gradient that is too large
 * for once is shortened, and does not make NaN of all weights; ∞ and NaN stay what they are, told by their bits.
 */
const TO_HALF = `
fn to_half(x: f32) -> f16 {
  let is_number = (bitcast<u32>(x) & 0x7fffffffu) < 0x7f800000u;
  return f16(select(x, clamp(x, -65504.0, 65504.0), is_number));
}
fn to_half4(x: vec4f) -> vec4<f16> {
  let is_number = (bitcast<vec4u>(x) & vec4u(0x7fffffffu)) < vec4u(0x7f800000u);
  return vec4<f16>(select(x, clamp(x, vec4f(-65504.0), vec4f(65504.0)), is_number));
}`;

export const isHalfElement = (element: Element) => element === 'f16' || element === 'vec4<f16>';

/** Names of buffers of one kind: `x0`, `x1`, … */
export const numbered = (name: string, count: number) =>
  Array.from({ length: count }, (_, number) => `${name}${number}`);

/** Makes the program of a variant once, and remembers it: WGSL is long, and a step runs a hundred programs. */
export function remembered<Variant>(make: (variant: Variant) => Program): (variant: Variant) => Program {
  const made = new Map<string, Program>();
  return (variant) => {
    const key = JSON.stringify(variant);
    const known = made.get(key);
    if (known !== undefined) return known;
    const program = make(variant);
    made.set(key, program);
    return program;
  };
}

/** A program on its device. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly groups: BindGroups;
  readonly sizeNames: readonly (readonly [name: string, type: NumberType])[];
}

/** The WGSL of a program: extensions, inputs, outputs, sizes (bound in that order), then its own source. */
export function wgslOf({ inputs, outputs, sizes, extensions = [], source }: Program): string {
  const buffers = [
    ...Object.entries(inputs).map(([name, element]) => `<storage, read> ${name}: array<${element}>`),
    ...Object.entries(outputs).map(([name, element]) => `<storage, read_write> ${name}: array<${element}>`),
  ];
  const fields = Object.entries(sizes).map(([name, type]) => `${name}: ${type}`);
  const bindsHalves = [...Object.values(inputs), ...Object.values(outputs)].some(isHalfElement);
  const enabled = new Set([...(bindsHalves ? ['f16'] : []), ...extensions]);
  return [
    ...[...enabled].map((extension) => `enable ${extension};`),
    ...buffers.map((buffer, binding) => `@group(0) @binding(${binding}) var${buffer};`),
    ...(fields.length === 0
      ? []
      : [
          `struct Sizes { ${fields.join(', ')} }`,
          `@group(0) @binding(${buffers.length}) var<uniform> sizes: Sizes;`,
        ]),
    ...(enabled.has('f16') ? [TO_HALF] : []),
    source,
  ].join('\n');
}

/** @throws Error when the program binds more buffers than the device has places for */
export function createPipeline(device: GPUDevice, program: Program): Pipeline {
  const { name: label, inputs, outputs, sizes } = program;
  const sizeNames = Object.entries(sizes);
  const [inputNames, outputNames] = [Object.keys(inputs), Object.keys(outputs)];
  const [read, written] = [inputNames.length, outputNames.length];
  const most = device.limits.maxStorageBuffersPerShaderStage;
  if (read + written > most)
    throw new Error(`Error in ${label}: ${read + written} buffers, but the device binds ${most}.`);
  const entry = (binding: number, type: GPUBufferBindingType): GPUBindGroupLayoutEntry => ({
    binding,
    visibility: GPUShaderStage.COMPUTE,
    buffer: { type, hasDynamicOffset: type === 'uniform' },
  });
  const layout = device.createBindGroupLayout({
    label,
    entries: [
      ...Array.from({ length: read }, (_, at) => entry(at, 'read-only-storage')),
      ...Array.from({ length: written }, (_, at) => entry(read + at, 'storage')),
      ...(sizeNames.length === 0 ? [] : [entry(read + written, 'uniform')]),
    ],
  });
  const module = device.createShaderModule({ label, code: wgslOf(program) });
  const pipeline = device.createComputePipeline({
    label,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: 'main' },
  });
  return { pipeline, groups: new BindGroups(device, layout), inputNames, outputNames, sizeNames };
}
