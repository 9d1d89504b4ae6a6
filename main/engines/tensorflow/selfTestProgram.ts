/**
 * @file Entry "selfTest": loads TensorFlow's binding and nothing else, multiplies two matrices, says what came out, and
 * ends. Its last argument is the binding.
 */
import { createRequire } from 'node:module';

interface Binding {
  readonly TF_FLOAT: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_Version: string;
  createTensor(shape: readonly number[], type: number, values: Float32Array): number;
  executeOp(
    name: string,
    attributes: readonly object[],
    inputs: readonly number[],
    outputs: number,
  ): { id: number }[];
  tensorDataSync(id: number): Float32Array;
  isUsingGpuDevice(): boolean;
}

/** [[1,2],[3,4]]² = [[7,10],[15,22]]. */
function multiply(binding: Binding): object {
  const matrix = binding.createTensor([2, 2], binding.TF_FLOAT, new Float32Array([1, 2, 3, 4]));
  const attributes = [
    { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: 'transpose_a', type: binding.TF_ATTR_BOOL, value: false },
    { name: 'transpose_b', type: binding.TF_ATTR_BOOL, value: false },
  ];
  const values = binding
    .executeOp('MatMul', attributes, [matrix, matrix], 1)
    .flatMap(({ id }) => [...binding.tensorDataSync(id)]);
  return { values, version: binding.TF_Version, usesGpu: binding.isUsingGpuDevice() };
}

/** A utility process of Electron loses what it writes last, so it sends it. */
function say(text: string): void {
  const { parentPort } = process as NodeJS.Process & {
    readonly parentPort?: { postMessage(message: string): void };
  };
  if (parentPort === undefined) process.stdout.write(`${text}\n`);
  else parentPort.postMessage(text);
}

const path = process.argv.at(-1) ?? '';
if (path.endsWith('.node'))
  try {
    say(JSON.stringify(multiply(createRequire(import.meta.url)(path) as Binding)));
  } catch (thrown) {
    process.stderr.write(`${thrown instanceof Error ? thrown.stack : thrown}\n`);
    process.exitCode = 1;
  }
