/** @file Tests. Safetensors: what is written comes back byte for byte, in the layout of the reference. */
import { describe, expect, test } from 'vitest';
import { widenBfloat16, widenFloat16 } from '../../../main/files/halfPrecision.ts';
import { decodeSafetensors, encodeSafetensors } from '../../../main/files/safetensors.ts';
import type { NamedTensor } from '../../../main/files/tensorTypes.ts';
import { rawSafetensors } from '../../support/rawSafetensors.ts';

const source = 'model.safetensors';

function f32(values: number[], shape = [values.length]): NamedTensor {
  return { dtype: 'F32', shape, values: new Float32Array(values) };
}

const ofEveryType = new Map<string, NamedTensor>([
  ['f32', f32([1.5, -0, 3.4e38, 1e-45], [2, 2])],
  ['f64', { dtype: 'F64', shape: [1], values: new Float64Array([Math.PI]) }],
  ['i8', { dtype: 'I8', shape: [3], values: new Int8Array([-128, 0, 127]) }],
  ['u8', { dtype: 'U8', shape: [1, 3], values: new Uint8Array([0, 1, 255]) }],
  ['i16', { dtype: 'I16', shape: [2], values: new Int16Array([-32768, 32767]) }],
  ['u16', { dtype: 'U16', shape: [1], values: new Uint16Array([65535]) }],
  ['i32', { dtype: 'I32', shape: [2], values: new Int32Array([-(2 ** 31), 2 ** 31 - 1]) }],
  ['u32', { dtype: 'U32', shape: [1], values: new Uint32Array([2 ** 32 - 1]) }],
  ['i64', { dtype: 'I64', shape: [2], values: new BigInt64Array([-(2n ** 63n), 2n ** 63n - 1n]) }],
  ['u64', { dtype: 'U64', shape: [1], values: new BigUint64Array([2n ** 64n - 1n]) }],
  ['bool', { dtype: 'BOOL', shape: [3], values: new Uint8Array([1, 0, 1]) }],
]);

