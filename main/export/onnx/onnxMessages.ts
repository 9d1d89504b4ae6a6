/**
 * @file Runs anywhere. The messages of onnx.proto3 that a graph is made of; numbers are those of its fields
 * (github.com/onnx/onnx, IR version 9).
 */
import { ProtobufMessage } from './protobuf.ts';

/** TensorProto.DataType */
export const DATA_TYPES = { float: 1, int8: 3, int64: 7, float16: 10 } as const;
export type DataType = keyof typeof DATA_TYPES;
export const DATA_TYPE_BYTES = { float: 4, int8: 1, int64: 8, float16: 2 } as const satisfies Record<
  DataType,
  number
>;

export type Attribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'ints'; readonly values: readonly number[] };

export interface NodeOutline {
  readonly operator: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

export function nodeMessage({
  operator,
  name,
  inputs,
  outputs,
  attributes = {},
}: NodeOutline): ProtobufMessage {
  const message = new ProtobufMessage();
  for (const input of inputs) message.addText(1, input);
  for (const output of outputs) message.addText(2, output);
  message.addText(3, name).addText(4, operator);
  for (const [key, attribute] of Object.entries(attributes))
    message.addMessage(5, attributeMessage(key, attribute));
  return message;
}

function attributeMessage(name: string, attribute: Attribute): ProtobufMessage {
  const message = new ProtobufMessage().addText(1, name);
  switch (attribute.kind) {
    case 'float':
      return message.addFloat(2, attribute.value).addNumber(20, 1);
    case 'int':
      return message.addSignedNumbers(3, [attribute.value]).addNumber(20, 2);
    case 'text':
      return message.addText(4, attribute.value).addNumber(20, 3);
    case 'ints':
      return message.addSignedNumbers(8, attribute.values).addNumber(20, 7);
  }
}

export interface TensorOutline {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
}

export function tensorBytes({ type, shape }: TensorOutline): number {
  return shape.reduce((product, size) => product * size, DATA_TYPE_BYTES[type]);
}

/** All of a TensorProto but its numbers, which follow. */
export function tensorBeginning(outline: TensorOutline): ProtobufMessage {
  return new ProtobufMessage()
    .addNumbers(1, outline.shape)
    .addNumber(2, DATA_TYPES[outline.type])
    .addText(8, outline.name)
    .addLength(9, tensorBytes(outline));
}

/** @param shape a text is the name of a size that is free */
export function valueMessage(
  name: string,
  type: DataType,
  shape: readonly (string | number)[],
): ProtobufMessage {
  const sizes = new ProtobufMessage();
  for (const size of shape) {
    const dimension = new ProtobufMessage();
    if (typeof size === 'number') dimension.addNumber(1, size);
    else dimension.addText(2, size);
    sizes.addMessage(1, dimension);
  }
  const tensorType = new ProtobufMessage().addNumber(1, DATA_TYPES[type]).addMessage(2, sizes);
  return new ProtobufMessage()
    .addText(1, name)
    .addMessage(2, new ProtobufMessage().addMessage(1, tensorType));
}
