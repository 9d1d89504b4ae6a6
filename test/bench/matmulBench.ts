/** @file Benchmark: matrix products of the wasm engine. `node test/bench/matmulBench.ts`; one JSON object on stdout. */
import * as tf from '@tensorflow/tfjs-core';
import { registerWasm } from '../../main/engines/wasm.ts';

/** [rows, inner, columns], and which operand is transposed: the forward, the input's and the weight's product. */
const PRODUCTS = {
  forward: { size: [4096, 256, 512], transposeA: false, transposeB: true },
  inputGradient: { size: [4096, 512, 256], transposeA: false, transposeB: false },
  weightGradient: { size: [512, 4096, 256], transposeA: true, transposeB: false },
} as const;
const SECONDS = 2;

await registerWasm();
const gigaflops: Record<string, number> = {};
for (const [name, { size, transposeA, transposeB }] of Object.entries(PRODUCTS)) {
  const [rows, inner, columns] = size;
  const a = tf.randomNormal(transposeA ? [inner, rows] : [rows, inner]) as tf.Tensor2D;
  const b = tf.randomNormal(transposeB ? [columns, inner] : [inner, columns]) as tf.Tensor2D;
  const multiply = () => tf.matMul(a, b, transposeA, transposeB).dispose();
  multiply();
  const beganMs = performance.now();
  let times = 0;
  for (; performance.now() - beganMs < SECONDS * 1000; times++) multiply();
  const seconds = (performance.now() - beganMs) / 1000;
  gigaflops[name] = (2 * rows * inner * columns * times) / seconds / 1e9;
}
console.log(JSON.stringify({ bench: 'wasm matmul', gigaflops }));
