/**
 * @file Tests. Which of several GPUs comes first. No machine for tests has
 * two, so Dawn is one that lists, orders and matches them as the real one does.
 */
import { expect, it } from 'vitest';
import { findAdapter, listAdapters, type PowerPreference } from '../../../../main/engines/webgpu/adapters.ts';
import type { Dawn } from '../../../../main/engines/webgpu/dawn.ts';

interface Card {
  readonly name: string;
  readonly kind: 'discrete' | 'integrated' | 'software';
}

const INTEGRATED = { name: 'Intel(R) Iris(R) Xe Graphics', kind: 'integrated' } as const;
const DISCRETE = { name: 'NVIDIA GeForce RTX 4070', kind: 'discrete' } as const;
const SOFTWARE = { name: 'llvmpipe (LLVM 15.0.7, 256 bits)', kind: 'software' } as const;

/** Dawn's SortAdapters: discrete GPUs come first only where performance is asked for. */
function ordered(cards: readonly Card[], preference: PowerPreference | undefined): Card[] {
  const gpus = ['integrated', 'discrete'];
  const kinds = [...(preference === 'high-performance' ? gpus.reverse() : gpus), 'software'];
  return cards.toSorted((one, other) => kinds.indexOf(one.kind) - kinds.indexOf(other.kind));
}

const adapterOf = ({ name, kind }: Card) => ({
  info: {
    device: name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'),
    ...{ vendor: '', description: 'a driver', isFallbackAdapter: kind === 'software' },
  },
});

function dawnWith(...cards: readonly Card[]): Dawn {
  const create = (flags: readonly string[]) => ({
    requestAdapter: async ({ powerPreference }: GPURequestAdapterOptions = {}) => {
      const part = flags.find((flag) => flag.startsWith('adapter='))?.slice('adapter='.length) ?? '';
      const inOrder = ordered(cards, powerPreference);
      const found = inOrder.find(({ name }) => name.includes(part));
      if (found !== undefined) return adapterOf(found);
      const lines = inOrder.map(({ name }) => `\n * backend: 'vulkan', name: '${name}'`);
      throw new Error(`no suitable backends found\nAvailable adapters:${lines.join('')}`);
    },
  });
  return { create: (flags) => create(flags) as unknown as GPU };
}

const namesOf = (found: readonly { readonly name: string }[]) => found.map(({ name }) => name);

it('the GPU for high performance comes first, and is the one that is taken unasked', async () => {
  const dawn = dawnWith(INTEGRATED, SOFTWARE, DISCRETE);
  const names = [DISCRETE.name, INTEGRATED.name, SOFTWARE.name];
  expect(namesOf(await listAdapters(dawn))).toEqual(names);
  expect(await findAdapter(dawn, {})).toMatchObject({ name: DISCRETE.name, isSoftware: false });
});

it('the GPU that saves power comes first where that is asked for', async () => {
  const dawn = dawnWith(DISCRETE, INTEGRATED);
  expect(namesOf(await listAdapters(dawn, 'low-power'))).toEqual([INTEGRATED.name, DISCRETE.name]);
  expect((await findAdapter(dawn, { powerPreference: 'low-power' })).name).toBe(INTEGRATED.name);
});
