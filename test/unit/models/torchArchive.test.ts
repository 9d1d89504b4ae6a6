/** @file Tests. Files of torch.save, made here byte by byte: both formats, every type, views of all kinds. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bytesInMemory } from '../../../main/files/byteSource.ts';
import { openTorchArchive, openTorchFile } from '../../../main/models/torchArchive.ts';
import type { WeightFile } from '../../../main/models/weightFile.ts';
import {
  code,
  EMPTY_DICT,
  EMPTY_LIST,
  NONE,
  pickleOf,
  setItems,
  text,
  whole,
} from '../../support/pickleBytes.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import {
  floatTensor,
  stateDict,
  type TorchStorage,
  type TorchTensor,
  torchLegacy,
  torchZip,
} from '../../support/torchBytes.ts';

const counting = Float32Array.from({ length: 12 }, (_, at) => at);
const bytesOf = (values: ArrayBufferView) => new Uint8Array(values.buffer);
const twelve: TorchStorage = { type: 'Float', key: '0', count: 12, bytes: bytesOf(counting) };

async function opened(bytes: Buffer): Promise<WeightFile> {
  return openTorchArchive(bytesInMemory('theirs.bin', bytes));
}

async function valuesOf(file: WeightFile, name: string): Promise<readonly (number | bigint)[]> {
  return [...(await file.read(name)).values];
}

const FORMATS: [string, (tensors: readonly TorchTensor[]) => Buffer][] = [
  ['zip', torchZip],
  ['legacy', torchLegacy],
];

describe.each(FORMATS)('a state dict of the %s format', (_, write) => {
  it('gives names, shapes and numbers in the order of the file', async () => {
    const file = await opened(
      write([
        floatTensor('encoder.weight', [3, 4], counting, '0'),
        floatTensor('encoder.bias', [4], new Float32Array([1, -2, 3.5, 0]), '1'),
        { ...floatTensor('scale', [], new Float32Array([7]), '2'), isParameter: true },
        floatTensor('nothing', [0, 4], new Float32Array(0), '3'),
      ]),
    );
    expect([...file.tensors]).toEqual([
      ['encoder.weight', { dtype: 'F32', shape: [3, 4] }],
      ['encoder.bias', { dtype: 'F32', shape: [4] }],
      ['scale', { dtype: 'F32', shape: [] }],
      ['nothing', { dtype: 'F32', shape: [0, 4] }],
    ]);
    expect(await valuesOf(file, 'encoder.weight')).toEqual([...counting]);
    expect(await valuesOf(file, 'encoder.bias')).toEqual([1, -2, 3.5, 0]);
    expect(await valuesOf(file, 'scale')).toEqual([7]);
    expect(await valuesOf(file, 'nothing')).toEqual([]);
    expect(file.notes).toEqual([]);
  });

  it.each<[string, Omit<TorchTensor, 'name' | 'storage'>, number[]]>([
    ['transposed', { sizes: [4, 3], strides: [1, 4] }, [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]],
    ['a part', { sizes: [2, 2], strides: [4, 1], offset: 5 }, [5, 6, 9, 10]],
    ['every second', { sizes: [6], strides: [2], offset: 1 }, [1, 3, 5, 7, 9, 11]],
    ['whole rows', { sizes: [2, 4], strides: [4, 1], offset: 4 }, [4, 5, 6, 7, 8, 9, 10, 11]],
    ['one entry, any stride', { sizes: [1, 3], strides: [999, 1], offset: 9 }, [9, 10, 11]],
    ['expanded', { sizes: [2, 3], strides: [0, 1] }, [0, 1, 2, 0, 1, 2]],
    ['three dimensions', { sizes: [2, 2, 3], strides: [3, 6, 1] }, [0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11]],
  ])('makes a view contiguous: %s', async (__, view, expected) => {
    const file = await opened(write([{ name: 'w', storage: twelve, ...view }]));
    expect(await valuesOf(file, 'w')).toEqual(expected);
    expect((await file.read('w')).shape).toEqual(view.sizes);
  });

  it('lets tensors share a storage', async () => {
    const file = await opened(
      write([
        { name: 'all', storage: twelve, sizes: [12], strides: [1] },
        floatTensor('other', [1], new Float32Array([5]), '1'),
        { name: 'turned', storage: twelve, sizes: [4, 3], strides: [1, 4] },
      ]),
    );
    expect(await valuesOf(file, 'turned')).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
    expect(await valuesOf(file, 'other')).toEqual([5]);
    expect(await valuesOf(file, 'all')).toEqual([...counting]);
  });

  it.each<[string, string, string, ArrayBufferView, (number | bigint)[]]>([
    ['Half', 'F16', 'F32', new Uint16Array([0x3e00, 0xc100]), [1.5, -2.5]],
    ['BFloat16', 'BF16', 'F32', new Uint16Array([0x3f80, 0xc020]), [1, -2.5]],
    ['Double', 'F64', 'F32', new Float64Array([0.1, -1e300]), [Math.fround(0.1), Number.NEGATIVE_INFINITY]],
    ['Long', 'I64', 'I64', new BigInt64Array([-1n, 2n ** 40n]), [-1n, 2n ** 40n]],
    ['Int', 'I32', 'I32', new Int32Array([-1, 70_000]), [-1, 70_000]],
    ['Short', 'I16', 'I16', new Int16Array([-1, 300]), [-1, 300]],
    ['Char', 'I8', 'I8', new Int8Array([-1, 100]), [-1, 100]],
    ['Byte', 'U8', 'U8', new Uint8Array([255, 1]), [255, 1]],
    ['Bool', 'BOOL', 'BOOL', new Uint8Array([1, 0]), [1, 0]],
  ])('%sStorage', async (type, dtype, given, raw, expected) => {
    const storage = { type, key: '0', count: 2, bytes: bytesOf(raw) };
    const file = await opened(
      write([
        { name: 'plain', storage, sizes: [2], strides: [1] },
        // Not contiguous, so that it is copied number by number.
        { name: 'column', storage, sizes: [1, 2, 1], strides: [1, 1, 7] },
        { name: 'apart', storage, sizes: [2, 1], strides: [1, 5] },
        { name: 'last', storage, sizes: [1], strides: [1], offset: 1 },
        { name: 'repeated', storage, sizes: [2], strides: [0], offset: 1 },
      ]),
    );
    expect(file.tensors.get('plain')).toEqual({ dtype, shape: [2] });
    expect((await file.read('plain')).dtype).toBe(given);
    for (const name of ['plain', 'column', 'apart']) expect(await valuesOf(file, name)).toEqual(expected);
    expect(await valuesOf(file, 'last')).toEqual(expected.slice(1));
    expect(await valuesOf(file, 'repeated')).toEqual([expected[1], expected[1]]);
  });

  it('is read from a file too, and closed', async () => {
    const path = join(temporaryFolder(), 'pytorch_model.bin');
    writeFileSync(path, write([floatTensor('w', [12], counting, '0')]));
    const file = await openTorchFile(path);
    expect(file.name).toBe(path);
    expect(await valuesOf(file, 'w')).toEqual([...counting]);
    await file.close();
  });

  it('a name such as __proto__ is nothing special', async () => {
    const file = await opened(write([floatTensor('__proto__', [12], counting, '0')]));
    expect([...file.tensors.keys()]).toEqual(['__proto__']);
    expect(await valuesOf(file, '__proto__')).toEqual([...counting]);
  });
});

describe('a checkpoint', () => {
  const inner = stateDict([{ name: 'w', storage: twelve, sizes: [12], strides: [1] }]);
  const rest = [
    [text('epoch'), whole(3)],
    [text('loss'), Buffer.concat([code('G'), Buffer.from('3fe0000000000000', 'hex')])],
    [text('scheduler'), NONE],
    [text('history'), Buffer.concat([EMPTY_LIST, whole(1), code('a'), whole(2), code('a')])],
  ] as const;

  it.each(['state_dict', 'model_state_dict', 'model'])('is read from its %s', async (name) => {
    const pickle = pickleOf(EMPTY_DICT, setItems([...rest, [text(name), inner]]));
    const file = await opened(torchZip([{ name: 'w', storage: twelve, sizes: [12], strides: [1] }], pickle));
    expect([...file.tensors.keys()]).toEqual(['w']);
    expect(file.notes).toEqual([`It is a checkpoint; its ${name} was read.`]);
  });

  it('other entries beside tensors are told', async () => {
    const tensor = { name: 'w', storage: twelve, sizes: [12], strides: [1] };
    const pickle = pickleOf(stateDict([tensor]), setItems(rest));
    const file = await opened(torchZip([tensor], pickle));
    expect(file.notes).toEqual([
      'Entries that are not tensors were left out: "epoch", "loss", "scheduler" and more.',
    ]);
  });
});

it('memo: what was put there is found again, by short and long numbers', async () => {
  const long = Buffer.from([0, 1, 0, 0]);
  const tensor = { name: 'w', storage: twelve, sizes: [12], strides: [1] };
  const pickle = pickleOf(stateDict([tensor]), text('epoch'), code('r'), long, code('j'), long, code('s'));
  const file = await opened(torchZip([tensor], pickle));
  expect(file.notes).toEqual(['Entries that are not tensors were left out: "epoch".']);
});
