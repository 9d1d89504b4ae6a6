/** @file Tests. Folders as transformers saves them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSafetensors } from '../../main/files/safetensors.ts';
import { asNamedTensors, type Shapes } from './numberedTensors.ts';
import { temporaryFolder } from './temporaryFolder.ts';

export {
  BERT,
  BERT_CONFIG,
  BERT_OURS,
  DISTILBERT,
  DISTILBERT_CONFIG,
  DISTILBERT_OURS,
  prefixed,
} from './huggingFaceNames.ts';

/** @param shapes null writes no weights */
export function safetensorsFolder(config: object, shapes: Shapes | null): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  if (shapes !== null)
    writeFileSync(
      join(folder, 'model.safetensors'),
      Buffer.concat(encodeSafetensors(asNamedTensors(shapes))),
    );
  return folder;
}

export function pytorchFolder(config: object, weights: Buffer): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'pytorch_model.bin'), weights);
  return folder;
}
