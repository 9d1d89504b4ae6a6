/**
 * @file Runs under Node. Time and memory of writing each format of a model of the size of bert.base, without checking it:
 * `node bin/entail.js --run test/bench/exports.ts`. Every format is written by a process of its own.
 */
import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WordPieceTokenizer } from '../../main/data/wordpiece/wordPieceTokenizer.ts';
import { SPECIAL_TOKENS, WordPieceVocabulary } from '../../main/data/wordpiece/wordPieceVocabulary.ts';
import { type ExportedModel, openExportedModel } from '../../main/export/exportedModel.ts';
import { ExportFolder } from '../../main/export/exportFolder.ts';
import { writeOnnx } from '../../main/export/onnx/writeOnnx.ts';
import { writePage } from '../../main/export/page/writePage.ts';
import { writeTensorflowJs } from '../../main/export/tensorflowjs/writeTensorflowJs.ts';
import { formatBytes } from '../../main/files/disk.ts';
import { encodeSafetensors } from '../../main/files/safetensors.ts';
import { parameterShapes } from '../../main/model/parameters.ts';
import { buildExportPageIfNeeded } from '../../main/start/buildExportPage.ts';
import type { ModelConfig } from '../../shared/runs.ts';

const BERT_BASE: ModelConfig = {
  ...{ variant: 'huggingface', vocabularySize: 30522, layers: 12, hidden: 768, heads: 12, feedForward: 3072 },
  ...{ maxPositions: 512, classes: 3, activation: 'gelu', layerNormEps: 1e-12, embeddingNorm: true },
  ...{ dropout: 0.1, segments: 2, headActivation: 'tanh', headDropout: true },
};

type Writer = (model: ExportedModel, folder: ExportFolder, programFolder: string) => Promise<void>;

const WRITERS: ReadonlyMap<string, Writer> = new Map<string, Writer>([
  ['ONNX, fp32', (model, folder) => writeOnnx(model, folder, { precisions: ['fp32'] })],
  ['ONNX, fp16', (model, folder) => writeOnnx(model, folder, { precisions: ['fp16'] })],
  ['ONNX, int8', (model, folder) => writeOnnx(model, folder, { precisions: ['int8'] })],
  ['TensorFlow.js, fp32', (model, folder) => writeTensorflowJs(model, folder, { half: false })],
  ['TensorFlow.js, fp16', (model, folder) => writeTensorflowJs(model, folder, { half: true })],
  [
    'web page, fp16',
    (model, folder, programFolder) => writePage(model, folder, { programFolder, half: true, examples: [] }),
  ],
]);

interface Measured {
  readonly seconds: number;
  readonly writtenBytes: number;
  readonly peakBytes: number;
}

async function measureHere(name: string, weightsPath: string, programFolder: string): Promise<Measured> {
  const tokens = [...SPECIAL_TOKENS, ...Array.from({ length: 30000 }, (_, at) => `token${at}`)];
  const vocabulary = new WordPieceVocabulary(tokens, 'the benchmark');
  const tokenizer = new WordPieceTokenizer(vocabulary, { lowercase: true, stripAccents: true });
  const path = mkdtempSync(join(tmpdir(), 'entail-bench-'));
  try {
    const beganMs = performance.now();
    const model = await openExportedModel({
      ...{ name: 'bert.base', config: BERT_BASE, labels: ['entailment', 'contradiction', 'neutral'] },
      ...{
        sentencesPerExample: 2,
        maxLen: 128,
        tokenizer: { kind: 'wordpiece', tokenizer, truncation: 'longer-first' },
      },
      weightsPath,
    });
    const folder = new ExportFolder(path);
    await WRITERS.get(name)!(model, folder, programFolder);
    await model.close();
    return {
      seconds: (performance.now() - beganMs) / 1000,
      writtenBytes: folder.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      peakBytes: process.resourceUsage().maxRSS * 1024,
    };
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

function measureInChild(words: readonly string[]): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = fork(import.meta.filename, words);
    child.once('message', (measured) => resolve(measured as Measured));
    child.once('exit', (code) => code !== 0 && reject(new Error(`the child ended with ${code}`)));
  });
}

/** Numbers of about the size that weights have. */
function writeWeights(path: string): void {
  let state = 1;
  const tensors = parameterShapes(BERT_BASE).map(({ name, shape }) => {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    for (let at = 0; at < values.length; at++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      values[at] = (state / 2 ** 32 - 0.5) * 0.1;
    }
    return [name, { dtype: 'F32' as const, shape: [...shape], values }] as const;
  });
  writeFileSync(path, '');
  const chunks = encodeSafetensors(new Map(tensors));
  for (const chunk of chunks) writeFileSync(path, chunk, { flag: 'a' });
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'entail-bench-weights-'));
  try {
    mkdirSync(folder, { recursive: true });
    const programFolder = await buildExportPageIfNeeded(() => {});
    const weightsPath = join(folder, 'weights.safetensors');
    writeWeights(weightsPath);
    const weightsBytes = statSync(weightsPath).size;
    console.log(`weights: ${formatBytes(weightsBytes)}`);
    for (const name of WRITERS.keys()) {
      const { seconds, writtenBytes, peakBytes } = await measureInChild([name, weightsPath, programFolder]);
      const share = (peakBytes / weightsBytes).toFixed(2);
      const memory = `${formatBytes(peakBytes)} in memory at most (${share} times the weights)`;
      console.log(`${name}: ${seconds.toFixed(1)} s, ${formatBytes(writtenBytes)} written, ${memory}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [name, weightsPath, programFolder] = process.argv.slice(2);
if (process.send !== undefined && name !== undefined)
  process.send(await measureHere(name, weightsPath!, programFolder!), () => process.disconnect());
else await main();
