/** @file Node. Runs an ONNX file with ONNX Runtime on the processor, for the parity gate. */
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { StudioError } from '../../../shared/errors.ts';
import type { ModelRunner, PaddedBatch } from '../modelRunner.ts';
import { EMBEDDINGS_OUTPUT, LOGITS_OUTPUT, layerOutput } from '../network.ts';
import { INPUTS } from './onnxGraph.ts';

type Runtime = typeof import('onnxruntime-node');

/**
 * @param path of a .onnx file
 * @throws StudioError NOT_AVAILABLE when ONNX Runtime cannot be loaded here; BAD_FILE when it refuses the file.
 */
export async function openOnnxRunner(
  path: string,
  { threads = 1 }: { threads?: number } = {},
): Promise<ModelRunner> {
  const runtime = await loadRuntime();
  const session = await openSession(runtime, path, threads);
  return {
    runtime: `onnxruntime-node ${runtime.env.versions.node ?? runtime.env.versions.common}`,
    run: async (batch) => {
      const answers = await session.run(inputsOf(runtime, session, batch));
      try {
        const layers = layerNames(session).map((name) => floats(answers[name]!));
        return { logits: floats(answers[LOGITS_OUTPUT]!), layers };
      } finally {
        for (const tensor of Object.values(answers)) tensor.dispose();
      }
    },
    close: () => session.release(),
  };
}

async function loadRuntime(): Promise<Runtime> {
  try {
    const runtime = await import('onnxruntime-node');
    return runtime;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new StudioError('NOT_AVAILABLE', `ONNX Runtime cannot be loaded on this machine: ${reason}.`, {
      nextStep: 'The export stays unverified here: check it on a machine that ONNX Runtime supports.',
      cause,
    });
  }
}

async function openSession(runtime: Runtime, path: string, threads: number): Promise<InferenceSession> {
  try {
    return await runtime.InferenceSession.create(path, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // Errors only: the runtime's warnings are about its own choices.
      logSeverityLevel: 3,
      // Weights in int8 are multiplied in fp32, as the file says; ONNX Runtime's own choice would round the rows too.
      extra: { session: { qdq_matmulnbits_accuracy_level: '1' } },
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StudioError('BAD_FILE', `ONNX Runtime refuses ${path}: ${reason.slice(0, 300)}`, {
      nextStep: 'This is a defect of the export: please report it.',
      place: { file: path },
      cause,
    });
  }
}

function inputsOf(
  runtime: Runtime,
  session: InferenceSession,
  { pairs, length, inputIds, attentionMask, segmentIds }: PaddedBatch,
): Record<string, Tensor> {
  const all = { [INPUTS.ids]: inputIds, [INPUTS.mask]: attentionMask, [INPUTS.segments]: segmentIds };
  return Object.fromEntries(
    Object.entries(all)
      // DistilBERT has no segments.
      .filter(([name]) => session.inputNames.includes(name))
      .map(([name, values]) => [
        name,
        new runtime.Tensor('int64', BigInt64Array.from(values, BigInt), [pairs, length]),
      ]),
  );
}

/** In the order of the network. */
function layerNames(session: InferenceSession): string[] {
  const layers = session.outputNames.filter((name) => name.startsWith('layer_')).length;
  const names = [EMBEDDINGS_OUTPUT, ...Array.from({ length: layers }, (_, layer) => layerOutput(layer))];
  return names.filter((name) => session.outputNames.includes(name));
}

function floats(tensor: Tensor): Float32Array {
  if (!(tensor.data instanceof Float32Array)) throw new Error(`an output is of type ${tensor.type}`);
  // A copy: the runtime's memory is freed with the tensor.
  return tensor.data.slice();
}
