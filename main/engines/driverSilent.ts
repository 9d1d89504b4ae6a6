/** @file Runs anywhere. The error of a driver that is there and does not say which GPUs it has: not the same as having none. */
import { StudioError } from '../../shared/errors.ts';

export class DriverSilent extends StudioError {
  constructor() {
    super(
      'ENGINE_FAILED',
      "NVIDIA's driver does not say which GPUs there are: nvidia-smi fails or is late.",
      {
        nextStep:
          'Call nvidia-smi yourself and try again once it answers; or train on the processor: --engine native.',
      },
    );
  }
}
