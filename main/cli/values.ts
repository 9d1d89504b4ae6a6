/** @file Runs anywhere. Words of the command line that are no hyperparameters, checked: numbers, splits, engines. */
import { SPLITS, type Split } from '../../shared/datasets.ts';
import { type DeviceName, isDeviceName } from '../../shared/devices.ts';
import {
  COMPARED_PRECISIONS,
  type ComparedPrecision,
  type EngineName,
  OFFERED_ENGINES,
} from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';

/** @throws StudioError USAGE naming the flag and its range; undefined stays undefined. */
export function wholeNumber(
  flag: string,
  given: string | undefined,
  { low, high }: { low: number; high: number },
): number | undefined {
  if (given === undefined) return undefined;
  const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (value >= low && value <= high) return value;
  throw new StudioError(
    'USAGE',
    `${flag} must be a whole number from ${low} to ${high}; "${given}" is not.`,
    {
      nextStep: `Give a number in that range, such as ${flag} ${low}, or leave ${flag} out.`,
    },
  );
}

export function splitFrom(given: string): Split {
  const split = SPLITS.find((name) => name === given);
  if (split !== undefined) return split;
  throw new StudioError('USAGE', `--split must be ${SPLITS.join(', ')}; "${given}" is not.`, {
    nextStep: 'Name one of them, such as --split dev.',
  });
}

export function engineFrom(given: string | undefined): EngineName | null {
  if (given === undefined) return null;
  const known: readonly EngineName[] = [...OFFERED_ENGINES, 'cpu'];
  const engine = known.find((name) => name === given);
  if (engine !== undefined) return engine;
  throw new StudioError(
    'USAGE',
    `There is no engine called "${given}"; there are ${OFFERED_ENGINES.join(', ')}.`,
    {
      nextStep: 'npx --no entail engines list shows which of them work here.',
    },
  );
}

/** @throws StudioError USAGE for a word that names no device; undefined becomes null. */
export function deviceFrom(given: string | undefined): DeviceName | null {
  if (given === undefined) return null;
  if (isDeviceName(given)) return given;
  throw new StudioError('USAGE', `--device must be such as cpu, cuda:0 or webgpu:1; "${given}" is not.`, {
    nextStep: 'npx --no entail engines doctor shows the GPUs that are there.',
  });
}

/** In what an engine is compared. @throws StudioError USAGE for another word; undefined becomes single precision. */
export function precisionFrom(given: string | undefined): ComparedPrecision {
  const precision = COMPARED_PRECISIONS.find((name) => name === (given ?? 'fp32'));
  if (precision !== undefined) return precision;
  const all = COMPARED_PRECISIONS.join(' or ');
  throw new StudioError('USAGE', `--precision must be ${all}; "${given}" is not.`, {
    nextStep: 'Leave it out for single precision.',
  });
}

/** @throws StudioError USAGE when there is no such engine. */
export function requireEngine(given: string): EngineName {
  return engineFrom(given)!;
}

/** The engines that `engines install` knows. */
export function requireInstallable(given: string): 'tensorflow' {
  if (given === 'tensorflow') return given;
  const known = OFFERED_ENGINES.some((name) => name === given);
  throw new StudioError(
    'USAGE',
    known
      ? `${given} is not installed: it comes with Entail.`
      : `There is no engine called "${given}" to install.`,
    {
      nextStep: 'npx --no entail engines install tensorflow is what can be installed.',
    },
  );
}