describe('encoding and decoding', () => {
  test('every type, scalars and empty tensors', () => {
    const tensors = new Map(ofEveryType);
    tensors.set('scalar', f32([7], []));
    tensors.set('empty', f32([], [3, 0, 2]));
    const decoded = decodeSafetensors(Buffer.concat(encodeSafetensors(tensors)), { source });
    expect(new Map([...decoded.tensors].sort())).toEqual(new Map([...tensors].sort()));
    expect(decoded.warnings).toEqual([]);
    expect(Object.is((decoded.tensors.get('f32') as { values: Float32Array }).values[1], -0)).toBe(true);
  });

  test('no tensors at all', () => {
    const bytes = Buffer.concat(encodeSafetensors(new Map()));
    expect(bytes.toString('latin1')).toBe('\x08\0\0\0\0\0\0\0{}      ');
    expect(decodeSafetensors(bytes, { source }).tensors.size).toBe(0);
  });

  test('gives the bytes of the reference: wide types first, then names, blanks up to a multiple of 8', () => {
    // Made with safetensors 0.8.0: serialize({...}, metadata={'format': 'pt'})
    const header =
      '{"__metadata__":{"format":"pt"},"d":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},' +
      '"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},"ä":{"dtype":"F32","shape":[],"data_offsets":[16,20]},' +
      '"😀":{"dtype":"F32","shape":[1],"data_offsets":[20,24]},"a":{"dtype":"U8","shape":[3],"data_offsets":[24,27]}}';
    const tensors = new Map<string, NamedTensor>([
      ['😀', f32([4])],
      ['ä', f32([3], [])],
      ['a', { dtype: 'U8', shape: [3], values: new Uint8Array([1, 2, 3]) }],
      ['b', f32([1, 2])],
      ['d', { dtype: 'I64', shape: [1], values: new BigInt64Array([5n]) }],
    ]);
    const numbers = new Uint8Array(27);
    new BigInt64Array(numbers.buffer, 0, 1)[0] = 5n;
    new Float32Array(numbers.buffer, 8, 4).set([1, 2, 3, 4]);
    numbers.set([1, 2, 3], 24);
    const expected = rawSafetensors(
      header.padEnd(header.length + ((8 - (Buffer.byteLength(header) % 8)) % 8)),
      numbers,
    );
    expect(Buffer.concat(encodeSafetensors(tensors, { format: 'pt' })).equals(expected)).toBe(true);
  });

  test('a decoded file is written again byte for byte', () => {
    const bytes = Buffer.concat(
      encodeSafetensors(ofEveryType, { format: 'pt', '2': 'two', note: 'a "quoted" \u2028 ü' }),
    );
    const { tensors, metadata } = decodeSafetensors(bytes, { source });
    const again = Buffer.concat(encodeSafetensors(tensors, metadata));
    const order = (buffer: Buffer) => decodeSafetensors(buffer, { source });
    expect(order(again)).toEqual(order(bytes));
    const plain = Buffer.concat(encodeSafetensors(ofEveryType, { format: 'pt' }));
    const read = decodeSafetensors(plain, { source });
    expect(Buffer.concat(encodeSafetensors(read.tensors, read.metadata)).equals(plain)).toBe(true);
  });

  test('copies no numbers on the way out, nor on the way in when they are aligned', () => {
    const values = new Float32Array(1000).fill(2);
    const chunks = encodeSafetensors(new Map([['w', { dtype: 'F32', shape: [1000], values }]]));
    expect(chunks).toHaveLength(2);
    expect(chunks[1]!.buffer).toBe(values.buffer);
    const file = new Uint8Array(Buffer.concat(chunks));
    expect(decodeSafetensors(file, { source }).tensors.get('w')!.values.buffer).toBe(file.buffer);
  });

  test('a part of a larger array is written as that part', () => {
    const values = new Float32Array([0, 1, 2, 3]).subarray(1, 3);
    const bytes = Buffer.concat(encodeSafetensors(new Map([['w', { dtype: 'F32', shape: [2], values }]])));
    expect([...decodeSafetensors(bytes, { source }).tensors.get('w')!.values]).toEqual([1, 2]);
  });

  test('bytes that start at any place in memory', () => {
    const file = Buffer.concat(encodeSafetensors(ofEveryType));
    for (let shift = 0; shift < 9; shift++) {
      const memory = new Uint8Array(file.byteLength + shift);
      memory.set(file, shift);
      const { tensors } = decodeSafetensors(memory.subarray(shift), { source });
      expect(new Map([...tensors].sort())).toEqual(new Map([...ofEveryType].sort()));
    }
  });

  test('names that an object would trip over', () => {
    const names = ['__proto__', 'constructor', 'toString', '7', '', 'a"b\\c\u0001', 'ünïcode 😀'];
    const tensors = new Map(names.map((name, i) => [name, f32([i])]));
    const metadata = new Map([
      ['__proto__', 'text'],
      ['constructor', 'more'],
    ]);
    const decoded = decodeSafetensors(Buffer.concat(encodeSafetensors(tensors, metadata)), { source });
    expect(new Map([...decoded.tensors].sort())).toEqual(new Map([...tensors].sort()));
    expect(decoded.metadata).toEqual(metadata);
    expect(({} as Record<string, unknown>)['dtype']).toBeUndefined();
  });

  test('NaN and infinities are kept and reported', () => {
    const tensors = new Map<string, NamedTensor>([
      ['fine', f32([3.4e38, -3.4e38, 0])],
      ['nan', f32([1, Number.NaN])],
      ['infinite', { dtype: 'F64', shape: [1], values: new Float64Array([Number.NEGATIVE_INFINITY]) }],
    ]);
    const decoded = decodeSafetensors(Buffer.concat(encodeSafetensors(tensors)), { source });
    expect([...decoded.nonFinite].sort()).toEqual(['infinite', 'nan']);
    expect(decoded.warnings).toEqual(['NaN or infinite numbers stand in "infinite", "nan".']);
    expect(decoded.tensors.get('nan')!.values[1]).toBeNaN();
  });
});

