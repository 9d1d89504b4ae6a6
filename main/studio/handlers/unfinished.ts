/** @file Runs under Node. UNFINISHED: stands in for handlers until they are written. */
import { StudioError } from '../../../shared/errors.ts';

export function unfinished<Area extends object>(): Area {
  return new Proxy({} as Area, {
    get: () => () => {
      throw new StudioError('NOT_AVAILABLE', 'This is not written yet.');
    },
    has: () => true,
  });
}
