/** @file Tests. Safetensors files from strangers: T1 to T16 and their neighbours, each refused with its reason. */
import { describe, expect, test } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../main/files/safetensors.ts';
import { doubtfulJson } from '../../main/files/strictJson.ts';
import { seededRandom } from '../support/powerCutDisk.ts';
import { rawSafetensors } from '../support/rawSafetensors.ts';
import { studioErrorOf } from '../support/studioErrorOf.ts';

const source = 'theirs.safetensors';
const four = [0, 0, 128, 63];

/** One F32 tensor, with parts of its description replaced. */
function header(
  parts: { name?: string; dtype?: string; shape?: string; offsets?: string; more?: string } = {},
): string {
  const { name = 'w', dtype = '"F32"', shape = '[1]', offsets = '[0,4]', more = '' } = parts;
  return `{${JSON.stringify(name)}:{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}${more}}}`;
}

function two(first: string, second: string): string {
  return `{"a":{"dtype":"F32","shape":[1],"data_offsets":${first}},"b":{"dtype":"F32","shape":[1],"data_offsets":${second}}}`;
}

const REFUSED: [string, Buffer, string][] = [
  ['T1 nothing', Buffer.alloc(0), '0 bytes'],
  ['T1 seven bytes', Buffer.alloc(7), '7 bytes'],
  ['T2 header of 2^64-1 bytes', rawSafetensors(header(), four, 2n ** 64n - 1n), '18446744073709551615'],
  [
    'T3 header above 16 MiB',
    rawSafetensors(header(), Buffer.alloc(17 << 20), (16n << 20n) + 1n),
    'more than 16777216',
  ],
  ['T4 header past the end', rawSafetensors(header(), [], 1000n), 'ends before'],
  ['T5 invalid UTF-8', rawSafetensors(Buffer.from('{"\xff":1}', 'latin1')), 'not UTF-8'],
  ['T5 overlong UTF-8', rawSafetensors(Buffer.from('{"\xc0\x80":1}', 'latin1')), 'not UTF-8'],
  ['T6 not JSON', rawSafetensors('{"w":'), 'not JSON'],
  ['T6 text after the object', rawSafetensors(`${header()}x`, four), 'not JSON'],
  ['T6 a pickle', rawSafetensors('\x80\x02}q\x00.'), 'start with "{"'],
  ['T7 an array', rawSafetensors(`[${header()}]`, four), 'start with "{"'],
  ['T7 a blank first', rawSafetensors(` ${header()}`, four), 'start with "{"'],
  ['T7 a byte order mark first', rawSafetensors(`\ufeff${header()}`, four), 'start with "{"'],
  ['T7 an empty header', rawSafetensors('', [0x7b]), 'start with "{"'],
  [
    'T8 the same name twice',
    rawSafetensors(`${header().slice(0, -1)},${header().slice(1)}`, four),
    '"w" stands in it twice',
  ],
  [
    'T8 twice, once escaped',
    rawSafetensors(`${header().slice(0, -1)},${header().slice(1).replace('"w"', '"\\u0077"')}`, four),
    'twice',
  ],
  [
    'T8 the same key twice in a tensor',
    rawSafetensors(header({ more: ',"shape":[1]' }), four),
    '"shape" stands in it twice',
  ],
  ['T8 the same note twice', rawSafetensors('{"__metadata__":{"a":"1","a" : "2"}}'), 'twice'],
  ['T9 two tensors on the same bytes', rawSafetensors(two('[0,4]', '[0,4]'), four), 'overlaps'],
  ['T9 partly', rawSafetensors(two('[0,4]', '[2,6]'), [...four, 0, 0]), 'overlaps'],
  ['T10 a hole', rawSafetensors(two('[0,4]', '[8,12]'), new Array(12).fill(0)), '4 bytes before tensor "b"'],
  [
    'T10 a hole at the start',
    rawSafetensors(header({ offsets: '[4,8]' }), new Array(8).fill(0)),
    '4 bytes before',
  ],
  ['T11 end before begin', rawSafetensors(header({ offsets: '[4,0]' }), four), 'ends before it begins'],
  ['T12 bytes after the last tensor', rawSafetensors(header(), [...four, 0x50, 0x4b]), '2 bytes at its end'],
  ['T12 bytes without any tensor', rawSafetensors('{}', [1]), '1 bytes at its end'],
  ['T12 cut short', rawSafetensors(header(), four.slice(1)), 'the file ends after 3'],
  [
    'T13 shape beyond 2^53',
    rawSafetensors(header({ shape: '[4294967296,4294967296]' }), four),
    'impossible shape',
  ],
  [
    'T13 shape beyond 2^64',
    rawSafetensors(header({ shape: '[4294967296,4294967297,16]' }), four),
    'impossible shape',
  ],
  [
    'T13 the same with a 0 behind',
    rawSafetensors(header({ shape: '[4294967296,4294967296,0]', offsets: '[0,0]' })),
    'impossible shape',
  ],
  ['T13 a size above 2^53', rawSafetensors(header({ shape: '[9007199254740993]' }), four), 'whole numbers'],
  [
    'T13 an offset above 2^53',
    rawSafetensors(header({ offsets: '[0,9007199254740993]' }), four),
    'whole numbers',
  ],
  ['T14 fewer bytes than the shape', rawSafetensors(header({ shape: '[2]' }), four), 'needs 8'],
  ['T14 more bytes than the shape', rawSafetensors(header({ shape: '[0]' }), four), 'needs 0'],
  ['T15 unknown type', rawSafetensors(header({ dtype: '"F8_E4M3"' }), four), 'unknown type "F8_E4M3"'],
  [
    'T15 a type that every object has',
    rawSafetensors(header({ dtype: '"constructor"' }), four),
    'unknown type',
  ],
  ['T15 __proto__ as type', rawSafetensors(header({ dtype: '"__proto__"' }), four), 'unknown type'],
  ['T15 a note that is a number', rawSafetensors('{"__metadata__":{"a":1}}'), '"a" is not text'],
  ['T15 notes that are a list', rawSafetensors('{"__metadata__":["a"]}'), 'not an object'],
  ['T15 notes that are null', rawSafetensors('{"__metadata__":null}'), 'not an object'],
  [
    'more: a name with half a character',
    rawSafetensors(header().replace('w', '\\ud800'), four),
    'not Unicode',
  ],
  ['more: a note with half a character', rawSafetensors('{"__metadata__":{"a":"\\udc00"}}'), 'not Unicode'],
  ['more: a tensor that is null', rawSafetensors('{"w":null}'), 'not described'],
  [
    'more: a tensor without offsets',
    rawSafetensors('{"w":{"dtype":"F32","shape":[1]}}', four),
    'not described',
  ],
  ['more: a key too many', rawSafetensors(header({ more: ',"x":1' }), four), 'not described'],
  ['more: three offsets', rawSafetensors(header({ offsets: '[0,4,8]' }), four), 'not described'],
  ['more: a fraction', rawSafetensors(header({ shape: '[1.5]' }), four), '1.5 is not a whole number'],
  ['more: a whole number as a fraction', rawSafetensors(header({ shape: '[1.0]' }), four), '1.0 is not'],
  ['more: an exponent', rawSafetensors(header({ offsets: '[0,4e0]' }), four), '4e0 is not'],
  ['more: a negative size', rawSafetensors(header({ shape: '[-1]' }), four), '-1 is not'],
  ['more: minus zero', rawSafetensors(header({ offsets: '[-0,4]' }), four), '-0 is not'],
  [
    'more: nine dimensions',
    rawSafetensors(header({ shape: `[${new Array(9).fill(1)}]` }), four),
    '9 dimensions',
  ],
  [
    'more: a truth value of 2',
    rawSafetensors(header({ dtype: '"BOOL"', offsets: '[0,1]' }), [2]),
    'truth values',
  ],
  [
    'more: nested to the sky',
    rawSafetensors(`{"w":${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
    'not described',
  ],
  ['more: 10,001 tensors', rawSafetensors(manyTensors(10_001)), 'more than 10000'],
];

function manyTensors(count: number): string {
  const one = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}';
  return `{${Array.from({ length: count }, (_, i) => `"t${i}":${one}`).join(',')}}`;
}

describe('a safetensors file is refused', () => {
  test.each(REFUSED)('%s', (_, file, words) => {
    const error = studioErrorOf(() => decodeSafetensors(file, { source }));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toContain(source);
    expect(error.message).toContain(words);
    expect(error.message.length).toBeLessThan(400);
    expect(error.nextStep).not.toBe('');
  });

  test('with a name of a million letters, without showing all of it', () => {
    const file = rawSafetensors(header({ name: 'x'.repeat(1_000_000), dtype: '"?"' }), four);
    expect(studioErrorOf(() => decodeSafetensors(file, { source })).message.length).toBeLessThan(300);
  });
});

describe('a safetensors file is taken', () => {
  test.each([
    ['as it should be', header(), four],
    ['with blanks around', `{ "w" :\t{ "shape":[ 1 ],\n"dtype":"F32" , "data_offsets" : [0 ,4]}} \n`, four],
    ['with 10,000 tensors', manyTensors(10_000), []],
    ['with eight dimensions', header({ shape: '[1,1,1,1,1,1,1,1]' }), four],
    ['with a tensor called __proto__', header({ name: '__proto__' }), four],
    ['with braces, quotes and colons in a name', header({ name: '{"a":1,"a":[\\"}' }), four],
    ['with equal keys in different objects', two('[0,4]', '[4,8]'), [...four, ...four]],
    ['with empty notes', '{"__metadata__":{}}', []],
  ])('%s', (_, text, data) => {
    decodeSafetensors(rawSafetensors(text, data), { source });
  });
});

test('whatever is changed in a file, it is read or refused, and nothing else happens', () => {
  const tensors = new Map([
    ['encoder.weight', { dtype: 'F32', shape: [2, 3], values: new Float32Array(6) } as const],
    ['ids', { dtype: 'I64', shape: [2], values: new BigInt64Array(2) } as const],
    ['flags', { dtype: 'BOOL', shape: [3], values: new Uint8Array(3) } as const],
  ]);
  const file = Buffer.concat(encodeSafetensors(tensors, { format: 'pt' }));
  const random = seededRandom(11);
  let refused = 0;
  for (let round = 0; round < 4000; round++) {
    const changed = Buffer.from(
      file.subarray(0, random() < 0.2 ? Math.floor(random() * file.byteLength) : file.byteLength),
    );
    for (let flips = 0; flips < 1 + random() * 3 && changed.byteLength > 0; flips++) {
      changed[Math.floor(random() * changed.byteLength)] = Math.floor(random() * 256);
    }
    try {
      decodeSafetensors(changed, { source });
    } catch (thrown) {
      refused += 1;
      if ((thrown as { code?: string }).code !== 'BAD_FILE') throw thrown;
    }
  }
  expect(refused).toBeGreaterThan(2000);
});

test.each([
  ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', null],
  ['{"a":"{\\"a\\":1}","b":"\\\\"}', null],
  ['{"a\\"":1,"a\\u0022":2}', 'twice'],
  ['{"b":[{"x":1,"x":2}]}', 'twice'],
  ['{"":1,"":2}', 'twice'],
  ['{"__proto__":1,"__proto__":2}', 'twice'],
  ['{"a":["a","a"],"b":"a"}', null],
  ['{"a":1E2}', 'whole'],
  ['{"a":1e400}', 'whole'],
])('doubtful JSON: %s', (text, words) => {
  JSON.parse(text);
  if (words === null) expect(doubtfulJson(text)).toBeNull();
  else expect(doubtfulJson(text)).toContain(words);
});