describe('16-bit floats', () => {
  test('are given as F32, and named', () => {
    const header =
      '{"b":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"h":{"dtype":"F16","shape":[1,1],"data_offsets":[4,6]}}';
    // 1.0 and -2.5 as bfloat16, 1.5 as float16
    const decoded = decodeSafetensors(rawSafetensors(header, [0x80, 0x3f, 0x20, 0xc0, 0x00, 0x3e]), {
      source,
    });
    expect(decoded.tensors.get('b')).toEqual(f32([1, -2.5]));
    expect(decoded.tensors.get('h')).toEqual(f32([1.5], [1, 1]));
    expect(decoded.widened).toEqual(
      new Map([
        ['b', 'BF16'],
        ['h', 'F16'],
      ]),
    );
  });

  test('an infinity among them is noticed', () => {
    const header = '{"h":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}';
    expect(decodeSafetensors(rawSafetensors(header, [0x00, 0x7c]), { source }).nonFinite).toEqual(['h']);
  });

  test('all 65,536 of them are exactly the numbers that JavaScript knows', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const view = new DataView(new ArrayBuffer(4));
    const halves = widenFloat16(bits);
    const brains = widenBfloat16(bits);
    for (let i = 0; i < 65536; i++) {
      view.setUint32(0, i * 65536);
      if (!Object.is(brains[i], view.getFloat32(0))) expect.fail(`bfloat16 ${i}: ${brains[i]}`);
      // Widened and narrowed again, every number but NaN has its bits.
      if (!Number.isNaN(halves[i]!) && float16Bits(halves[i]!) !== i)
        expect.fail(`float16 ${i}: ${halves[i]}`);
    }
    expect([halves[0x0001], halves[0x03ff], halves[0x7bff], halves[0xfc00]]).toEqual([
      2 ** -24,
      1023 * 2 ** -24,
      65504,
      Number.NEGATIVE_INFINITY,
    ]);
    expect(halves.filter((value) => Number.isNaN(value)).length).toBe(2 * 1023);
  });
});

/** By way of binary32's bits, another way than the code under test goes; exact numbers only. */
function float16Bits(value: number): number {
  const [bits] = new Uint32Array(new Float32Array([value]).buffer);
  const sign = (bits! >>> 16) & 0x8000;
  const exponent = ((bits! >>> 23) & 0xff) - 127;
  const fraction = bits! & 0x7fffff;
  if (exponent === 128) return sign | 0x7c00;
  if (exponent >= -14) return sign | ((exponent + 15) << 10) | (fraction >>> 13);
  if (exponent === -127) return sign;
  return sign | ((fraction | 0x800000) >>> (-exponent - 1));
}

describe('encoding refuses', () => {
  test.each<[string, Map<string, NamedTensor>, Record<string, string>]>([
    ['cannot have 2 values', new Map([['w', f32([1, 2], [3])]]), {}],
    ['cannot have 1 values', new Map([['w', f32([1], [-1, -1])]]), {}],
    ['cannot have 1 values', new Map([['w', f32([1], new Array(9).fill(1))]]), {}],
    [
      'cannot be kept',
      new Map([['w', { dtype: 'I32', shape: [1], values: new Float32Array(1) } as never]]),
      {},
    ],
    ['cannot be called', new Map([['__metadata__', f32([1])]]), {}],
    ['cannot be called', new Map([['\ud800', f32([1])]]), {}],
    ['not Unicode', new Map(), { a: '\udc00' }],
    ['more than 10000', new Map(Array.from({ length: 10_001 }, (_, i) => [`${i}`, f32([1])])), {}],
  ])('%s', (words, tensors, metadata) => {
    expect(() => encodeSafetensors(tensors, metadata)).toThrow(words);
  });
});
