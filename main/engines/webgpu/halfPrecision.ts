/** @file Node. Where kernels in half precision may be used: only where they have been run and came out right. */
import { StudioError } from '../../../shared/errors.ts';
import { isSame, triedAdapters } from './triedAdapters.ts';

/** Set to 1 by what tries them on a GPU without a data directory: test/bench/gpu. */
const UNTRIED = 'ENTAIL_WEBGPU_UNTRIED';

const isAllowed = () => process.env[UNTRIED] === '1';

/** Of an adapter, what decides. */
interface Adapter {
  readonly name: string;
  readonly driver: string;
  readonly features: ReadonlySet<string>;
}

/**
 * Before anything is opened: which GPU it will be is not known yet.
 * @throws StudioError USAGE when half precision has been tried on none
 */
export function requireTriedSomewhere(dataDirectory: string): void {
  if (isAllowed() || triedAdapters(dataDirectory).length > 0) return;
  throw untried('any GPU');
}

/** @throws StudioError USAGE when the adapter has no half precision, or it has not been tried there */
export function requireHalfPrecision(adapter: Adapter, dataDirectory: string): void {
  requireShaderF16(adapter);
  if (isAllowed() || isTriedOn(adapter, dataDirectory)) return;
  throw untried(`${adapter.name} with this driver`);
}

/** Whether it came out right there. */
export function isTriedOn(
  { name, driver }: Pick<Adapter, 'name' | 'driver'>,
  dataDirectory: string,
): boolean {
  const here = { adapter: name, driver };
  return triedAdapters(dataDirectory).some((tried) => isSame(tried, here));
}

/** @throws StudioError USAGE when the adapter has no half precision */
export function requireShaderF16({ name, features }: Adapter): void {
  if (features.has('shader-f16')) return;
  throw new StudioError('USAGE', `${name} has no half precision (shader-f16).`, {
    nextStep: 'Leave --precision out: single precision works everywhere.',
  });
}

function untried(where: string): StudioError {
  return new StudioError(
    'USAGE',
    `The engine webgpu does not offer half precision on ${where}: it has not been tried there.`,
    {
      nextStep:
        'Try it: npx --no entail engines test webgpu --precision fp16. Or leave --precision out: single precision works everywhere.',
    },
  );
}
