/** @file Runs anywhere. What an import is told, and what it tells while it goes on. */
import type { ColumnMapping, Split } from '../../shared/datasets.ts';
import type { ClassNames } from './readers/classNames.ts';

export interface ImportProgress {
  readonly phase: 'reading' | 'splitting' | 'finishing';
  readonly rowsRead: number;
  /** 0 to 1, by bytes of the source. */
  readonly fraction: number;
  /** Null until it can be told. */
  readonly etaSeconds: number | null;
}

export interface ImportOptions {
  readonly path: string;
  readonly name: string;
  readonly mapping?: Partial<ColumnMapping>;
  readonly format?: ColumnMapping['format'];
  /** What whole-number labels mean, from a card; a file's own names count more. */
  readonly classNames?: ClassNames;
  /** Where the file came from, when that says more than its path: "hf:OWNER/NAME@COMMIT". */
  readonly origin?: string;
  /** The split that a file without splits is, whole: for data that only evaluates. Unless told, splits are made. */
  readonly wholeSplit?: Split;
  /** Decides the splits of a file that has none; 0 unless told. */
  readonly splitSeed?: number;
  /** For the report's share of unknown tokens; 2 unless told. */
  readonly minFrequency?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ImportProgress) => void;
}
