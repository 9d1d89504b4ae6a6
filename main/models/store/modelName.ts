/** @file Runs anywhere. Names of imported models: each is a folder's name on every system, and never a run's id. */
import { StudioError } from '../../../shared/errors.ts';

const MAX_BYTES = 64;
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** Names that Windows keeps for devices, with any extension. */
const DEVICES = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;
/** What a person may type for a run: "r" and up to five of an id's digits, with letters that look like them. */
const LIKE_A_RUN = /^r[0-9a-z]{0,5}$/i;

/** @throws StudioError USAGE saying which rule the name breaks. */
export function requireModelName(name: string): void {
  const why = faultOf(name);
  if (why === null) return;
  const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
  throw new StudioError('USAGE', `A model cannot be called ${shown}: ${why}.`, {
    nextStep: 'Use letters, digits, "-", "_" and "." as in minilm-6x384.',
  });
}

/** Whether a name keeps all rules. */
export const isModelName = (name: string): boolean => faultOf(name) === null;

function faultOf(name: string): string | null {
  if (name === '') return 'the name is empty';
  if (Buffer.byteLength(name) > MAX_BYTES) return `it is longer than ${MAX_BYTES} bytes`;
  if (!PLAIN.test(name))
    return 'it must begin with a letter or digit and hold only letters, digits, "-", "_" and "."';
  if (name.endsWith('.')) return 'it ends with a dot';
  if (DEVICES.test(name)) return 'Windows keeps that name for a device';
  if (name.includes('.tmp-')) return '".tmp-" marks what is being written';
  if (LIKE_A_RUN.test(name)) return 'it could be the id of a run';
  return null;
}

/** A name that keeps the rules, from a path or address: "all-MiniLM-L6-v2" of "/models/all-MiniLM-L6-v2/". */
export function suggestedModelName(source: string, isTaken: (name: string) => boolean): string {
  const last =
    source
      .split(/[\\/]/)
      .filter((part) => part !== '')
      .at(-1) ?? '';
  const plain = last
    .replace(/(\.torch)?\.zip$/i, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, MAX_BYTES - 4)
    .replace(/[.-]+$/, '');
  const base = isModelName(plain) ? plain : `model-${plain}`.slice(0, MAX_BYTES - 4).replace(/[.-]+$/, '');
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base}-${number}`;
    if (!isTaken(name)) return name;
  }
}
