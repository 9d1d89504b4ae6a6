/** @file Runs under Node. The flags of `train`, made from the table of hyperparameters, and their parsing. */
import { type Command, Option } from 'commander';
import { StudioError } from '../../shared/errors.ts';
import {
  HYPERPARAMETERS,
  type HyperparameterField,
  type HyperparameterName,
  type Hyperparameters,
  hyperparametersSchema,
} from '../../shared/hyperparameters.ts';

const GROUP_TITLES: Readonly<Record<HyperparameterField['group'], string>> = {
  data: 'Data:',
  model: 'Model:',
  optimisation: 'Optimisation:',
  regularisation: 'Regularisation:',
  evaluation: 'Evaluation:',
  machine: 'Machine:',
};

const GROUP_ORDER = Object.keys(GROUP_TITLES) as HyperparameterField['group'][];
/** Within the range of every hyperparameter that takes more than whole numbers. */
const A_FRACTION = 0.5;
const SIZES_OF_FREE: readonly HyperparameterName[] = ['layers', 'hidden', 'heads', 'feedForward'];

/** maxLen -> max-len */
export function flagName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** "Times … gone through. (1 to 1000; default 5; book 5)"; a flag without a value is off when it is left out. */
function guideText({ help, range, unit, default: byDefault, book }: HyperparameterField): string {
  if (typeof byDefault === 'boolean')
    return `${help} (off when left out${book === undefined ? '' : ', as the book'})`;
  const facts = [
    range + (unit === undefined || range.includes(unit) ? '' : ` ${unit}`),
    `default ${String(byDefault)}`,
  ];
  if (book !== undefined) facts.push(`book ${book}`);
  return `${help} (${facts.join('; ')})`;
}

/** N is a whole number, X any. */
function placeholder({ name, default: byDefault }: HyperparameterField): string {
  if (typeof byDefault !== 'number') return 'WORD';
  return hyperparametersSchema.shape[name].safeParse(A_FRACTION).success ? 'X' : 'N';
}

/** Adds one flag a hyperparameter of a table, grouped as the table groups them. */
export function addHyperparameterFlags(
  command: Command,
  fields: readonly HyperparameterField[] = HYPERPARAMETERS,
): Command {
  for (const group of GROUP_ORDER) {
    for (const field of fields.filter((candidate) => candidate.group === group)) {
      const flag = `--${flagName(field.name)}`;
      const flags = typeof field.default === 'boolean' ? flag : `${flag} <${placeholder(field)}>`;
      command.addOption(new Option(flags, guideText(field)).helpGroup(GROUP_TITLES[group]));
    }
  }
  return command;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function refuse(field: HyperparameterField, given: string): StudioError {
  return new StudioError('USAGE', `--${flagName(field.name)} must be ${field.range}; "${given}" is not.`, {
    nextStep: 'npx --no entail train --help lists every flag with its range.',
  });
}

/** One flag's words as the schema's type, or as they are when they cannot be it: the schema then refuses them. */
function typedValue(field: HyperparameterField, given: string): unknown {
  if (field.name === 'classWeights') return given.includes(',') ? given.split(',').map(numberOf) : given;
  return typeof field.default === 'number' ? numberOf(given) : given;
}

function numberOf(given: string): number | string {
  return NUMBER.test(given.trim()) ? Number(given) : given;
}

/**
 * The hyperparameters that were given on the command line, each within its range; the rest is the caller's `base`.
 * @throws StudioError USAGE naming the flag and its range.
 */
export function hyperparametersFrom(
  options: Readonly<Record<string, unknown>>,
  base: Partial<Hyperparameters> = {},
): Hyperparameters {
  const given = new Map<HyperparameterName, unknown>();
  for (const field of HYPERPARAMETERS) {
    const words = Object.hasOwn(options, field.name) ? options[field.name] : undefined;
    if (words === undefined) continue;
    const value = typeof words === 'string' ? typedValue(field, words) : words;
    const parsed = hyperparametersSchema.shape[field.name].safeParse(value);
    if (!parsed.success) throw refuse(field, String(words));
    given.set(field.name, parsed.data);
  }
  const all = hyperparametersSchema.parse({ ...base, ...Object.fromEntries(given) });
  refuseContradictions(all, given);
  return all;
}

/** Of a run that goes on; undefined when it is not given. @throws StudioError USAGE */
export function microBatchTokensFrom(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const field = HYPERPARAMETERS.find(({ name }) => name === 'microBatchTokens')!;
  const parsed = hyperparametersSchema.shape.microBatchTokens.safeParse(typedValue(field, given));
  if (!parsed.success) throw refuse(field, given);
  return parsed.data;
}

function refuseContradictions(all: Hyperparameters, given: ReadonlyMap<HyperparameterName, unknown>): void {
  const sized = SIZES_OF_FREE.find((name) => given.has(name));
  if (sized !== undefined && all.size !== 'free') {
    throw new StudioError(
      'USAGE',
      `--${flagName(sized)} counts only with --size free; the size is ${all.size}.`,
      {
        nextStep: `Add --size free, or leave --${flagName(sized)} out.`,
      },
    );
  }
  if (all.size === 'free' && all.hidden % all.heads !== 0) {
    throw new StudioError('USAGE', `--hidden ${all.hidden} is not a multiple of --heads ${all.heads}.`, {
      nextStep: `Every head takes the same share of the width: try --hidden ${Math.ceil(all.hidden / all.heads) * all.heads}.`,
    });
  }
  if (all.weightDecay > 0 && all.optimizer !== 'adamw') {
    throw new StudioError('USAGE', '--weight-decay counts only with --optimizer adamw.', {
      nextStep: 'Add --optimizer adamw, or leave --weight-decay out.',
    });
  }
}
