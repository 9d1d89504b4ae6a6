/**
 * @file Node. What of tfjs' WebGPU backend (4.22, pinned) our own programs need and its types hide: the command encoder
 * that its kernels record into, and the count that decides when it is submitted.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { TfjsUniform } from './tfjsUniforms.ts';

/** Of tfjs' `time`: one entry for each program, while somebody wants to know. */
interface ProgramTimer {
  readonly name: string;
  readonly query: Promise<number>;
}

export interface TfjsInternals {
  commandEncoder: GPUCommandEncoder | null;
  computePassEncoder: GPUComputePassEncoder | null;
  dispatchCountInPass: number;
  readonly activeTimers: ProgramTimer[] | null | undefined;
  readonly supportTimestampQuery: boolean;
  querySet: GPUQuerySet | null;
  readonly querySetCount: number;
  /** Binds the sizes of one of tfjs' own programs. */
  makeUniforms: (uniforms: readonly TfjsUniform[]) => GPUBindingResource;
}

export const internalsOf = (backend: WebGPUBackend) => backend as unknown as TfjsInternals;
