/** @file Runs anywhere. --devices: what it says, and what it means. */
import { Option } from 'commander';
import {
  type DevicesWish,
  devicesWishSchema,
  FREE_DEVICES,
  MOST_DEVICES,
  ONE_DEVICE,
} from '../../shared/devices.ts';
import { StudioError } from '../../shared/errors.ts';

const CHOICES =
  'GPUs by number or devices by name, such as 0,1 or cuda:1 or cpu; all; free: those that are free when it starts; or one: one of these';
export const DEVICES_HELP = `${CHOICES} (default: free; in the queue one)`;
export const RESUME_DEVICES_HELP = `${CHOICES} (default: as many as before)`;

/** Of the commands that make a run or go on with one. */
export const besideProgramsOption = () =>
  new Option(
    '--beside-programs',
    'start beside another program that computes on the GPU, instead of waiting for it; an Entail is always waited for',
  );

const WORDS: ReadonlyMap<string, DevicesWish> = new Map([
  ['all', 'all'],
  ['free', FREE_DEVICES],
  ['one', ONE_DEVICE],
]);

/** Undefined when it is not given. Whether the engine has such a device is known later. @throws StudioError USAGE */
export function devicesFrom(given: string | undefined): DevicesWish | undefined {
  if (given === undefined) return undefined;
  const words = given.split(',').map((word) => word.trim().toLowerCase());
  if (words.length > MOST_DEVICES)
    throw new StudioError('USAGE', `--devices names ${words.length} devices; ${MOST_DEVICES} are the most.`, {
      nextStep: `Name ${MOST_DEVICES} of them; npx --no entail devices shows what there is.`,
    });
  const wish = devicesWishSchema.safeParse(
    words.length === 1 && WORDS.has(words[0]!) ? WORDS.get(words[0]!) : words,
  );
  if (!wish.success)
    throw new StudioError('USAGE', `--devices names devices; "${given}" does not.`, {
      nextStep: 'Such as --devices 0,1 or --devices all; npx --no entail devices shows what there is.',
    });
  return wish.data;
}
