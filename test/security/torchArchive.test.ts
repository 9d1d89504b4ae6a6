/** @file Tests. Files of torch.save from strangers: P1 to P12 and their neighbours, each refused with its reason. */
import { describe, expect, it } from 'vitest';
import { bytesInMemory } from '../../main/files/byteSource.ts';
import { openTorchArchive } from '../../main/models/torchArchive.ts';
import {
  appends,
  bytes,
  code,
  EMPTY_DICT,
  EMPTY_LIST,
  FALSE,
  global,
  NONE,
  ORDERED_DICT,
  pickleOf,
  REDUCE,
  setItems,
  text,
  tuple,
  whole,
} from '../support/pickleBytes.ts';
import { seededRandom } from '../support/powerCutDisk.ts';
import { studioRejectionOf } from '../support/studioErrorOf.ts';
import {
  persistent,
  rebuiltTensor,
  stateDict,
  type TorchStorage,
  type TorchTensor,
  torchLegacy,
  torchZip,
  torchZipParts,
} from '../support/torchBytes.ts';
import { type ZipPart, zipBytes } from '../support/zipBytes.ts';

const storage: TorchStorage = { type: 'Float', key: '0', count: 4, bytes: new Uint8Array(16) };
const tensor: TorchTensor = { name: 'w', storage, sizes: [2, 2], strides: [2, 1] };

/** A file whose pickle holds these parts instead of a state dict. */
const zipOf = (...parts: readonly Buffer[]) => torchZip([tensor], pickleOf(...parts));
const dictOf = (value: Buffer) => zipOf(ORDERED_DICT, setItems([[text('w'), value]]));
const view = (parts: Partial<TorchTensor>) => torchZip([{ ...tensor, ...parts }]);
const call = (module: string, name: string, ...given: readonly Buffer[]) =>
  Buffer.concat([global(module, name), tuple(...given), REDUCE]);
const rebuild = (...given: readonly Buffer[]) => call('torch._utils', '_rebuild_tensor_v2', ...given);
const numbers = (...values: readonly number[]) => tuple(...values.map(whole));
const id = (...items: readonly Buffer[]) => Buffer.concat([tuple(...items), code('Q')]);
const float = global('torch', 'FloatStorage');
const repeated = (part: Buffer, times: number) => Buffer.concat(new Array<Buffer>(times).fill(part));
const length = (value: number) => {
  const four = Buffer.alloc(4);
  four.writeUInt32LE(value);
  return four;
};

/** The good archive with some entries replaced, added or taken away. */
function changed(change: (parts: ZipPart[]) => readonly ZipPart[]): Buffer {
  return zipBytes(change(torchZipParts([tensor])));
}
const replaced = (name: string, parts: Partial<ZipPart>) =>
  changed((all) => all.map((part) => (part.name === name ? { ...part, ...parts } : part)));

