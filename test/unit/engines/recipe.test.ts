/** @file Tests. The table of pinned wheels: whole, consistent, and honest about what is not supported. */
import { describe, expect, it } from 'vitest';
import {
  downloadBytes,
  isKept,
  type Recipe,
  recipeFor,
  unpackedBytes,
} from '../../../main/engines/tensorflow/recipe.ts';

const SUPPORTED = [
  { platform: 'linux', arch: 'x64', kind: 'cpu', tried: true },
  { platform: 'linux', arch: 'x64', kind: 'cuda', tried: false },
  { platform: 'linux', arch: 'arm64', kind: 'cpu', tried: false },
  { platform: 'darwin', arch: 'arm64', kind: 'cpu', tried: false },
] as const;

const UNSUPPORTED = [
  { platform: 'win32', arch: 'x64', kind: 'cpu', word: 'Windows' },
  { platform: 'darwin', arch: 'x64', kind: 'cpu', word: 'Intel Macs' },
  { platform: 'linux', arch: 'riscv64', kind: 'cpu', word: 'riscv64' },
  { platform: 'linux', arch: 'arm64', kind: 'cuda', word: 'x64 only' },
  { platform: 'win32', arch: 'x64', kind: 'cuda', word: 'x64 only' },
] as const;

describe('recipeFor', () => {
  it.each(SUPPORTED)('pins every wheel for $platform $arch, $kind', ({ platform, arch, kind, tried }) => {
    const recipe = recipeFor({ platform, arch }, kind) as Recipe;
    expect(recipe).toMatchObject({ kind, tried });
    expect(recipe.wheels.length).toBe(kind === 'cuda' ? 13 : 1);
    expect(new Set(recipe.wheels.map(({ sha256 }) => sha256)).size).toBe(recipe.wheels.length);
    for (const wheel of recipe.wheels) {
      expect(wheel.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(wheel.file.startsWith(`${wheel.project.replaceAll('-', '_')}-${wheel.version}-`)).toBe(true);
      expect(wheel.file).toContain(wheel.platformTag);
      expect(wheel.sizeBytes).toBeGreaterThan(1e6);
      expect(wheel.unpackedBytes).toBeGreaterThan(5e5);
    }
  });

  it('sums up what is fetched and what is kept', () => {
    const recipe = recipeFor({ platform: 'linux', arch: 'x64' }, 'cpu') as Recipe;
    expect(downloadBytes(recipe)).toBe(274_000_871);
    expect(unpackedBytes(recipe)).toBe(853_308_936);
  });

  it.each(UNSUPPORTED)(
    'says by name why there is none for $platform $arch, $kind',
    ({ word, kind, ...machine }) => {
      const answer = recipeFor(machine as { platform: NodeJS.Platform; arch: string }, kind);
      expect('unsupported' in answer && answer.unsupported).toContain(word);
    },
  );
});

describe('isKept', () => {
  it.each([
    'tensorflow/libtensorflow_cc.so.2',
    'tensorflow/libtensorflow_framework.2.dylib',
    'tensorflow/include/tensorflow/c/eager/c_api.h',
    'tensorflow/include/tsl/platform/ctstring_internal.h',
    'nvidia/cudnn/lib/libcudnn_ops.so.9',
    'nvidia/cuda_nvcc/bin/ptxas',
  ])('keeps %s', (name) => expect(isKept(name)).toBe(true));

  it.each([
    'tensorflow/python/keras/engine.py',
    'tensorflow/libtensorflow_cc.so.2/../../x',
    '../tensorflow/libtensorflow_cc.so.2',
    'tensorflow/include/unsupported/Eigen/Core',
    'nvidia/cudnn/include/cudnn.h',
  ])('leaves %s', (name) => expect(isKept(name)).toBe(false));
});
