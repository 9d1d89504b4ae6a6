/** @file Runs anywhere. Why TensorFlow uses no GPU, from what it writes when it looks for one. */

/** Its messages, the more telling first, and what each means; `$1` and `$2` are what the pattern caught. */
const MESSAGES: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [
    /Could not load dynamic library '([^']+)'(?:; dlerror: ([^\n]{1,300}))?/,
    'the CUDA library $1 does not load ($2)',
  ],
  [
    /Ignoring visible gpu device [^\n]*?compute capability (\d+\.\d+)\. The minimum required Cuda capability is (\d+\.\d+)/,
    'the GPU has compute capability $1, and TensorFlow needs $2',
  ],
  [
    /(?:driver version is insufficient|CUDA_ERROR_SYSTEM_DRIVER_MISMATCH|CUDA_ERROR_UNSUPPORTED_PTX_VERSION)/,
    'the NVIDIA driver is too old for these CUDA libraries',
  ],
  [/CUDA_ERROR_NO_DEVICE/, 'CUDA sees no GPU'],
  // What it makes of a driver's library that it cannot open.
  [/Could not find cuda drivers|UNKNOWN ERROR \(303\)/, 'it finds no CUDA driver (libcuda.so.1)'],
  [/[Ff]ailed call to cuInit: ([^\n]{1,300})/, 'CUDA does not start ($1)'],
  [/Cannot dlopen some GPU libraries/, 'some of its CUDA libraries do not load'],
  [/kernel driver does not appear to be running/, "the NVIDIA driver's kernel module is not loaded"],
];

/** A clause, or null when the library said nothing of it. */
export function gpuTroubleIn(stderr: string): string | null {
  for (const [pattern, meaning] of MESSAGES) {
    const caught = pattern.exec(stderr);
    if (caught === null) continue;
    return meaning
      .replace('$1', caught[1]?.trim() ?? '')
      .replace('$2', caught[2]?.trim() ?? '')
      .replace(' ()', '');
  }
  return null;
}
