/** @file Tests. Safetensors files from strangers: T1 to T16 and their neighbours, each refused with its reason. */
import { describe, expect, test } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../main/files/safetensors.ts';
import { doubtfulJson } from '../../main/files/strictJson.ts';
import { BAD_SAFETENSORS, four, header, manyTensors, two } from '../fixtures/bad/safetensors.ts';
import { seededRandom } from '../support/powerCutDisk.ts';
import { rawSafetensors } from '../support/rawSafetensors.ts';
import { studioErrorOf } from '../support/studioErrorOf.ts';

const source = 'theirs.safetensors';
describe('a safetensors file is refused', () => {
  test.each(BAD_SAFETENSORS)('%s', (_, file, words) => {
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
