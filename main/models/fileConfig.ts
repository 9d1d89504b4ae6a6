/** @file Runs anywhere. Checks a network's shape that a file gave, not a person. */
import { StudioError } from '../../shared/errors.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import { checkConfig } from '../model/config.ts';

/** More layers than any BERT has; a list of parameters is made of them before a file is looked at. */
const MAX_LAYERS = 512;

/** @throws StudioError BAD_FILE naming the size that no network can have. */
export function requireConfig(config: ModelConfig, file: string): void {
  const refuse = (why: string): never => {
    throw new StudioError('BAD_FILE', `${file} describes a network that cannot be: ${why}`, {
      nextStep: 'Get the file again from where it came from.',
      place: { file },
    });
  };
  try {
    checkConfig(config);
  } catch (thrown) {
    if (!(thrown instanceof StudioError)) throw thrown;
    refuse(thrown.message);
  }
  if (config.layers > MAX_LAYERS) refuse(`it has ${config.layers} layers, more than ${MAX_LAYERS}.`);
}
