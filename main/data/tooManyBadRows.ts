/** @file Runs anywhere. The error of an import that was given up, with what had been read until then. */
import type { ImportReport } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';

/** TOO_MANY_BAD_ROWS, with what had been read until then. */
export class TooManyBadRows extends StudioError {
  readonly report: ImportReport;

  constructor(message: string, report: ImportReport) {
    const place = report.rejected[0]?.first[0];
    super('TOO_MANY_BAD_ROWS', message, {
      nextStep:
        'Look at these lines, or say how the columns and labels are to be read (--mapping, --format).',
      ...(place === undefined ? {} : { place }),
    });
    this.report = report;
  }
}
