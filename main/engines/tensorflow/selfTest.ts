/**
 * @file Node. Loads an installed TensorFlow in a child process and multiplies two matrices, with a time limit: a library
 * that aborts or hangs must not take the studio with it.
 */
import { join } from 'node:path';
import { runProgram } from '../runProgram.ts';
import { BINDING_FILE } from './installation.ts';

export type SelfTestResult =
  | { readonly ok: true; readonly version: string; readonly usesGpu: boolean }
  | { readonly ok: false; readonly problem: string };

/** Loading 0.8 GB from a cold, slow disk takes most of this. */
const SELF_TEST_TIMEOUT_MS = 120_000;

/** Runs in the child: plain CommonJS, nothing but the binding. [[1,2],[3,4]]² = [[7,10],[15,22]]. */
const SCRIPT = `
const binding = require(process.argv[1]);
const FLOAT = binding.TF_FLOAT;
const matrix = binding.createTensor([2, 2], FLOAT, new Float32Array([1, 2, 3, 4]));
const attributes = [
  { name: 'T', type: binding.TF_ATTR_TYPE, value: FLOAT },
  { name: 'transpose_a', type: binding.TF_ATTR_BOOL, value: false },
  { name: 'transpose_b', type: binding.TF_ATTR_BOOL, value: false },
];
const product = binding.executeOp('MatMul', attributes, [matrix, matrix], 1)[0];
const values = Array.from(binding.tensorDataSync(product.id));
console.log(JSON.stringify({ values, version: binding.TF_Version, usesGpu: binding.isUsingGpuDevice() }));
`;

/** @param environment what `tensorflowEnvironment` gives for this installation */
export async function selfTest(
  folder: string,
  environment: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<SelfTestResult> {
  const words = ['--input-type=commonjs', '-e', SCRIPT, join(folder, BINDING_FILE)];
  const outcome = await runProgram(process.execPath, words, {
    timeoutMs: SELF_TEST_TIMEOUT_MS,
    environment,
    ...(signal === undefined ? {} : { signal }),
  });
  if (outcome.timedOut)
    return { ok: false, problem: `it did not answer within ${SELF_TEST_TIMEOUT_MS / 1000} s` };
  if (outcome.exitCode !== 0)
    return { ok: false, problem: `the test process ended early: ${firstError(outcome.stderr)}` };
  return answer(outcome.stdout);
}

function answer(stdout: string): SelfTestResult {
  const line = stdout.trim().split('\n').at(-1) ?? '';
  let said: { values: number[]; version: string; usesGpu: boolean };
  try {
    said = JSON.parse(line);
  } catch {
    return { ok: false, problem: `the test process said something unexpected: ${line.slice(0, 200)}` };
  }
  if (said.values.join() !== '7,10,15,22')
    return { ok: false, problem: `a product of two matrices came out wrong: ${said.values.join(', ')}` };
  return { ok: true, version: said.version, usesGpu: said.usesGpu };
}

/** What the library writes whatever its log level, "round-off errors" included, and that tells a person nothing. */
const NOISE = /^(I\d{4} |WARNING: All log messages before)/;

function firstError(stderr: string): string {
  const lines = stderr.split('\n').filter((row) => row.trim() !== '' && !NOISE.test(row));
  const line = lines.find((row) => /error|cannot|fatal|abort/i.test(row)) ?? lines.at(-1);
  return (line ?? 'it said nothing').trim().slice(0, 400);
}
