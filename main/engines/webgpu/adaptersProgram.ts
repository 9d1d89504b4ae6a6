/**
 * @file Entry "adapters": loads Dawn and nothing else, multiplies two matrices on each adapter, says what there is and what
 * came out, and ends. A driver that aborts or hangs must not take the studio with it.
 */
import { type FoundAdapter, findAdapters } from './adapters.ts';
import { loadDawn } from './dawn.ts';
import { limitsLacking, openDevice, USED_FEATURES, type UsedLimit, usedLimits } from './device.ts';
import { provenSubgroupSize } from './subgroups.ts';

export interface AdapterFacts {
  readonly name: string;
  readonly api: string;
  readonly driver: string;
  readonly isSoftware: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<UsedLimit, number>>;
  /** Limits that are too small. */
  readonly lacking: readonly string[];
  /** Invocations of a subgroup where kernels use them; 0 where they do without. */
  readonly subgroupSize: number;
  /** [[1,2],[3,4]]² by rows, or why there is none. */
  readonly product: readonly number[] | string;
}

const SQUARE = /* wgsl */ `
@group(0) @binding(0) var<storage, read> a: array<f32, 4>;
@group(0) @binding(1) var<storage, read_write> y: array<f32, 4>;
@compute @workgroup_size(4) fn main(@builtin(local_invocation_index) at: u32) {
  let row = at / 2u;
  let column = at % 2u;
  y[at] = a[row * 2u] * a[column] + a[row * 2u + 1u] * a[2u + column];
}`;
const BYTES = 16;

async function facts(found: FoundAdapter): Promise<AdapterFacts> {
  const { name, api, driver, isSoftware, adapter } = found;
  return {
    ...{ name, api, driver, isSoftware, limits: usedLimits(adapter), lacking: limitsLacking(adapter) },
    features: USED_FEATURES.filter((feature) => adapter.features.has(feature)),
    ...(await tried(found).catch((thrown: unknown) => ({ product: String(thrown), subgroupSize: 0 }))),
  };
}

/** An adapter gives one device. */
async function tried(found: FoundAdapter): Promise<Pick<AdapterFacts, 'product' | 'subgroupSize'>> {
  const device = await openDevice(found);
  const product = await square(device);
  const subgroupSize = await provenSubgroupSize(device, found.adapter.info);
  device.destroy();
  return { product, subgroupSize };
}

async function square(device: GPUDevice): Promise<number[]> {
  const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;
  const buffer = (usage: number) => device.createBuffer({ size: BYTES, usage });
  const [a, y, read] = [buffer(STORAGE | COPY_DST), buffer(STORAGE | COPY_SRC), buffer(COPY_DST | MAP_READ)];
  device.queue.writeBuffer(a, 0, new Float32Array([1, 2, 3, 4]));
  const module = device.createShaderModule({ code: SQUARE });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  const entries = [a, y].map((resource, binding) => ({ binding, resource: { buffer: resource } }));
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(y, 0, read, 0, BYTES);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  return [...new Float32Array(read.getMappedRange())];
}

/** A utility process of Electron loses what it writes last, so it sends it. */
function say(text: string): void {
  const { parentPort } = process as NodeJS.Process & {
    readonly parentPort?: { postMessage(message: string): void };
  };
  if (parentPort === undefined) process.stdout.write(`${text}\n`);
  else parentPort.postMessage(text);
}

async function main(): Promise<void> {
  const dawn = await loadDawn();
  const all: AdapterFacts[] = [];
  for (const found of await findAdapters(dawn)) all.push(await facts(found));
  say(JSON.stringify(all));
}

try {
  await main();
} catch (thrown) {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : thrown}\n`);
  process.exitCode = 1;
}
