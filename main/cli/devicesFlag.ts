/** @file Runs anywhere. --devices: what it says, and what it means. */
import { type DevicesWish, devicesWishSchema } from '../../shared/devices.ts';
import { StudioError } from '../../shared/errors.ts';

export const DEVICES_HELP =
  'GPUs by number or devices by name, such as 0,1 or cuda:1 or cpu; all; or free: those that are free when it starts (default: free; of a run in the queue, one that is free)';

/** Undefined when it is not given. Whether the engine has such a device is known later. @throws StudioError USAGE */
export function devicesFrom(given: string | undefined): DevicesWish | undefined {
  if (given === undefined) return undefined;
  const words = given.split(',').map((word) => word.trim().toLowerCase());
  const wish = devicesWishSchema.safeParse(
    words[0] === 'all' || words[0] === 'free' ? given.trim().toLowerCase() : words,
  );
  if (!wish.success)
    throw new StudioError('USAGE', `--devices names devices; "${given}" does not.`, {
      nextStep: 'Such as --devices 0,1 or --devices all; npx --no entail devices shows what there is.',
    });
  return wish.data;
}
