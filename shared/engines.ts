/** @file Runs anywhere. The nouns of engines: which there are, what a device is, what the doctor says. */

import type { DeviceName } from './devices.ts';

/**
 * Engines, the fastest on a processor first; with an NVIDIA GPU `tensorflow` goes before all. `webgpu` is for GPUs and must
 * be asked for. `cpu` (plain tfjs) exists for tests only.
 */
export const ENGINE_NAMES = ['native', 'tensorflow', 'webgpu', 'wasm', 'cpu'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** Engines that a person may choose. Plain `cpu` works, and is not offered. */
export const OFFERED_ENGINES = [
  'native',
  'tensorflow',
  'webgpu',
  'wasm',
] as const satisfies readonly EngineName[];

/**
 * What matrix products are computed in: factors in so many bits, sums in single precision. With fp16 activations and their
 * gradients are kept in so many bits, too.
 */
export const PRECISIONS = ['fp32', 'bf16', 'fp16'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** In what an engine is compared with PyTorch: of bfloat16 nobody has measured how far it may be. */
export const COMPARED_PRECISIONS = ['fp32', 'fp16'] as const satisfies readonly Precision[];
export type ComparedPrecision = (typeof COMPARED_PRECISIONS)[number];

/** What a run's record keeps about where it ran. */
export interface EngineRecord {
  readonly engine: EngineName;
  /** Library versions by name, such as { "tfjs": "4.22.0", "tensorflow": "2.21.0" }. */
  readonly versions: Readonly<Record<string, string>>;
  /** Such as "cpu" or "cuda:0 NVIDIA H200"; of several workers "cpu avx2 × 2" or "cuda:0 NVIDIA H200, cuda:1". */
  readonly device: string;
  /** By worker, where several trained together. */
  readonly devices?: readonly DeviceName[];
  /** Of all workers together. */
  readonly threads: number;
  /** Same inputs, same bits: resumption is then bit-for-bit. */
  readonly deterministic: boolean;
  /** Settings that change bits and must be the same on resumption, such as { "oneDnn": "1", "threads": "2" }. */
  readonly pinned: Readonly<Record<string, string>>;
}

export interface DoctorFinding {
  /** What was looked for: "NVIDIA driver", "libcudart.so.12", "C++ compiler", "AVX2". */
  readonly what: string;
  readonly found: boolean;
  /** Version or path when found; what it means when missing. */
  readonly detail: string;
  /** False when the engine works without it. */
  readonly required: boolean;
}

export interface DoctorReport {
  readonly engine: EngineName;
  readonly verdict: 'ready' | 'not installed' | 'broken' | 'unsupported';
  /** One sentence. */
  readonly summary: string;
  readonly findings: readonly DoctorFinding[];
  readonly deterministic: { readonly value: boolean; readonly why: string };
  /** The command or action that comes next; empty when ready. */
  readonly nextStep: string;
}
