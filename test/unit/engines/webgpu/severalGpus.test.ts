/**
 * @file Tests. Which of several GPUs comes first, and that a name opens the GPU of that name. No machine for tests has
 * two, so Dawn is one that lists, orders and matches them as the real one does.
 */
import { expect, it } from 'vitest';
import {
  findAdapter,
  findAdapters,
  listAdapters,
  type PowerPreference,
} from '../../../../main/engines/webgpu/adapters.ts';
import type { Dawn } from '../../../../main/engines/webgpu/dawn.ts';
import { studioRejectionOf } from '../../../support/studioErrorOf.ts';

interface Card {
  readonly name: string;
  readonly kind: 'discrete' | 'integrated' | 'software';
}

const INTEGRATED = { name: 'Intel(R) Iris(R) Xe Graphics', kind: 'integrated' } as const;
const DISCRETE = { name: 'NVIDIA GeForce RTX 4070', kind: 'discrete' } as const;
const LARGER = { name: 'NVIDIA GeForce RTX 4070 Ti', kind: 'discrete' } as const;
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
  expect(namesOf(await findAdapters(dawn))).toEqual(names);
  expect(await findAdapter(dawn, {})).toMatchObject({ name: DISCRETE.name, isSoftware: false });
});

it('the GPU that saves power comes first where that is asked for', async () => {
  const dawn = dawnWith(DISCRETE, INTEGRATED);
  expect(namesOf(await listAdapters(dawn, 'low-power'))).toEqual([INTEGRATED.name, DISCRETE.name]);
  expect((await findAdapter(dawn, { powerPreference: 'low-power' })).name).toBe(INTEGRATED.name);
});

it('a GPU whose name is a part of another is opened, or refused by its name', async () => {
  expect((await findAdapter(dawnWith(DISCRETE, LARGER), { name: DISCRETE.name })).name).toBe(DISCRETE.name);
  const dawn = dawnWith(LARGER, DISCRETE);
  expect((await findAdapter(dawn, { name: LARGER.name })).name).toBe(LARGER.name);
  const error = await studioRejectionOf(findAdapter(dawn, { name: DISCRETE.name }));
  expect(error).toMatchObject({
    code: 'ENGINE_MISSING',
    message: `The GPU "${DISCRETE.name}" cannot be opened: its name is a part of "${LARGER.name}", which Dawn opens instead.`,
  });
  expect(error.nextStep).toContain(`ENTAIL_WEBGPU_ADAPTER to "${LARGER.name}"`);
});

it('a GPU whose name is a part of one of another kind is opened', async () => {
  const part = { name: 'AMD Radeon Graphics', kind: 'integrated' } as const;
  const whole = { name: 'AMD Radeon Graphics (RADV NAVI31)', kind: 'discrete' } as const;
  const dawn = dawnWith(part, whole);
  expect((await findAdapter(dawn, { name: part.name })).name).toBe(part.name);
  expect(namesOf(await findAdapters(dawn))).toEqual([whole.name, part.name]);
});

it('a GPU that cannot be opened by its name does not hide the others', async () => {
  expect(namesOf(await findAdapters(dawnWith(LARGER, DISCRETE, INTEGRATED)))).toEqual([
    LARGER.name,
    INTEGRATED.name,
  ]);
});
