/**
 * @file Node. Sums by subgroups (invocations that run in step and see each other's registers) are used only on an adapter
 * that has shown, when it was opened, that its subgroups are what the kernels take them for.
 */
import { distancesBelow, KERNEL_SUBGROUP_SIZES } from './kernels/subgroupSums.ts';
import { GROUP_SIZE } from './kernels/wgsl.ts';
import { createPipeline, type Program } from './program.ts';

const GROUPS = 2;

/** partners [groups, distances, 256]: the invocation that each one sees at each distance. */
const partnersProgram = (size: number): Program => {
  const distances = distancesBelow(size);
  return {
    name: `subgroup partners ${size}`,
    inputs: {},
    outputs: { partners: 'u32' },
    sizes: {},
    extensions: ['subgroups'],
    source: `
@compute @workgroup_size(${GROUP_SIZE})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = group.x * ${distances.length * GROUP_SIZE}u + lane;
  ${distances
    .map((distance, at) => `partners[first + ${at * GROUP_SIZE}u] = subgroupShuffleXor(lane, ${distance}u);`)
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
  const partners = await triedOn(device, size);
  return partners !== null && isExpected(partners, size) ? size : 0;
}

/** Null when the driver refuses: a fault of what kernels can do without must not cost the engine. */
async function triedOn(device: GPUDevice, size: number): Promise<Uint32Array | null> {
  const kinds = ['validation', 'internal'] as const;
  for (const kind of kinds) device.pushErrorScope(kind);
  const partners = await partnersOn(device, size).catch(() => null);
  const errors = await Promise.all(kinds.map(() => device.popErrorScope()));
  return errors.some((error) => error !== null) ? null : partners;
}

function isExpected(partners: Uint32Array, size: number): boolean {
  const distances = distancesBelow(size);
  return partners.every((partner, at) => {
    const lane = at % GROUP_SIZE;
    return partner === (lane ^ distances[Math.floor(at / GROUP_SIZE) % distances.length]!);
  });
}

async function partnersOn(device: GPUDevice, size: number): Promise<Uint32Array> {
  const { pipeline } = createPipeline(device, partnersProgram(size));
  const bytes = GROUPS * distancesBelow(size).length * GROUP_SIZE * Uint32Array.BYTES_PER_ELEMENT;
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
