/** @file Tests. Files as torch.save writes them, of both formats, and the pieces to write wrong ones. */
import {
  appends,
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
  TRUE,
  text,
  tuple,
  whole,
} from './pickleBytes.ts';
import { STREAMED, type ZipPart, zipBytes } from './zipBytes.ts';

export interface TorchStorage {
  /** Such as "Float". */
  readonly type: string;
  readonly key: string;
  readonly count: number;
  readonly bytes: Uint8Array;
}

export interface TorchTensor {
  readonly name: string;
  readonly storage: TorchStorage;
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  readonly offset?: number;
  /** Saved as a Parameter. */
  readonly isParameter?: boolean;
}

type Format = 'zip' | 'legacy';

const numbers = (values: readonly number[]) => tuple(...values.map(whole));

/** `('storage', FloatStorage, key, 'cpu', count)` and what makes an object of it. */
export function persistent({ type, key, count }: TorchStorage, format: Format = 'zip'): Buffer {
  const parts = [text('storage'), global('torch', `${type}Storage`), text(key), text('cpu'), whole(count)];
  return Buffer.concat([tuple(...parts, ...(format === 'zip' ? [] : [NONE])), code('Q')]);
}

export function rebuiltTensor(tensor: TorchTensor, format: Format = 'zip'): Buffer {
  const { storage, offset = 0, sizes, strides } = tensor;
  const given = [
    persistent(storage, format),
    whole(offset),
    numbers(sizes),
    numbers(strides),
    FALSE,
    ORDERED_DICT,
  ];
  const made = Buffer.concat([global('torch._utils', '_rebuild_tensor_v2'), tuple(...given), REDUCE]);
  if (tensor.isParameter !== true) return made;
  const asParameter = tuple(made, TRUE, ORDERED_DICT);
  return Buffer.concat([global('torch._utils', '_rebuild_parameter'), asParameter, REDUCE]);
}

/** An OrderedDict with its `_metadata`, as modules have it. */
export function stateDict(tensors: readonly TorchTensor[], format: Format = 'zip'): Buffer {
  const entries = tensors.map((tensor) => [text(tensor.name), rebuiltTensor(tensor, format)] as const);
  const version = setItems([[text('version'), whole(1)]]);
  const metadata = Buffer.concat([
    ORDERED_DICT,
    setItems([[text(''), Buffer.concat([EMPTY_DICT, version])]]),
  ]);
  const state = Buffer.concat([EMPTY_DICT, setItems([[text('_metadata'), metadata]])]);
  return Buffer.concat([ORDERED_DICT, setItems(entries), state, code('b')]);
}

const storagesOf = (tensors: readonly TorchTensor[]) => [
  ...new Map(tensors.map(({ storage }) => [storage.key, storage])).values(),
];

/** The entries of an archive since PyTorch 1.6; `pickle` replaces what describes the tensors. */
export function torchZipParts(
  tensors: readonly TorchTensor[],
  pickle = pickleOf(stateDict(tensors)),
): ZipPart[] {
  const stored = { method: 0, flags: STREAMED } as const;
  return [
    { name: 'weights/data.pkl', content: pickle, ...stored },
    { name: 'weights/byteorder', content: 'little', ...stored },
    ...storagesOf(tensors).map(({ key, bytes }) => ({
      name: `weights/data/${key}`,
      content: bytes,
      ...stored,
    })),
    { name: 'weights/version', content: '3\n', ...stored },
    { name: 'weights/.data/serialization_id', content: '0123456789', ...stored },
  ];
}

export function torchZip(tensors: readonly TorchTensor[], pickle?: Buffer): Buffer {
  return zipBytes(torchZipParts(tensors, pickle));
}

const MAGIC = pickleOf(Buffer.from('8a0a6cfc9c46f9206aa85019', 'hex'));

/** The five pickles before the numbers; each can be replaced. */
export interface LegacyParts {
  readonly magic?: Buffer;
  readonly version?: Buffer;
  readonly system?: Buffer;
  readonly object?: Buffer;
  readonly keys?: Buffer;
}

/** A file before PyTorch 1.6. */
export function torchLegacy(tensors: readonly TorchTensor[], parts: LegacyParts = {}): Buffer {
  const storages = storagesOf(tensors);
  const sizes = setItems([[text('long'), whole(4)]]);
  const system = setItems([
    [text('protocol_version'), whole(1001)],
    [text('little_endian'), TRUE],
    [text('type_sizes'), Buffer.concat([EMPTY_DICT, sizes])],
  ]);
  const counted = ({ count, bytes }: TorchStorage) => {
    const front = Buffer.alloc(8);
    front.writeBigInt64LE(BigInt(count));
    return Buffer.concat([front, bytes]);
  };
  return Buffer.concat([
    parts.magic ?? MAGIC,
    parts.version ?? pickleOf(whole(1001)),
    parts.system ?? pickleOf(EMPTY_DICT, system),
    parts.object ?? pickleOf(stateDict(tensors, 'legacy')),
    parts.keys ?? pickleOf(EMPTY_LIST, appends(...storages.map(({ key }) => text(key)))),
    ...storages.map(counted),
  ]);
}

/** A tensor of floats in a storage of its own. */
export function floatTensor(
  name: string,
  sizes: readonly number[],
  values: Float32Array,
  key: string,
): TorchTensor {
  const strides = sizes.map((_, at) => sizes.slice(at + 1).reduce((product, size) => product * size, 1));
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, sizes, strides, storage: { type: 'Float', key, count: values.length, bytes } };
}
