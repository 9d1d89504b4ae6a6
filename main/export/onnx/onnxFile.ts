/**
 * @file Node. An ONNX file of a model, in chunks that are made as they are written: no more than one tensor is in memory.
 */
import { StudioError } from '../../../shared/errors.ts';
import { formatBytes } from '../../files/disk.ts';
import type { Precision } from '../compactWeights.ts';
import type { ExportedModel } from '../exportedModel.ts';
import { LOGITS_OUTPUT, writeNetwork } from '../network.ts';
import { INPUTS, OnnxGraph } from './onnxGraph.ts';
import { nodeMessage, tensorBeginning, valueMessage } from './onnxMessages.ts';
import { messageBytes } from './onnxTensors.ts';
import { ProtobufMessage } from './protobuf.ts';

/** LayerNormalization came with 17, Gelu with 20. */
const OPSET = 20;
/** What belongs to opset 20 (ONNX 1.15). */
const IR_VERSION = 9;
/** Readers of Protocol Buffers count with signed 32-bit numbers. */
const MOST_BYTES = 2 ** 31 - 1;

export interface OnnxFile {
  readonly sizeBytes: number;
  chunks(): AsyncIterable<Uint8Array>;
}

export interface OnnxFileOptions {
  readonly precision: Precision;
  /** Every layer's rows as outputs too: for finding where an answer begins to differ, not to be shipped. */
  readonly diagnostic: boolean;
}

/** @throws StudioError TOO_LARGE for a file of 2 GiB or more, which no reader of the format can read. */
export function onnxFile(model: ExportedModel, { precision, diagnostic }: OnnxFileOptions): OnnxFile {
  const { config, weights } = model;
  const graph = new OnnxGraph({ config, weights, precision });
  writeNetwork(config, graph, { diagnostic });
  const outlines = graph.tensors.flatMap((group) => group.outlines);
  const beginning = new ProtobufMessage();
  for (const node of graph.nodes) beginning.addMessage(1, nodeMessage(node));
  beginning.addText(2, 'classifier');
  const end = borders(model, graph);
  const tensorsBytes = outlines.reduce((sum, outline) => sum + fieldBytes(messageBytes(outline)), 0);
  const graphBytes = beginning.sizeBytes + tensorsBytes + end.sizeBytes;
  const head = new ProtobufMessage().addNumber(1, IR_VERSION).addText(2, 'Entail');
  head.addMessage(8, new ProtobufMessage().addText(1, '').addNumber(2, OPSET));
  head.addLength(7, graphBytes);
  const sizeBytes = head.sizeBytes + graphBytes;
  requireReadable(sizeBytes, precision);
  return {
    sizeBytes,
    async *chunks() {
      yield head.bytes();
      yield beginning.bytes();
      for (const group of graph.tensors) {
        const contents = await group.read();
        for (const [at, outline] of group.outlines.entries()) {
          yield new ProtobufMessage().addLength(5, messageBytes(outline)).bytes();
          yield tensorBeginning(outline).bytes();
          yield contents[at]!;
        }
      }
      yield end.bytes();
    },
  };
}

/** Inputs and outputs of the graph. */
function borders({ config }: ExportedModel, graph: OnnxGraph): ProtobufMessage {
  const message = new ProtobufMessage();
  const free = ['batch', 'sequence'];
  message.addMessage(11, valueMessage(INPUTS.ids, 'int64', free));
  message.addMessage(11, valueMessage(INPUTS.mask, 'int64', free));
  if (config.segments > 0) message.addMessage(11, valueMessage(INPUTS.segments, 'int64', free));
  for (const { name, rows } of graph.outputs) {
    const width = name === LOGITS_OUTPUT ? config.classes : config.hidden;
    const shape = rows === 'pairs' ? ['batch', width] : [...free, width];
    message.addMessage(12, valueMessage(name, 'float', shape));
  }
  return message;
}

function fieldBytes(sizeBytes: number): number {
  return new ProtobufMessage().addLength(5, sizeBytes).sizeBytes + sizeBytes;
}

function requireReadable(sizeBytes: number, precision: Precision): void {
  if (sizeBytes <= MOST_BYTES) return;
  throw new StudioError(
    'TOO_LARGE',
    `The ONNX file would have ${formatBytes(sizeBytes)}, and no ONNX file can have more than ${formatBytes(MOST_BYTES)}.`,
    { nextStep: precision === 'fp32' ? 'Export in fp16 or int8.' : 'Export in another format.' },
  );
}