const REFUSED: [string, Buffer, string][] = [
  ['P1 os.system', zipOf(call('os', 'system', text('echo'))), 'asks for os.system'],
  ['P1 posix.system', zipOf(call('posix', 'system', text('echo'))), 'asks for posix.system'],
  ['P2 builtins.eval', zipOf(call('builtins', 'eval', text('1'))), 'asks for builtins.eval'],
  [
    'P2 a class of torch',
    zipOf(global('torch.nn.modules.linear', 'Linear')),
    'torch.nn.modules.linear.Linear',
  ],
  ['P2 a script of the writer', zipOf(global('__main__', 'Net')), '__main__.Net'],
  ['P2 a name of the studio', zipOf(global('collections', '__proto__')), 'collections.__proto__'],
  ['P2 an allowed name elsewhere', zipOf(global('evil', 'OrderedDict')), 'evil.OrderedDict'],
  ['P2 a dotted name', zipOf(global('torch', 'FloatStorage.__class__')), 'torch.FloatStorage.__class__'],
  ['P2 a module with a space', zipOf(code('ctorch FloatStorage\n\n')), 'asks for'],
  [
    'P3 OrderedDict with entries',
    zipOf(call('collections', 'OrderedDict', EMPTY_LIST)),
    '1 arguments instead of 0',
  ],
  ['P3 a tensor of nothing', dictOf(rebuild()), '_rebuild_tensor_v2 with 0 arguments instead of 6'],
  [
    'P3 a tensor with one more',
    dictOf(rebuild(persistent(storage), whole(0), numbers(4), numbers(1), FALSE, ORDERED_DICT, NONE)),
    '7 arguments instead of 6',
  ],
  [
    'P3 a parameter of nothing',
    dictOf(call('torch._utils', '_rebuild_parameter')),
    '0 arguments instead of 3',
  ],
  [
    'P3 a parameter that is text',
    dictOf(call('torch._utils', '_rebuild_parameter', text('x'), FALSE, ORDERED_DICT)),
    'from text instead of a tensor',
  ],
  [
    'P3 a tensor of a number',
    dictOf(rebuild(whole(7), whole(0), numbers(4), numbers(1), FALSE, ORDERED_DICT)),
    'from a number instead of a storage',
  ],
  [
    'P3 a tensor with hooks',
    dictOf(
      rebuild(
        persistent(storage),
        whole(0),
        numbers(4),
        numbers(1),
        FALSE,
        Buffer.concat([ORDERED_DICT, setItems([[text('hook'), whole(1)]])]),
      ),
    ),
    'with hooks',
  ],
  [
    'P3 sizes that are text',
    dictOf(rebuild(persistent(storage), whole(0), text('4'), numbers(1), FALSE, ORDERED_DICT)),
    'not whole numbers',
  ],
  ['P4 calling a storage type', zipOf(float, tuple(), REDUCE), 'calls what is not one of the functions'],
  ['P4 calling text', zipOf(text('eval'), tuple(), REDUCE), 'calls what is not one of the functions'],
  ['P4 calling with a list', zipOf(global('collections', 'OrderedDict'), EMPTY_LIST, REDUCE), 'not a tuple'],
  ['P5 BUILD on a dict', zipOf(EMPTY_DICT, EMPTY_DICT, code('b')), 'sets the state of something'],
  [
    'P5 BUILD on a function',
    zipOf(global('collections', 'OrderedDict'), EMPTY_DICT, code('b')),
    'sets the state',
  ],
  [
    'P5 BUILD on a tensor',
    dictOf(Buffer.concat([rebuiltTensor(tensor), EMPTY_DICT, code('b')])),
    'sets the state',
  ],
  ['P5 BUILD with what is not a dict', zipOf(ORDERED_DICT, whole(1), code('b')), 'sets the state'],
  ['P6 STACK_GLOBAL', zipOf(text('os'), text('system'), bytes(0x93)), 'STACK_GLOBAL'],
  ['P6 INST', zipOf(code('(ios\nsystem\n')), 'INST'],
  ['P6 OBJ', zipOf(code('('), global('collections', 'OrderedDict'), code('o')), 'OBJ'],
  ['P6 EXT1', zipOf(bytes(0x82, 1)), 'EXT1'],
  ['P6 EXT2', zipOf(bytes(0x83, 1, 0)), 'EXT2'],
  ['P6 EXT4', zipOf(bytes(0x84, 1, 0, 0, 0)), 'EXT4'],
  ['P6 PERSID', zipOf(code('P0\n')), 'PERSID'],
  ['P6 NEWOBJ', zipOf(global('collections', 'OrderedDict'), tuple(), bytes(0x81)), 'NEWOBJ'],
  ['P6 NEWOBJ_EX', zipOf(bytes(0x92)), 'NEWOBJ_EX'],
  ['P6 FRAME', zipOf(bytes(0x95)), 'FRAME'],
  ['P6 an opcode that nobody has', zipOf(bytes(0xff)), '0xff'],
  ['P6 protocol 4', torchZip([tensor], Buffer.from([0x80, 4, 0x2e])), 'of protocol 4'],
  ['P6 no protocol', torchZip([tensor], code('}.')), 'no pickle'],
  ['P7 a memo entry that is not there', zipOf(code('h\x07')), 'entry 7 of its memo'],
  ['P7 a long one', zipOf(code('j'), length(4_000_000_000)), 'entry 4000000000 of its memo'],
  ['P8 STOP at once', zipOf(), '0 values'],
  ['P8 two values at STOP', zipOf(EMPTY_DICT, EMPTY_DICT), '2 values'],
  ['P8 a MARK left at STOP', zipOf(EMPTY_DICT, code('(')), 'stops with'],
  ['P8 APPEND to nothing', zipOf(code('a')), 'empty stack'],
  ['P8 TUPLE3 of two', zipOf(NONE, NONE, bytes(0x87)), 'empty stack'],
  ['P8 a value from below a MARK', zipOf(NONE, code('('), bytes(0x85)), 'empty stack'],
  ['P8 TUPLE without MARK', zipOf(code('t')), 'MARK that is not there'],
  ['P8 a key without a value', zipOf(EMPTY_DICT, code('('), text('k'), code('u')), 'without a value'],
  ['P8 items of a tuple', zipOf(tuple(), code('(u')), 'not a dict'],
  ['P8 appending to a dict', zipOf(EMPTY_DICT, NONE, code('a')), 'not a list'],
  ['P8 a list as a key', zipOf(EMPTY_DICT, setItems([[EMPTY_LIST, NONE]])), 'neither text nor a number'],
  [
    'P8 the same key twice',
    zipOf(
      EMPTY_DICT,
      setItems([
        [text('w'), NONE],
        [text('w'), NONE],
      ]),
    ),
    'stands twice',
  ],
  ['P8 cut off', torchZip([tensor], pickleOf(stateDict([tensor])).subarray(0, -3)), 'ends before that'],
  ['P8 bytes after STOP', zipOf(EMPTY_DICT, code('.'), NONE), '2 bytes follow'],
  [
    'P8 a second pickle',
    torchZip([tensor], Buffer.concat([pickleOf(stateDict([tensor])), code('x')])),
    '1 bytes follow',
  ],
  ['P9 more than a million opcodes', zipOf(repeated(code('N'), 1_000_001)), 'more than 1000000 opcodes'],
  ['P9 1,001 marks', zipOf(repeated(code('('), 1_001)), 'nests more than 1000'],
  ['P9 tuples in tuples', zipOf(NONE, repeated(bytes(0x85), 1_001)), 'nests more than 1000'],
  [
    'P9 lists in lists',
    zipOf(repeated(EMPTY_LIST, 1_001), repeated(code('a'), 1_000)),
    'nests more than 1000',
  ],
  ['P10 text of 4 GB', zipOf(code('X'), length(0xffff_ffff)), 'claims 4294967295 bytes'],
  ['P10 a name without end', zipOf(code(`c${'x'.repeat(500)}`)), 'a name at'],
  ['P10 a name of a megabyte', zipOf(code(`c${'x'.repeat(1_000_000)}\n`)), 'a name at'],
  ['P10 text that is not UTF-8', zipOf(code('X'), length(1), bytes(0xff)), 'not UTF-8'],
  ['P10 a name that is not ASCII', zipOf(code('c\xfe\nx\n')), 'ASCII'],
  [
    'P11 a storage that is not there',
    dictOf(rebuiltTensor({ ...tensor, storage: { ...storage, key: '9' } })),
    'storage 9',
  ],
  [
    'P11 a path as key',
    dictOf(rebuiltTensor({ ...tensor, storage: { ...storage, key: '../../0' } })),
    'names a storage "../../0"',
  ],
  [
    'P11 a key that is a number',
    dictOf(id(text('storage'), float, whole(0), text('cpu'), whole(4))),
    'without a key',
  ],
  [
    'P11 an id of something else',
    dictOf(id(text('module'), float, text('0'), text('cpu'), whole(4))),
    'does not name',
  ],
  ['P11 an id that is text', dictOf(Buffer.concat([text('0'), code('Q')])), 'does not name a storage'],
  [
    'P11 a type that is text',
    dictOf(id(text('storage'), text('Float'), text('0'), text('cpu'), whole(4))),
    'its type',
  ],
  [
    'P11 a storage of -1',
    dictOf(id(text('storage'), float, text('0'), text('cpu'), whole(-1))),
    'impossible',
  ],
  [
    'P11 a storage of 2^60',
    dictOf(id(text('storage'), float, text('0'), text('cpu'), whole(2n ** 60n))),
    'impossible',
  ],
  [
    'P11 larger than its entry',
    dictOf(rebuiltTensor({ ...tensor, storage: { ...storage, count: 5 } })),
    'needs 20',
  ],
  [
    'P11 smaller than its entry',
    dictOf(rebuiltTensor({ ...tensor, storage: { ...storage, count: 3 }, sizes: [1, 1] })),
    'needs 12',
  ],
  [
    'P11 one storage of two types',
    zipOf(
      ORDERED_DICT,
      setItems([
        [text('a'), rebuiltTensor(tensor)],
        [text('b'), rebuiltTensor({ ...tensor, storage: { ...storage, type: 'Int' } })],
      ]),
    ),
    'two types or sizes',
  ],
  ['P12 beyond its storage', view({ sizes: [2, 3], strides: [2, 1] }), 'beyond its 4 numbers'],
  ['P12 beyond by offset', view({ offset: 1 }), 'beyond its 4 numbers'],
  ['P12 beyond by stride', view({ strides: [3, 1] }), 'beyond its 4 numbers'],
  ['P12 empty, but outside', view({ sizes: [0], strides: [1], offset: 5 }), 'beyond its 4 numbers'],
  [
    'P12 repeated to a gigabyte',
    view({ sizes: [2 ** 15, 2 ** 15], strides: [0, 0] }),
    'repeats its 4 numbers',
  ],
  ['P12 beyond 2^53', view({ sizes: [2 ** 30, 2 ** 30], strides: [2 ** 30, 1] }), 'impossible sizes'],
  ['P12 a negative stride', view({ strides: [-1, 1], offset: 3 }), 'not whole numbers'],
  ['P12 a negative offset', view({ offset: -1 }), 'not whole numbers'],
  ['P12 a negative size', view({ sizes: [-1, 2] }), 'not whole numbers'],
  ['P12 fewer strides than sizes', view({ strides: [1] }), '2 sizes and 1 strides'],
  ['P12 nine dimensions', view({ sizes: new Array(9).fill(1), strides: new Array(9).fill(1) }), '9 sizes'],
  ['more: a list instead of names', zipOf(EMPTY_LIST), 'holds a list'],
  ['more: one tensor', zipOf(rebuiltTensor(tensor)), 'holds a tensor'],
  ['more: no tensors', zipOf(EMPTY_DICT), 'no tensors'],
  ['more: a dict of dicts', zipOf(EMPTY_DICT, setItems([[text('model'), EMPTY_DICT]])), 'no tensors'],
  ['Z8 a compressed storage', replaced('weights/data/0', { method: 8 }), 'weights/data/0 is compressed'],
  ['Z8 a compressed pickle', replaced('weights/data.pkl', { method: 8 }), 'weights/data.pkl is compressed'],
  ['Z8 big-endian', replaced('weights/byteorder', { content: 'big' }), 'little-endian'],
  ['Z9 no pickle', changed((all) => all.slice(1)), '0 pickles'],
  ['Z9 two pickles', changed((all) => [...all, { ...all[0]!, name: 'other/data.pkl' }]), '2 pickles'],
  ['Z9 TorchScript', changed((all) => [...all, { name: 'weights/constants.pkl', method: 0 }]), 'TorchScript'],
  ['Z1 a name that leads outside', changed((all) => [...all, { name: '../x', method: 0 }]), '../x'],
  ['Z5 two entries of one name', changed((all) => [...all, all[0]!]), 'same name'],
  [
    'legacy: another magic number',
    torchLegacy([tensor], { magic: pickleOf(whole(7)) }),
    'not one that torch.save',
  ],
  ['legacy: any pickle', pickleOf(EMPTY_DICT), 'not one that torch.save'],
  ['legacy: another version', torchLegacy([tensor], { version: pickleOf(whole(1002)) }), 'unknown version'],
  ['legacy: big-endian', torchLegacy([tensor], { system: pickleOf(EMPTY_DICT) }), 'little-endian'],
  [
    'legacy: P1 in its system',
    torchLegacy([tensor], { system: pickleOf(global('os', 'system')) }),
    'os.system',
  ],
  [
    'legacy: P1 in its object',
    torchLegacy([tensor], { object: pickleOf(global('os', 'system')) }),
    'os.system',
  ],
  ['legacy: P1 in its keys', torchLegacy([tensor], { keys: pickleOf(global('os', 'system')) }), 'os.system'],
  ['legacy: no list of keys', torchLegacy([tensor], { keys: pickleOf(EMPTY_DICT) }), 'no list'],
  [
    'legacy: a key too few',
    torchLegacy([tensor], { keys: pickleOf(EMPTY_LIST) }),
    'storage 0, which it does not have',
  ],
  ['legacy: a key too many', torchLegacy([tensor], { keys: keysOf('0', '1') }), 'none of its tensors'],
  ['legacy: a key twice', torchLegacy([tensor], { keys: keysOf('0', '0') }), 'twice'],
  ['legacy: cut off', torchLegacy([tensor]).subarray(0, -1), 'ends before'],
  ['legacy: bytes behind', Buffer.concat([torchLegacy([tensor]), bytes(0)]), '1 bytes follow'],
  ['legacy: another count', miscounted(), 'has 5 numbers'],
  ['legacy: a view of a storage', viewedStorage(), 'a view of another one'],
  ['nothing', Buffer.alloc(0), 'empty'],
  ['text', Buffer.from('hello'), 'not a file that torch.save wrote'],
  ['a pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'), 'Git LFS'],
  ['a web page', Buffer.from('<!DOCTYPE html>'), 'web page'],
  ['a tar file', Buffer.concat([Buffer.alloc(257), Buffer.from('ustar')]), 'tar format'],
];

