/** @file Tests. What the page of a new run says of a probe: on what it was measured, where the run asks for several devices. */
import { describe, expect, it } from 'vitest';
import { memoryWords, timeWords } from '../../../renderer/format/probe.ts';

const timed = { engine: 'tensorflow', epochSeconds: 90, pairsPerSecond: 1234.5 } as const;

describe('a probe', () => {
  it.each([
    [{ least: 1, most: 1 }, 'measured: '],
    [{ least: 2, most: 2 }, 'measured on one of 2 devices: '],
    [{ least: 1, most: 4 }, 'measured on one of up to 4 devices: '],
  ])('of a run for %j devices says "%s"', (devices, beginning) => {
    expect(timeWords({ ...timed, devices })).toBe(`${beginning}90 s an epoch, 1,235 pairs/s on tensorflow`);
  });

  it('tells the memory of one worker, and that each device has one', () => {
    const freeMemoryBytes = 8e9;
    expect(memoryWords({ devices: { least: 1, most: 1 }, freeMemoryBytes })).toBe('of 8.0 GB free');
    expect(memoryWords({ devices: { least: 2, most: 2 }, freeMemoryBytes })).toBe(
      'of one worker, and each device has one; of 8.0 GB free',
    );
  });
});
