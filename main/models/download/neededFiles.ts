/** @file Runs anywhere. Which files of a repository make a model: configuration, one form of its weights, its tokenizer. */
import { StudioError } from '../../../shared/errors.ts';
import type { HubFile, HubRepository } from '../../hub/hubRepository.ts';

export interface NeededFiles {
  readonly configuration: HubFile;
  /** Small ones: tokenizer, card, licence. */
  readonly besides: readonly HubFile[];
  /** One file, or an index and its shards. */
  readonly weights: readonly HubFile[];
}

/** In the order of preference of whoever reads them. */
const WEIGHTS: readonly { readonly name: string; readonly shards: RegExp | null }[] = [
  { name: 'model.safetensors', shards: null },
  { name: 'model.safetensors.index.json', shards: /^model-\d{5}-of-\d{5}\.safetensors$/ },
  { name: 'pytorch_model.bin', shards: null },
  { name: 'pytorch_model.bin.index.json', shards: /^pytorch_model-\d{5}-of-\d{5}\.bin$/ },
];
const BESIDES: ReadonlySet<string> = new Set([
  ...['vocab.txt', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json'],
  ...['README.md', 'LICENSE', 'LICENSE.txt'],
]);
/** A vocabulary with a million entries is smaller. */
const MOST_BESIDES_BYTES = 64 << 20;

/** @throws StudioError NOT_FOUND when the repository holds no model that can be read, saying what it holds. */
export function neededFiles({ name, files }: HubRepository): NeededFiles {
  const byName = new Map(files.map((file) => [file.path, file]));
  const configuration = byName.get('config.json');
  if (configuration === undefined) throw lacking(name, 'config.json', files);
  const form = WEIGHTS.find(({ name: wanted }) => byName.has(wanted));
  if (form === undefined) throw lacking(name, 'model.safetensors and no pytorch_model.bin', files);
  const shards = files.filter(({ path }) => form.shards?.test(path) === true);
  return {
    configuration,
    besides: files.filter(({ path, sizeBytes }) => BESIDES.has(path) && sizeBytes <= MOST_BESIDES_BYTES),
    weights: [byName.get(form.name)!, ...shards],
  };
}

function lacking(name: string, what: string, files: readonly HubFile[]): StudioError {
  const seen = files.slice(0, 8).map(({ path }) => path);
  const has = `${seen.join(', ')}${files.length > seen.length ? ', …' : ''}`;
  return new StudioError('NOT_FOUND', `hf:${name} has no ${what} (it has: ${has || 'nothing'}).`, {
    nextStep: 'Name a BERT, MiniLM or DistilBERT with weights for PyTorch.',
  });
}
