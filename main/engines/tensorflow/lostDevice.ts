/** @file Runs anywhere. A GPU that is lost while TensorFlow computes on it, by what the library says of it. */
import { StudioError } from '../../../shared/errors.ts';

/** Words of CUDA's driver, which the library hands on: after any of these nothing is computed on the GPU in this process. */
const LOSSES =
  /CUDA_ERROR_(?:LAUNCH_FAILED|ILLEGAL_ADDRESS|ECC_UNCORRECTABLE|DEVICE_UNAVAILABLE)|unspecified launch failure|an illegal memory access was encountered|uncorrectable ECC error|device unavailable|GPU is lost|fallen off the bus/i;
/** Level, date and place in the library's source. */
const LOG_PREFIX = /^[EFW]\d{4} \S+\s+\d+ [\w.]+:\d+\] |^\d{4}-\d\d-\d\d \S+ [EFW] \S+\] /;
const MOST_CHARACTERS = 300;

/** What a loss is for a person; null where the words tell of none. */
export function lostDevice(words: string, cause?: unknown): StudioError | null {
  const line = words.split('\n').find((one) => LOSSES.test(one));
  if (line === undefined) return null;
  const said = line.trim().replace(LOG_PREFIX, '').slice(0, MOST_CHARACTERS).replace(/\.$/, '');
  return new StudioError('DEVICE_LOST', `The NVIDIA GPU is gone or cannot be used any more: ${said}.`, {
    nextStep:
      'Its driver was reset, it was taken away, or it is faulty: nvidia-smi and the log of the system tell. ' +
      'A run is resumed from its last checkpoint.',
    cause,
  });
}

/** Instead of an error that only TensorFlow would understand; anything else as it was thrown. */
export function withLostDevice(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof StudioError) return thrown;
  return lostDevice(thrown.message, thrown) ?? thrown;
}
