/** @file Runs anywhere. What the readers give: rows of a data set, whatever file they stand in. */
import type { ColumnMapping, Sentence, Split } from '../../../shared/datasets.ts';

/** Why a row is not taken; the report groups by these words. */
export type RejectReason =
  | 'wrong column count'
  | 'missing column'
  | 'not a JSON object'
  | 'unclosed quote'
  | 'unknown label'
  | 'empty label'
  | 'unknown split'
  | 'empty sentence'
  | 'invalid UTF-8'
  | 'line too long'
  | 'truncated last line';

export interface PairRow {
  readonly kind: 'pair';
  /** Name of the file, as in `PairSource.files`. */
  readonly file: string;
  /** Counted from 1, the header included; of a record over several lines the first. */
  readonly line: number;
  /** Null when neither the file's name nor a column tells. */
  readonly split: Split | null;
  readonly premise: Sentence;
  readonly hypothesis: Sentence | null;
  /** Index into `PairSource.labels`. */
  readonly label: number;
  /** What kind of example it is, by each of `PairSource.groups`; "" where nothing says. */
  readonly kinds: readonly string[];
}

export type SourceRow =
  | PairRow
  /** The gold label is `-`: annotators did not agree. */
  | { readonly kind: 'unlabelled'; readonly file: string; readonly line: number }
  | {
      readonly kind: 'rejected';
      readonly file: string;
      readonly line: number;
      readonly reason: RejectReason;
    };

export interface SourceFile {
  readonly name: string;
  readonly split: Split | null;
  /** Bytes of text; unpacked ones for a file in an archive. */
  readonly sizeBytes: number;
}

/** A data set in files that were looked at and can be read. */
export interface PairSource {
  readonly format: ColumnMapping['format'];
  readonly mapping: ColumnMapping;
  /** True when columns were told from the header, and nobody said which they are. */
  readonly mappingGuessed: boolean;
  /** Label names by index; for SNLI in the book's order. */
  readonly labels: readonly string[];
  /** False when they are those of the first rows only (`lookRows`). */
  readonly labelsComplete: boolean;
  /** Names of columns that tell kinds of examples apart, such as HANS's "heuristic". */
  readonly groups: readonly string[];
  /** In the order in which they are read: train, dev, test. */
  readonly files: readonly SourceFile[];
  /** Names of files beside them that look like data and were not taken. */
  readonly ignoredFiles: readonly string[];
  readonly totalBytes: number;
  /** How many of `totalBytes` the latest `rows()` has read. */
  bytesRead(): number;
  /**
   * All rows in file order, in blocks of about a thousand. May be called again.
   * @throws StudioError CANCELLED when the signal is aborted; UNREADABLE, BAD_FILE or CHECKSUM_MISMATCH when the
   * bytes stop coming or are not what the archive promised.
   */
  rows(signal?: AbortSignal): AsyncIterable<readonly SourceRow[]>;
  close(): Promise<void>;
}
