/**
 * @file Node. Metrics as a TensorBoard event file: TFRecords (length, sum, payload, sum) of Event messages, each with one
 * plain scalar. The first says the version of the format.
 */
import { maskedCrc32c } from './crc32c.ts';
import type { MetricCurve } from './curves.ts';

/** Fields of tensorboard's event.proto and summary.proto. */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 } as const;
const SUMMARY_VALUE = 1;
const VALUE = { tag: 1, simpleValue: 2 } as const;
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** TensorBoard finds event files by this name. */
export function eventFileName(firstAtMs: number): string {
  return `events.out.tfevents.${String(Math.floor(firstAtMs / 1000)).padStart(10, '0')}.entail`;
}

/** The file, a chunk a curve. Points of a curve stand in their order, which is all that TensorBoard asks. */
export function* tensorboardEvents(curves: readonly MetricCurve[], firstAtMs: number): Generator<Uint8Array> {
  yield record(
    Buffer.concat([
      double(EVENT.wallTime, firstAtMs / 1000),
      bytes(EVENT.fileVersion, Buffer.from('brain.Event:2')),
    ]),
  );
  for (const { metric, steps, values, atMs } of curves) {
    const tag = bytes(VALUE.tag, Buffer.from(metric));
    yield Buffer.concat(
      Array.from(steps, (step, at) => {
        const value = bytes(SUMMARY_VALUE, Buffer.concat([tag, float(VALUE.simpleValue, values[at]!)]));
        return record(
          Buffer.concat([
            double(EVENT.wallTime, atMs[at]! / 1000),
            whole(EVENT.step, step),
            bytes(EVENT.summary, value),
          ]),
        );
      }),
    );
  }
}

function record(payload: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(payload.length));
  return Buffer.concat([length, sumOf(length), payload, sumOf(payload)]);
}

function sumOf(content: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(maskedCrc32c(content));
  return sum;
}

const key = (field: number, wire: number) => Buffer.from([(field << 3) | wire]);

function double(field: number, value: number): Buffer {
  const number = Buffer.alloc(8);
  number.writeDoubleLE(value);
  return Buffer.concat([key(field, WIRE.fixed64), number]);
}

function float(field: number, value: number): Buffer {
  const number = Buffer.alloc(4);
  number.writeFloatLE(value);
  return Buffer.concat([key(field, WIRE.fixed32), number]);
}

function whole(field: number, value: number): Buffer {
  return Buffer.concat([key(field, WIRE.varint), varint(value)]);
}

function bytes(field: number, content: Buffer): Buffer {
  return Buffer.concat([key(field, WIRE.bytes), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const groups: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) groups.push((rest % 0x80) | 0x80);
  return Buffer.from([...groups, rest]);
}
