/**
 * @file Node. The TensorFlow.js format: a graph model, model.json with the graph and the manifest, and shards of weights.
 */
import type { ExportedModel } from '../exportedModel.ts';
import type { ExportFolder } from '../exportFolder.ts';
import { LOGITS_OUTPUT, writeNetwork } from '../network.ts';
import { tokenizerFiles } from '../tokenizerFiles.ts';
import { dimensions } from './graphDef.ts';
import { type GraphWeight, manifestEntry, shardNames, shardPieces, weightBytes } from './graphWeights.ts';
import { TensorflowGraph } from './tensorflowGraph.ts';

export interface TensorflowJsOptions {
  /** Tables and matrices in 16-bit floats, which are widened when they are loaded. */
  readonly half: boolean;
}

interface GraphModelJson {
  readonly signature: object;
  readonly modelTopology: object;
  readonly weightsManifest: readonly {
    readonly paths: readonly string[];
    readonly weights: readonly object[];
  }[];
}

export interface TensorflowJsModel {
  /** What stands in model.json. */
  readonly json: GraphModelJson;
  /** Names of the shards. */
  readonly shards: readonly string[];
  readonly weights: readonly GraphWeight[];
  readonly weightsBytes: number;
}

/** @throws StudioError TOO_LARGE, BAD_FILE, DISK_FULL, WRITE_FAILED, CANCELLED. */
export async function writeTensorflowJs(
  model: ExportedModel,
  folder: ExportFolder,
  options: TensorflowJsOptions,
): Promise<void> {
  await writeGraphModel(folder, graphModel(model, { ...options, diagnostic: false }));
  for (const [name, text] of tokenizerFiles(model)) await folder.writeText(name, text);
  await folder.writeJson('labels.json', model.labels);
}

/** The graph with every layer's rows as outputs, to find where an answer begins to differ. Not to be shipped. */
export async function writeDiagnosticTensorflowJs(
  model: ExportedModel,
  folder: ExportFolder,
  options: TensorflowJsOptions,
): Promise<void> {
  await writeGraphModel(folder, graphModel(model, { ...options, diagnostic: true }));
}

export function graphModel(
  { config, weights }: ExportedModel,
  { half, diagnostic }: TensorflowJsOptions & { readonly diagnostic: boolean },
): TensorflowJsModel {
  const graph = new TensorflowGraph({ config, weights, half });
  writeNetwork(config, graph, { diagnostic });
  const weightsBytes = graph.weights.reduce((sum, weight) => sum + weightBytes(weight), 0);
  const tensor = (name: string, dtype: string, shape: readonly number[]) => {
    return [name, { name: `${name}:0`, dtype, tensorShape: dimensions(shape) }];
  };
  const inputs = graph.inputs.map((name) => tensor(name, 'DT_INT32', [-1, -1]));
  const outputs = graph.outputs.map((name) =>
    tensor(name, 'DT_FLOAT', [-1, name === LOGITS_OUTPUT ? config.classes : config.hidden]),
  );
  const shards = shardNames(weightsBytes);
  return {
    json: {
      ...{ format: 'graph-model', generatedBy: 'Entail', convertedBy: null },
      signature: { inputs: Object.fromEntries(inputs), outputs: Object.fromEntries(outputs) },
      modelTopology: { node: graph.nodes, library: {}, versions: { producer: 1575 } },
      weightsManifest: [{ paths: shards, weights: graph.weights.map(manifestEntry) }],
    },
    shards,
    weights: graph.weights,
    weightsBytes,
  };
}

async function writeGraphModel(folder: ExportFolder, model: TensorflowJsModel): Promise<void> {
  await folder.writeText('model.json', JSON.stringify(model.json));
  const pieces = shardPieces(model.weights);
  let next = await pieces.next();
  for (const [shard, name] of model.shards.entries()) {
    await folder.write(
      name,
      (async function* () {
        for (; next.done !== true && next.value.shard === shard; next = await pieces.next())
          yield next.value.bytes;
      })(),
    );
  }
}
