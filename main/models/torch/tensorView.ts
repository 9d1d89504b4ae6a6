/** @file Runs anywhere. A tensor of a torch.save file: a view of a storage by offset, sizes and strides, checked against it. */

import { tensorFromBytes } from '../../files/tensorBytes.ts';
import { MAX_RANK, type NamedTensor } from '../../files/tensorTypes.ts';
import { describeValue, PickleObject, PickleTuple, type PickleValue } from '../pickle/values.ts';
import { Storage } from './storages.ts';

export class TensorView extends PickleObject {
  readonly what = 'a tensor';
  readonly storage: Storage;
  /** First number, counted from the storage's beginning. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** How many numbers further the next index of each dimension is. */
  readonly strides: readonly number[];
  /** The product of `shape`. */
  readonly count: number;

  /** Only `viewOf` calls it, after its checks. */
  constructor(storage: Storage, offset: number, shape: readonly number[], strides: readonly number[]) {
    super();
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
    this.count = shape.reduce((product, size) => product * size, 1);
  }
}

/** Offset, sizes and strides as `_rebuild_tensor_v2` is given them. */
export interface GivenView {
  readonly storage: PickleValue;
  readonly offset: PickleValue;
  readonly sizes: PickleValue;
  readonly strides: PickleValue;
}

/** Refuses a view that reaches beyond its storage, or that is larger than it (every number is given at most once). */
export function viewOf(given: GivenView, refuse: (why: string) => never): TensorView {
  const { storage, offset } = given;
  if (!(storage instanceof Storage))
    return refuse(`its pickle makes a tensor from ${describeValue(storage)} instead of a storage`);
  const shape = wholeNumbers(given.sizes);
  const strides = wholeNumbers(given.strides);
  if (shape === null || strides === null || !isWhole(offset))
    return refuse('its pickle makes a tensor whose offset, sizes and strides are not whole numbers');
  if (shape.length !== strides.length || shape.length > MAX_RANK)
    return refuse(
      `its pickle makes a tensor of ${shape.length} sizes and ${strides.length} strides (at most ${MAX_RANK})`,
    );
  const view = `a tensor of shape [${shape.join(', ')}] in storage ${storage.key}`;
  let count = 1;
  let last = offset;
  for (const [dimension, size] of shape.entries()) {
    count *= size;
    last += (size - 1) * strides[dimension]!;
    if (!Number.isSafeInteger(count) || !Number.isSafeInteger(last))
      return refuse(`${view} has impossible sizes`);
  }
  if (count === 0 ? offset > storage.count : last >= storage.count)
    return refuse(`${view} reaches beyond its ${storage.count} numbers`);
  if (count > storage.count) return refuse(`${view} repeats its ${storage.count} numbers`);
  return new TensorView(storage, offset, shape, strides);
}

function isWhole(value: PickleValue): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function wholeNumbers(value: PickleValue): number[] | null {
  if (!(value instanceof PickleTuple)) return null;
  const numbers = value.items.filter(isWhole);
  return numbers.length === value.items.length ? numbers : null;
}

/** The view's numbers in row-major order; `bytes` is its whole storage. Floats of 16 bits are widened. */
export function tensorOf(view: TensorView, bytes: Uint8Array): NamedTensor {
  const { storage, shape, count, offset } = view;
  const layout = { dtype: storage.dtype, shape, count };
  const width = storage.bytesPerNumber;
  if (!isContiguous(view)) return tensorFromBytes(layout, gathered(view, bytes));
  return tensorFromBytes(layout, bytes.subarray(offset * width, (offset + count) * width));
}

/** Whether the view's numbers stand one after another; the stride of a dimension of one entry says nothing. */
function isContiguous({ shape, strides, count }: TensorView): boolean {
  if (count === 0) return true;
  let expected = 1;
  for (let dimension = shape.length - 1; dimension >= 0; dimension--) {
    if (shape[dimension] !== 1 && strides[dimension] !== expected) return false;
    expected *= shape[dimension]!;
  }
  return true;
}

/** Copies the view's numbers into row-major order, whatever their type: only their width matters. */
function gathered(view: TensorView, bytes: Uint8Array): Uint8Array {
  const width = view.storage.bytesPerNumber;
  // Numbers of eight bytes are moved as two of four.
  const halves = width === 8 ? 2 : 1;
  const from = numbersOf(bytes, width);
  const to = numbersOf(new Uint8Array(view.count * width), width);
  const shape = [...view.shape, halves];
  const strides = [...view.strides.map((stride) => stride * halves), 1];
  const index = shape.map(() => 0);
  let at = view.offset * halves;
  for (let next = 0; next < to.length; next++) {
    to[next] = from[at]!;
    for (let dimension = shape.length - 1; dimension >= 0; dimension--) {
      index[dimension]! += 1;
      at += strides[dimension]!;
      if (index[dimension]! < shape[dimension]!) break;
      at -= strides[dimension]! * shape[dimension]!;
      index[dimension] = 0;
    }
  }
  return new Uint8Array(to.buffer);
}

function numbersOf(bytes: Uint8Array, width: number): Uint8Array | Uint16Array | Uint32Array {
  const { buffer, byteOffset, byteLength } = byteAligned(bytes, Math.min(width, 4));
  if (width === 1) return new Uint8Array(buffer, byteOffset, byteLength);
  return width === 2
    ? new Uint16Array(buffer, byteOffset, byteLength / 2)
    : new Uint32Array(buffer, byteOffset, byteLength / 4);
}

function byteAligned(bytes: Uint8Array, width: number): Uint8Array {
  return bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
}
