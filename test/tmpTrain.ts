import * as tf from '/work/webgpu/node_modules/@tensorflow/tfjs-core/dist/tf-core.node.js';
const { openEngine } = await import('/work/webgpu/main/engines/registry.ts');
const { makeTask, steps } = await import('/work/webgpu/test/support/smallTask.ts');
const { adamVariables } = await openEngine(process.argv[2] ?? 'webgpu', { dataDirectory: '' });
const task = makeTask({ dropout: 0.1, hidden: 16, heads: 2, feedForward: 24, layers:2, clipNorm: 1 }, adamVariables);
const n = Number(process.argv[3] ?? 3);
for (let i = 0; i < 3; i++) {
  const began = performance.now();
  console.log(JSON.stringify(await steps(task, 128, n)).slice(0,200), (performance.now() - began).toFixed(0), 'ms', JSON.stringify({t: tf.memory().numTensors, gpu: (tf.memory() as any).numBytesInGPU, alloc: (tf.memory() as any).numBytesAllocatedInGPU}));
}
process.exit(0);
