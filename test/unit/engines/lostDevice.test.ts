/** @file Tests. A GPU that is lost under TensorFlow: known by the words that the library hands on from CUDA's driver. */
import { describe, expect, it } from 'vitest';
import { lostDevice, withLostDevice } from '../../../main/engines/tensorflow/lostDevice.ts';
import { StudioError } from '../../../shared/errors.ts';

describe('a lost GPU', () => {
  it.each([
    [
      'Invalid TF_Status: 13\nMessage: Failed to synchronize the stream: CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure',
      'Message: Failed to synchronize the stream: CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure',
    ],
    [
      'E0000 00:00:1764361824.123456   12345 cuda_event.cc:29] Error polling for event status: failed to query event: CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered\nF0000 00:00:1764361824.123457   12345 device_event_mgr.cc:223] Unexpected Event status: 1',
      'Error polling for event status: failed to query event: CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered',
    ],
    [
      '2026-11-28 20:00:00.000001: E external/local_xla/cuda_driver.cc:1] CUDA_ERROR_ECC_UNCORRECTABLE: uncorrectable ECC error encountered.',
      'CUDA_ERROR_ECC_UNCORRECTABLE: uncorrectable ECC error encountered',
    ],
    [
      'CUDA_ERROR_DEVICE_UNAVAILABLE: busy or unavailable',
      'CUDA_ERROR_DEVICE_UNAVAILABLE: busy or unavailable',
    ],
    ['Unspecified launch failure', 'Unspecified launch failure'],
    [
      'Unable to determine the device handle: GPU is lost',
      'Unable to determine the device handle: GPU is lost',
    ],
    ['NVRM: Xid 79, GPU has fallen off the bus.', 'NVRM: Xid 79, GPU has fallen off the bus'],
  ])('is told by %j', (words, said) => {
    const error = withLostDevice(new Error(words)) as StudioError;
    expect(error.toData()).toMatchObject({
      code: 'DEVICE_LOST',
      message: `The NVIDIA GPU is gone or cannot be used any more: ${said}.`,
      nextStep: expect.stringContaining('A run is resumed from its last checkpoint.'),
    });
  });

  it.each(['CUDA_ERROR_OUT_OF_MEMORY: out of memory', 'CUDA_ERROR_NO_DEVICE', 'Invalid TF_Status: 3', ''])(
    'is not told by %j',
    (words) => expect(lostDevice(words)).toBeNull(),
  );

  it('is not made of what has a name already, or is no error', () => {
    const named = new StudioError('OUT_OF_MEMORY', 'The memory does not suffice: GPU is lost.');
    expect(withLostDevice(named)).toBe(named);
    expect(withLostDevice('GPU is lost')).toBe('GPU is lost');
  });
});
