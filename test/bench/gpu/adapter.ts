/** @file Benchmarks. Prints the GPUs that WebGPU finds in this process's environment, and what the chosen one can, as JSON. */
import { findAdapter, listAdapters } from '../../../main/engines/webgpu/adapters.ts';
import { loadDawn } from '../../../main/engines/webgpu/dawn.ts';
import type { AdapterFacts } from './vulkan.ts';

try {
  const dawn = await loadDawn();
  const there = (await listAdapters(dawn)).map(({ name, api }) => `${name} (${api})`);
  const named = process.env['ENTAIL_WEBGPU_ADAPTER'];
  const { name, driver, adapter } = await findAdapter(dawn, named === undefined ? {} : { name: named });
  const { features, limits } = adapter;
  const facts: AdapterFacts = {
    ...{ name, driver, there, features: [...features].sort() },
    limits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    },
    subgroups: [adapter.info.subgroupMinSize ?? null, adapter.info.subgroupMaxSize ?? null],
  };
  console.log(JSON.stringify(facts));
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : String(thrown));
  process.exitCode = 1;
}
// Dawn keeps a process that holds an adapter.
process.stdout.write('', () => process.exit());
