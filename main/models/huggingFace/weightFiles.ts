/** @file Node. Finds and opens the weights of a Hugging Face folder: safetensors or PyTorch, in one file or in shards. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { StudioError } from '../../../shared/errors.ts';
import { openSafetensorsFile } from '../safetensorsFile.ts';
import { openTorchFile } from '../torchArchive.ts';
import { refuserOf, someNames, type TensorOutline, type WeightFile } from '../weightFile.ts';
import { readJsonFile } from './jsonFile.ts';

type Open = (path: string) => Promise<WeightFile>;

/** In the order of preference, which is transformers' own. */
const CANDIDATES: readonly { readonly name: string; readonly open: Open }[] = [
  { name: 'model.safetensors', open: openSafetensorsFile },
  { name: 'model.safetensors.index.json', open: (path) => openShards(path, openSafetensorsFile) },
  { name: 'pytorch_model.bin', open: openTorchFile },
  { name: 'pytorch_model.bin.index.json', open: (path) => openShards(path, openTorchFile) },
];
const OTHER_FRAMEWORKS = ['tf_model.h5', 'flax_model.msgpack', 'model.onnx'];
const MAX_SHARDS = 1_000;
const PLAIN_NAME = /^[\w.-]+$/;

/** @throws StudioError NOT_FOUND when there are none; whatever opening them throws. */
export async function openWeightsIn(folder: string): Promise<WeightFile> {
  const found = CANDIDATES.find(({ name }) => existsSync(join(folder, name)));
  if (found !== undefined) return found.open(join(folder, found.name));
  const other = OTHER_FRAMEWORKS.find((name) => existsSync(join(folder, name)));
  const instead = other === undefined ? '' : `, only ${other}, which is another framework's`;
  throw new StudioError('NOT_FOUND', `${folder} has no model.safetensors or pytorch_model.bin${instead}.`, {
    nextStep: 'Download the whole folder of the model, with its weights.',
    place: { file: folder },
  });
}

/** Names of the files that `openWeightsIn` reads, in the folder; what it would refuse may be among them. */
export function weightFilesIn(folder: string): string[] {
  const name = CANDIDATES.find((candidate) => existsSync(join(folder, candidate.name)))?.name;
  if (name === undefined) return [];
  if (!name.endsWith('.index.json')) return [name];
  const { data } = indexSchema.safeParse(readJsonFile(join(folder, name)));
  return [name, ...new Set(Object.values(data?.weight_map ?? {}))];
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** A shard is a plain name beside its index; every tensor must be where the index says. */
async function openShards(indexPath: string, open: Open): Promise<WeightFile> {
  const refuse = refuserOf(indexPath, 'Get the index and all its shards again from where they came from.');
  const { success, data } = indexSchema.safeParse(readJsonFile(indexPath));
  if (!success) return refuse('it has no weight_map of tensors and files');
  const shardOf = new Map(Object.entries(data.weight_map));
  const names = new Set(shardOf.values());
  if (names.size > MAX_SHARDS) refuse(`it names ${names.size} files, more than ${MAX_SHARDS}`);
  const odd = [...names].find((name) => !PLAIN_NAME.test(name) || name.startsWith('.'));
  if (odd !== undefined) refuse(`it names a file ${someNames([odd])}, which does not lie beside it`);
  const shards = new Map<string, WeightFile>();
  try {
    for (const name of names) shards.set(name, await open(join(indexPath, '..', name)));
    return joined(indexPath, shardOf, shards, refuse);
  } catch (thrown) {
    for (const shard of shards.values()) await shard.close();
    throw thrown;
  }
}

function joined(
  indexPath: string,
  shardOf: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, WeightFile>,
  refuse: (why: string) => never,
): WeightFile {
  const tensors = new Map<string, TensorOutline>();
  for (const [name, shard] of shardOf) {
    const outline = shards.get(shard)!.tensors.get(name);
    tensors.set(name, outline ?? refuse(`${shard} does not hold tensor ${someNames([name])}`));
  }
  return {
    name: indexPath,
    tensors,
    notes: [...shards.values()].flatMap(({ notes }) => notes),
    read: (name) => shards.get(shardOf.get(name)!)!.read(name),
    close: async () => {
      for (const shard of shards.values()) await shard.close();
    },
  };
}
