/** @file Node. The tfjs backend `webgpu` on a device of our own. */
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { FoundAdapter } from './adapters.ts';

export const BACKEND_NAME = 'webgpu';

export class StudioWebgpuBackend extends WebGPUBackend {
  override readSync(): never {
    throw new Error(
      'On the engine webgpu tensors are read asynchronously only: data() instead of dataSync().',
    );
  }

  override dispose(): void {
    super.dispose();
    this.device.destroy();
  }
}

/** tfjs makes a backend only where the page's navigator has a GPU. */
export function createBackend(
  device: GPUDevice,
  found: Pick<FoundAdapter, 'gpu' | 'adapter'>,
): StudioWebgpuBackend {
  const { navigator } = globalThis as typeof globalThis & { readonly navigator: object };
  Object.defineProperty(navigator, 'gpu', { value: found.gpu, configurable: true });
  try {
    return new StudioWebgpuBackend(device, found.adapter.info);
  } finally {
    Reflect.deleteProperty(navigator, 'gpu');
  }
}
