/** @file Runs under Node. What the test of an engine in half precision means for runs on that GPU. */
import type { EngineTestReport, GoldenRow } from '../../shared/engineTest.ts';
import { errorData } from '../../shared/errors.ts';
import { forgetTried, keepTried } from '../engines/webgpu/triedAdapters.ts';

/** A device that was lost or has no memory left throws, and has computed nothing wrong. */
const isWrong = ({ passes, error }: GoldenRow) => !passes && error === null;

/**
 * Where it passes half precision may be used from now on, and where a number is wrong no longer; a test that did not come to its end
 * says nothing. -> why that could not be kept, or null
 */
export function keepHalfPrecision(
  dataDirectory: string,
  { engine, goldens, passes, testedAt }: Pick<EngineTestReport, 'engine' | 'goldens' | 'passes' | 'testedAt'>,
): string | null {
  const { adapter, driver } = engine.pinned;
  if (adapter === undefined || driver === undefined) return null;
  try {
    if (passes) keepTried(dataDirectory, { adapter, driver, testedAt });
    else if (goldens.some(isWrong)) forgetTried(dataDirectory, { adapter, driver });
    return null;
  } catch (thrown) {
    return `What half precision came to could not be kept: ${errorData(thrown).message}`;
  }
}
