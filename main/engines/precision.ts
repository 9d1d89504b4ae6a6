/** @file Node. Which engine computes matrix products in how many bits here; all do in single precision. */
import type { EngineName, Precision } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import { loadNative } from './native/loader.ts';
import { requirePrecision } from './native.ts';
import { requireTriedSomewhere } from './webgpu/halfPrecision.ts';

const BESIDES_SINGLE: ReadonlyMap<EngineName, Precision> = new Map([
  ['native', 'bf16'],
  ['webgpu', 'fp16'],
]);

/** Whether an engine knows a precision beside single, on whatever machine. */
export const hasPrecision = (engine: EngineName, precision: Precision) =>
  BESIDES_SINGLE.get(engine) === precision;

export interface PrecisionWish {
  readonly precision: Precision;
  /** Knows where half precision has been tried. */
  readonly dataDirectory: string;
  /** To try it: where it has been tried before does not matter. */
  readonly untried?: boolean;
}

/**
 * `native` computes in bfloat16 too, on some processors, and `webgpu` in half precision, on GPUs where that was tried.
 * @throws StudioError USAGE when the engine cannot compute in it here
 */
export function checkPrecision(
  engine: EngineName,
  { precision, dataDirectory, untried = false }: PrecisionWish,
): void {
  if (precision === 'fp32') return;
  const own = BESIDES_SINGLE.get(engine);
  if (own !== precision) throw notOf(engine, precision);
  if (engine === 'native') requirePrecision('bf16', loadNative());
  // Which GPU it will be is known when it is opened.
  else if (!untried) requireTriedSomewhere(dataDirectory);
}

/** What finished weights are used with: the precision of their run where it is to be had, for it is not the weights'. */
export function precisionHere(engine: EngineName, wish: PrecisionWish): Precision {
  try {
    checkPrecision(engine, wish);
    return wish.precision;
  } catch {
    return 'fp32';
  }
}

function notOf(engine: EngineName, precision: Precision): StudioError {
  const own = BESIDES_SINGLE.get(engine);
  const able = own === undefined ? 'single precision only' : `single precision and ${own}`;
  const [fitting] = [...BESIDES_SINGLE].find(([, one]) => one === precision) ?? [];
  return new StudioError('USAGE', `The engine ${engine} computes in ${able}, not in ${precision}.`, {
    nextStep: `Leave --precision out, or use --engine ${fitting}.`,
  });
}