function keysOf(...keys: readonly string[]): Buffer {
  return pickleOf(EMPTY_LIST, appends(...keys.map(text)));
}

function miscounted(): Buffer {
  const file = torchLegacy([tensor]);
  file.writeUInt8(5, file.length - 24);
  return file;
}

function viewedStorage(): Buffer {
  const parts = [text('storage'), float, text('0'), text('cpu'), whole(4), numbers(1, 2, 3)];
  const object = pickleOf(
    ORDERED_DICT,
    setItems([[text('w'), rebuild(id(...parts), whole(0), numbers(4), numbers(1), FALSE, ORDERED_DICT)]]),
  );
  return torchLegacy([tensor], { object });
}

describe('a file of torch.save is refused', () => {
  it.each(REFUSED)('%s', async (_, file, words) => {
    const error = await studioRejectionOf(openTorchArchive(bytesInMemory('theirs.bin', file)));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toContain('theirs.bin');
    expect(error.message).toContain(words);
    expect(error.message.length).toBeLessThan(500);
    expect(error.nextStep).not.toBe('');
    expect(error.place).toEqual({ file: 'theirs.bin' });
  });

  it('when a storage was changed after it was packed', async () => {
    const file = replaced('weights/data/0', { declaredChecksum: 1 });
    const opened = await openTorchArchive(bytesInMemory('theirs.bin', file));
    expect((await studioRejectionOf(opened.read('w'))).code).toBe('CHECKSUM_MISMATCH');
  });
});

it.each([
  ['zip', torchZip([tensor])],
  ['legacy', torchLegacy([tensor])],
])('whatever is changed in a %s file, it is read or refused, and nothing else happens', async (_, file) => {
  const random = seededRandom(17);
  let refused = 0;
  for (let round = 0; round < 2000; round++) {
    const end = random() < 0.2 ? Math.floor(random() * file.byteLength) : file.byteLength;
    const one = Buffer.from(file.subarray(0, end));
    for (let flips = 0; flips < 1 + random() * 3 && one.byteLength > 0; flips++)
      one[Math.floor(random() * one.byteLength)] = Math.floor(random() * 256);
    try {
      const opened = await openTorchArchive(bytesInMemory('theirs.bin', one));
      for (const name of opened.tensors.keys()) await opened.read(name);
    } catch (thrown) {
      refused += 1;
      if (!['BAD_FILE', 'CHECKSUM_MISMATCH'].includes((thrown as { code?: string }).code ?? '')) throw thrown;
    }
  }
  expect(refused).toBeGreaterThan(1000);
});
