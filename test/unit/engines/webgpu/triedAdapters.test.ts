/** @file Tests. Half precision is used on the adapter where it passed, with the driver of that day, and nowhere else. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkPrecision, precisionHere } from '../../../../main/engines/precision.ts';
import { openEngine } from '../../../../main/engines/registry.ts';
import {
  requireHalfPrecision,
  requireTriedSomewhere,
} from '../../../../main/engines/webgpu/halfPrecision.ts';
import { forgetTried, keepTried, triedAdapters } from '../../../../main/engines/webgpu/triedAdapters.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { setVariable } from '../../../support/fakePrograms.ts';
import { studioErrorOf, studioRejectionOf } from '../../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';

const TESTED_AT = '2026-11-28T12:00:00.000Z';
const CARD = { adapter: 'NVIDIA H200', driver: 'driver 570.1' };
const features = new Set(['shader-f16']);
const fileIn = (dataDirectory: string) => join(dataDirectory, 'engines', 'webgpu', 'half-precision.json');
const here = (more: Partial<{ name: string; driver: string }> = {}) => ({
  ...{ name: CARD.adapter, driver: CARD.driver, features },
  ...more,
});

let dataDirectory: string;
beforeEach(() => {
  setVariable('ENTAIL_WEBGPU_UNTRIED', '');
  dataDirectory = temporaryFolder();
});

describe('half precision on webgpu', () => {
  it('is refused until it was tried, and the refusal says how', () => {
    const error = studioErrorOf(() => requireTriedSomewhere(dataDirectory));
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('on any GPU') });
    expect(error.nextStep).toContain('engines test webgpu --precision fp16');
    expect(precisionHere('webgpu', { precision: 'fp16', dataDirectory })).toBe('fp32');
    checkPrecision('webgpu', { precision: 'fp16', dataDirectory, untried: true });
  });

  it('may be used where it passed', () => {
    keepTried(dataDirectory, { ...CARD, testedAt: TESTED_AT });
    requireTriedSomewhere(dataDirectory);
    requireHalfPrecision(here(), dataDirectory);
    expect(precisionHere('webgpu', { precision: 'fp16', dataDirectory })).toBe('fp16');
  });

  it.each([
    ['with another driver', { driver: 'driver 580.9' }],
    ['on another GPU', { name: 'Intel Arc B580' }],
  ])('is refused %s', (_, more) => {
    keepTried(dataDirectory, { ...CARD, testedAt: TESTED_AT });
    const error = studioErrorOf(() => requireHalfPrecision(here(more), dataDirectory));
    expect(error.code).toBe('USAGE');
    expect(error.message).toContain('with this driver');
  });

  it('is refused where there is none, tried or not', () => {
    keepTried(dataDirectory, { ...CARD, testedAt: TESTED_AT });
    const without = { ...here(), features: new Set<string>() };
    const error = studioErrorOf(() => requireHalfPrecision(without, dataDirectory));
    expect(error.message).toContain('no half precision (shader-f16)');
  });

  it('is to be tried again when its programs have changed', () => {
    keepTried(dataDirectory, { ...CARD, testedAt: TESTED_AT });
    const path = fileIn(dataDirectory);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"kernels": \d+/, '"kernels": 0'));
    expect(triedAdapters(dataDirectory)).toEqual([]);
    keepTried(dataDirectory, { ...CARD, testedAt: TESTED_AT });
    expect(triedAdapters(dataDirectory)).toMatchObject([CARD]);
  });
});

it('finished weights are used in single precision where half is not to be had', async ({ skip }) => {
  engineForTests('webgpu', skip);
  keepTried(dataDirectory, { ...CARD, testedAt: TESTED_AT });
  const wish = { dataDirectory, precision: 'fp16' } as const;
  const error = await studioRejectionOf(openEngine('webgpu', wish));
  expect(error.code).toBe('USAGE');
  const { record, notice } = await openEngine('webgpu', { ...wish, orSingle: true });
  expect(record.pinned).toMatchObject({ precision: 'fp32' });
  expect(notice).toContain('trained in fp16, which is not to be had here');
});

describe('what is kept', () => {
  it('goes when a later test finds a number that is wrong', () => {
    const other = { adapter: 'AMD Radeon', driver: 'radv 25.0' };
    for (const one of [CARD, other]) keepTried(dataDirectory, { ...one, testedAt: TESTED_AT });
    forgetTried(dataDirectory, CARD);
    expect(triedAdapters(dataDirectory)).toMatchObject([other]);
    forgetTried(dataDirectory, CARD);
    expect(triedAdapters(dataDirectory)).toHaveLength(1);
  });

  it('has each adapter once, with the newest test', () => {
    const other = { adapter: 'AMD Radeon', driver: 'radv 25.0' };
    keepTried(dataDirectory, { ...CARD, testedAt: TESTED_AT });
    keepTried(dataDirectory, { ...other, testedAt: TESTED_AT });
    keepTried(dataDirectory, { ...CARD, testedAt: '2026-11-29T12:00:00.000Z' });
    expect(triedAdapters(dataDirectory)).toMatchObject([
      other,
      { ...CARD, testedAt: '2026-11-29T12:00:00.000Z' },
    ]);
  });

  it.each(['', '{"format": 1', '{"format": 2, "tried": []}', '[]'])('%j is no word for any', (text) => {
    const path = fileIn(dataDirectory);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    expect(triedAdapters(dataDirectory)).toEqual([]);
    keepTried(dataDirectory, { ...CARD, testedAt: TESTED_AT });
    expect(triedAdapters(dataDirectory)).toMatchObject([CARD]);
  });
});
