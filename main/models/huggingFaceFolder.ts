/**
 * @file Node. Opens a Hugging Face folder (config.json and weights) of the BERT family as the network's own
 * configuration and parameters. Tokenizer files are read elsewhere.
 */
import type { ModelConfig } from '../../shared/runs.ts';
import { type ParameterShape, parameterShapes, SEGMENT_TABLE } from '../model/parameters.ts';
import { requireConfig } from './fileConfig.ts';
import { type Family, type HuggingFaceConfig, readHuggingFaceConfig } from './huggingFace/configFile.ts';
import { type Head, headOf } from './huggingFace/head.ts';
import { type NamesInFile, namesInFile } from './huggingFace/names.ts';
import { openWeightsIn } from './huggingFace/weightFiles.ts';
import type { OpenedWeights } from './importedModel.ts';
import { inOutputOrder } from './labelOrder.ts';
import { takeParameters, type Wanted } from './takeParameters.ts';
import { someNames, type WeightFile } from './weightFile.ts';

export interface HuggingFaceModel extends OpenedWeights {
  readonly family: Family;
  /** null: `output`, and where there was none the hidden layer, begin at random. */
  readonly head: Pick<Head, 'labels'> | null;
}

export interface HuggingFaceChoices {
  /** Classes of a model that has no head of its own. */
  readonly classes: number;
  /** What each output of the head means, in the file's order; null believes the configuration. */
  readonly meanings: readonly string[] | null;
}

/**
 * @throws StudioError NOT_FOUND, UNREADABLE; BAD_FILE for another family, damaged files, or weights that do not fit the
 * configuration; USAGE for meanings that do not fit the head
 */
export async function openHuggingFaceFolder(
  folder: string,
  choices: HuggingFaceChoices,
): Promise<HuggingFaceModel> {
  const config = readHuggingFaceConfig(folder);
  const file = await openWeightsIn(folder);
  try {
    return takeWeights(config, file, choices);
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

function takeWeights(
  config: HuggingFaceConfig,
  file: WeightFile,
  choices: HuggingFaceChoices,
): HuggingFaceModel {
  const head = headOf(config, file, choices.meanings);
  const model: ModelConfig = { ...config.model, classes: head?.classes ?? choices.classes };
  requireConfig(model, config.file);
  const names = namesInFile(config.family, model.layers, (name) => file.tensors.has(name));
  const shapes = parameterShapes(model);
  const fresh = new Set(freshOf(head, names, file));
  const wanted = shapes
    .filter(({ name }) => !fresh.has(name))
    .map((parameter) => wantedOf(parameter, names.byOurs.get(parameter.name)!, { config, head }));
  const taken = takeParameters(file, wanted);
  const used = new Set(wanted.map(({ from }) => from));
  const unused = [...file.tensors.keys()].filter((name) => !used.has(name) && !names.isBuffer(name));
  return {
    ...taken,
    family: config.family,
    model,
    head: head === null ? null : { labels: head.labels },
    fresh: [...fresh],
    unused,
    notes: [...config.notes, ...file.notes, ...notesAbout(unused, config)],
  };
}

/** Without a head its two layers are new; a pooler is kept where there is one, as transformers does. */
function freshOf(head: Head | null, { byOurs }: NamesInFile, file: WeightFile): string[] {
  if (head !== null) return [];
  const hidden = ['hidden.0.weight', 'hidden.0.bias'];
  const isWhole = hidden.every((name) => file.tensors.has(byOurs.get(name)!));
  return [...(isWhole ? [] : hidden), 'output.weight', 'output.bias'];
}

interface Context {
  readonly config: HuggingFaceConfig;
  readonly head: Head | null;
}

function wantedOf(parameter: ParameterShape, from: string, { config, head }: Context): Wanted {
  const { name, shape } = parameter;
  if (name === 'encoder.pos_embedding') return { parameter, from, shape: shape.slice(1) };
  if (name === SEGMENT_TABLE) {
    const [, hidden] = shape as readonly [number, number];
    const inFile = [config.segments, hidden];
    return { parameter, from, shape: inFile, convert: (values) => twoSegments(values, hidden) };
  }
  if (head !== null && name.startsWith('output.'))
    return { parameter, from, convert: (values) => inOutputOrder(values, head.outputs) };
  return { parameter, from };
}

/** A pair has two segments: of more rows the first two are used, and one row serves for both. */
function twoSegments(values: Float32Array, hidden: number): Float32Array {
  if (values.length >= 2 * hidden) return values.subarray(0, 2 * hidden);
  const twice = new Float32Array(2 * hidden);
  twice.set(values);
  twice.set(values, hidden);
  return twice;
}

/** Heads of pretraining and other tasks, and pieces of them. */
const OTHER_HEADS =
  /^(cls|qa_outputs|classifier|pre_classifier|vocab_transform|vocab_layer_norm|vocab_projector)\./;

function notesAbout(unused: readonly string[], { segments }: HuggingFaceConfig): string[] {
  const heads = unused.filter((name) => OTHER_HEADS.test(name));
  const others = unused.filter((name) => !OTHER_HEADS.test(name));
  return [
    ...(segments > 2 ? [`Of its ${segments} segments the first two are used.`] : []),
    ...(heads.length === 0 ? [] : [`Heads for other tasks were left out: ${someNames(heads)}.`]),
    ...(others.length === 0
      ? []
      : [`Tensors that the network does not have were left out: ${someNames(others)}.`]),
  ];
}
