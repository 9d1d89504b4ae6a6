/**
 * @file Node. Sums by subgroups (invocations that run in step and see each other's registers) are used only on an adapter
 * that has shown, when it was opened, that its subgroups are what the kernels take them for.
 */
import { distancesBelow, KERNEL_SUBGROUP_SIZES } from './kernels/subgroupSums.ts';
import { GROUP_SIZE } from './kernels/wgsl.ts';
import { createPipeline, type Program } from './program.ts';

const GROUPS = 2;
/** Of the workgroups of kernels that use them. */
const GROUP_SIZES = [GROUP_SIZE, 128];

interface Try {
  /** Invocations of a subgroup. */
  readonly size: number;
  /** Of a workgroup. */
  readonly groupSize: number;
}

/** partners [groups, distances, group size]: the invocation that each one sees at each distance. */
const partnersProgram = ({ size, groupSize }: Try): Program => {
  const distances = distancesBelow(size);
  return {
    name: `subgroup partners ${size} of ${groupSize}`,
    inputs: {},
    outputs: { partners: 'u32' },
    sizes: {},
    extensions: ['subgroups'],
    source: `
@compute @workgroup_size(${groupSize})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = group.x * ${distances.length * groupSize}u + lane;
  ${distances
    .map((distance, at) => `partners[first + ${at * groupSize}u] = subgroupShuffleXor(lane, ${distance}u);`)
    .join('\n  ')}
}`,
  };
};

/**
 * The number of invocations of this device's subgroups, or 0 where kernels do without: it has none, their number may vary
 * (Intel and AMD choose it by program), or a try on the device itself gave another answer than theirs.
 */
export async function provenSubgroupSize(
  device: GPUDevice,
  { subgroupMinSize, subgroupMaxSize }: Pick<GPUAdapterInfo, 'subgroupMinSize' | 'subgroupMaxSize'>,
): Promise<number> {
  const size = subgroupMinSize ?? 0;
  // The types that tfjs-core brings are older than subgroups.
  const has = device.features.has('subgroups' as GPUFeatureName) && size === subgroupMaxSize;
  if (!has || !KERNEL_SUBGROUP_SIZES.includes(size)) return 0;
  for (const groupSize of GROUP_SIZES) {
    const partners = await triedOn(device, { size, groupSize });
    if (partners === null || !isExpected(partners, { size, groupSize })) return 0;
  }
  return size;
}

/** Null when the driver refuses: a fault of what kernels can do without must not cost the engine. */
async function triedOn(device: GPUDevice, one: Try): Promise<Uint32Array | null> {
  const kinds = ['validation', 'internal'] as const;
  for (const kind of kinds) device.pushErrorScope(kind);
  const partners = await partnersOn(device, one).catch(() => null);
  const errors = await Promise.all(kinds.map(() => device.popErrorScope()));
  return errors.some((error) => error !== null) ? null : partners;
}

function isExpected(partners: Uint32Array, { size, groupSize }: Try): boolean {
  const distances = distancesBelow(size);
  return partners.every((partner, at) => {
    const lane = at % groupSize;
    return partner === (lane ^ distances[Math.floor(at / groupSize) % distances.length]!);
  });
}

async function partnersOn(device: GPUDevice, one: Try): Promise<Uint32Array> {
  const { pipeline } = createPipeline(device, partnersProgram(one));
  const bytes = GROUPS * distancesBelow(one.size).length * one.groupSize * Uint32Array.BYTES_PER_ELEMENT;
  const written = device.createBuffer({
    size: bytes,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
  });
  const read = device.createBuffer({ size: bytes, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  try {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    const layout = pipeline.getBindGroupLayout(0);
    pass.setBindGroup(
      0,
      device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer: written } }] }),
    );
    pass.dispatchWorkgroups(GROUPS);
    pass.end();
    encoder.copyBufferToBuffer(written, 0, read, 0, bytes);
    device.queue.submit([encoder.finish()]);
    await read.mapAsync(GPUMapMode.READ);
    return new Uint32Array(read.getMappedRange().slice(0));
  } finally {
    written.destroy();
    read.destroy();
  }
}
