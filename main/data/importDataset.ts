/** @file Runs anywhere under Node. Imports a data set into cache.db: all of it becomes visible at once, or nothing. */
import { resolve } from 'node:path';
import { type Dataset, type ImportReport, SPLITS, type Split } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import { type Cache, lockCache, removeIncomplete } from './cache.ts';
import { SPLIT_NUMBERS, UNDECIDED_SPLIT } from './cacheSchema.ts';
import { ContentHash } from './contentHash.ts';
import { checkDatasetName, findDataset, nameTaken, requireDataset } from './datasets.ts';
import { BlockWriter, blockCount, type PairText, readBlock } from './exampleBlocks.ts';
import { GroupTally, storeGroups } from './exampleGroups.ts';
import type { ImportOptions, ImportProgress } from './importOptions.ts';
import { PairTally, RejectionTally } from './importTally.ts';
import { FirstRows } from './pairTable.ts';
import { openSource } from './readers/open.ts';
import { READER_VERSION } from './readers/readerVersion.ts';
import type { PairRow, PairSource, SourceRow } from './readers/source.ts';
import { dropSpaceReserve, makeSpaceReserve } from './spaceReserve.ts';
import { assignSplits } from './splitting.ts';
import { TooManyBadRows } from './tooManyBadRows.ts';
import { storeWordCounts } from './wordCounts.ts';

export type { ImportOptions, ImportProgress } from './importOptions.ts';

/** More than one row in 20 unreadable, once this many are read, means that the file is not what it is taken for. */
const ROWS_BEFORE_JUDGING = 1000;
const BAD_SHARE = 0.05;
const MADE_SHARES = [0.8, 0.1, 0.1] as const;
const PROGRESS_INTERVAL_MS = 100;

/**
 * Reads a data set from a file, folder or zip and stores it under a name. Nothing of it can be seen before all of
 * it is stored; what an interrupted import leaves is removed by the next opening of the cache.
 * @throws StudioError ALREADY_EXISTS, LOCKED (another process writes to the cache), CANCELLED, TOO_MANY_BAD_ROWS
 *   (a `TooManyBadRows`, with the report), DISK_FULL, and what the readers say of the file.
 */
export async function importDataset(cache: Cache, options: ImportOptions): Promise<Dataset> {
  checkDatasetName(options.name);
  const lock = lockCache(cache, `importing the data set ${JSON.stringify(options.name)}`);
  try {
    if (findDataset(cache, options.name) !== null) throw nameTaken(options.name);
    removeIncomplete(cache);
    makeSpaceReserve(cache.path);
    const source = await openSource(options.path, options);
    try {
      return await new ImportJob(cache, source, options).run();
    } finally {
      source.close();
    }
  } finally {
    dropSpaceReserve(cache.path);
    lock.release();
  }
}

class ImportJob {
  readonly #cache: Cache;
  readonly #source: PairSource;
  readonly #options: ImportOptions;
  readonly #datasetId: number;
  readonly #startedMs = performance.now();
  readonly #writers: readonly BlockWriter[];
  readonly #tally = new PairTally();
  readonly #hash = new ContentHash();
  readonly #rejected = new RejectionTally();
  readonly #undecided: BlockWriter;
  readonly #undecidedLabels: number[] = [];
  readonly #groups: readonly GroupTally[];
  readonly #undecidedGroups: GroupTally;
  readonly #firstRows = new FirstRows();
  #firstUndecided: { file: string; line: number } | null = null;
  #unlabelledRows = 0;
  #rowsRead = 0;
  #madeSplits: ImportReport['madeSplits'] = null;
  #reported: { phase: ImportProgress['phase']; ms: number } | null = null;

  constructor(cache: Cache, source: PairSource, options: ImportOptions) {
    this.#cache = cache;
    this.#source = source;
    this.#options = options;
    this.#datasetId = cache.guard(() =>
      Number(
        cache.database.prepare('INSERT INTO datasets (name) VALUES (?)').run(options.name).lastInsertRowid,
      ),
    );
    this.#writers = SPLITS.map((split) => new BlockWriter(cache, this.#datasetId, SPLIT_NUMBERS[split]));
    this.#undecided = new BlockWriter(cache, this.#datasetId, UNDECIDED_SPLIT);
    this.#groups = SPLITS.map(() => new GroupTally(source.groups));
    this.#undecidedGroups = new GroupTally(source.groups);
  }

  async run(): Promise<Dataset> {
    try {
      for await (const rows of this.#source.rows(this.#options.signal)) {
        this.#throwIfCancelled();
        for (const row of rows) this.#take(row);
        this.#tellProgress('reading');
      }
      this.#throwIfCancelled();
      this.#settleUndecided();
      this.#tellProgress('finishing');
      if (this.#tally.allRows === 0) throw this.#nothingUsable();
      this.#publish();
    } catch (thrown) {
      this.#discard();
      this.#throwIfCancelled();
      throw thrown;
    }
    return requireDataset(this.#cache, this.#options.name);
  }

  #take(row: SourceRow): void {
    this.#rowsRead += 1;
    if (row.kind === 'unlabelled') this.#unlabelledRows += 1;
    else if (row.kind === 'rejected') this.#rejected.add(row.reason, row);
    else this.#place(row);
    if (this.#rowsRead >= ROWS_BEFORE_JUDGING && this.#rejected.count > BAD_SHARE * this.#rowsRead) {
      throw this.#tooManyBad();
    }
  }

  #place(row: PairRow): void {
    const split = row.split ?? this.#options.wholeSplit ?? null;
    if (split === null) this.#putAside(row);
    else this.#accept(split, row, row.kinds);
  }

  #accept(split: Split, pair: PairText, kinds: readonly string[]): void {
    this.#groups[SPLIT_NUMBERS[split]]!.add(kinds);
    this.#tally.add(split, pair);
    this.#hash.add(split, pair);
    this.#writers[SPLIT_NUMBERS[split]]!.add(pair);
  }

  /** A pair of a file without splits waits in the database: half a million of them do not fit in memory. */
  #putAside(row: PairRow): void {
    this.#firstUndecided ??= { file: row.file, line: row.line };
    this.#undecidedLabels.push(row.label);
    this.#undecidedGroups.add(row.kinds);
    this.#firstRows.add(row.premise.tokens, row.hypothesis?.tokens ?? null);
    this.#undecided.add(row);
  }

  /** Makes splits when no row had one; where some had, the others are rejected: nobody said where they belong. */
  #settleUndecided(): void {
    this.#undecided.flush();
    if (this.#firstUndecided === null) return;
    const rows = this.#undecidedLabels.length;
    if (this.#tally.allRows > 0) {
      this.#rejected.add('no split', this.#firstUndecided, rows);
      const drop = 'DELETE FROM example_blocks WHERE dataset_id = ? AND split = ?';
      this.#cache.guard(() => this.#cache.database.prepare(drop).run(this.#datasetId, UNDECIDED_SPLIT));
      return;
    }
    const seed = this.#options.splitSeed ?? 0;
    const firstRows = this.#firstRows.rows;
    const splits = assignSplits(this.#undecidedLabels, { seed, shares: MADE_SHARES, firstRows });
    const remove = this.#cache.guard(() =>
      this.#cache.database.prepare(
        'DELETE FROM example_blocks WHERE dataset_id = ? AND split = ? AND block = ?',
      ),
    );
    let at = 0;
    for (let block = 0; block < blockCount(rows); block++) {
      this.#throwIfCancelled();
      const pairs = readBlock(this.#cache, this.#datasetId, UNDECIDED_SPLIT, block);
      for (const pair of pairs) {
        this.#accept(SPLITS[splits[at]!]!, pair, this.#undecidedGroups.kindsOf(at));
        at += 1;
      }
      this.#cache.guard(() => remove.run(this.#datasetId, UNDECIDED_SPLIT, block));
      this.#tellProgress('splitting');
    }
    this.#madeSplits = { seed, shares: MADE_SHARES };
  }

  /** The last transaction: with it, and not before, the data set exists. */
  #publish(): void {
    for (const writer of this.#writers) writer.flush();
    const contentHash = this.#hash.digest(this.#source.labels);
    const report = this.#report();
    this.#cache.write(() => {
      let sizeBytes = this.#writers.reduce((sum, writer) => sum + writer.sizeBytes, 0);
      for (const split of SPLITS) {
        const counts = this.#tally.wordCounts(split);
        if (counts !== null) sizeBytes += storeWordCounts(this.#cache, this.#datasetId, split, counts);
        const groups = this.#groups[SPLIT_NUMBERS[split]]!.groups();
        sizeBytes += storeGroups(this.#cache, { datasetId: this.#datasetId, split }, groups);
      }
      this.#cache.database
        .prepare(
          `UPDATE datasets SET complete = 1, labels = ?, sentences_per_example = ?, train_rows = ?, dev_rows = ?,
           test_rows = ?, content_hash = ?, source = ?, reader_version = ?, imported_at = ?, size_bytes = ?,
           report = ? WHERE id = ?`,
        )
        .run(
          JSON.stringify(this.#source.labels),
          this.#source.mapping.hypothesis === null ? 1 : 2,
          ...SPLITS.map((split) => this.#tally.rows(split)),
          contentHash,
          this.#options.origin ?? resolve(this.#options.path),
          READER_VERSION,
          new Date().toISOString(),
          sizeBytes,
          JSON.stringify(report),
          this.#datasetId,
        );
    });
  }

  #report(): ImportReport {
    const { ignoredFiles } = this.#source;
    return {
      ...this.#tally.report(this.#source.labels, this.#options.minFrequency ?? 2),
      unlabelledRows: this.#unlabelledRows,
      rejected: this.#rejected.list(),
      mapping: { ...this.#source.mapping, guessed: this.#source.mappingGuessed },
      madeSplits: this.#madeSplits,
      ...(ignoredFiles.length === 0 ? {} : { ignoredFiles }),
      importedInMs: Math.round(performance.now() - this.#startedMs),
    };
  }

  /** Removes what was stored. If that fails too (a full disk), the next opening of the cache does it. */
  #discard(): void {
    try {
      removeIncomplete(this.#cache);
    } catch (thrown) {
      if (!(thrown instanceof StudioError)) throw thrown;
    }
  }

  #throwIfCancelled(): void {
    if (this.#options.signal?.aborted !== true) return;
    throw new StudioError('CANCELLED', 'The import was cancelled; nothing of it is kept.', {
      nextStep: 'Run the same command again to import the data set.',
    });
  }

  #tooManyBad(): TooManyBadRows {
    const message = `${this.#rejected.count} of the first ${this.#rowsRead} rows cannot be read: ${this.#reasons()}.`;
    return new TooManyBadRows(message, this.#report());
  }

  #nothingUsable(): StudioError {
    if (this.#rejected.count > 0) {
      const message = `None of the ${this.#rowsRead} rows can be used: ${this.#reasons()}.`;
      return new TooManyBadRows(message, this.#report());
    }
    const message = `${this.#options.path} holds no labelled rows (${this.#rowsRead} rows read).`;
    return new StudioError('BAD_FILE', message, {
      nextStep: 'Choose a file that has at least one row with a label.',
      place: { file: this.#options.path },
    });
  }

  #reasons(): string {
    const told = this.#rejected.list().slice(0, 3);
    return told
      .map(({ reason, count, first }) => `${reason} (${count}, first in line ${first[0]?.line ?? '?'})`)
      .join(', ');
  }

  #tellProgress(phase: ImportProgress['phase']): void {
    const now = performance.now();
    const last = this.#reported;
    const tooSoon = last !== null && last.phase === phase && now - last.ms < PROGRESS_INTERVAL_MS;
    if (this.#options.onProgress === undefined || tooSoon) return;
    this.#reported = { phase, ms: now };
    const total = this.#source.totalBytes;
    const fraction = total === 0 ? 1 : Math.min(1, this.#source.bytesRead() / total);
    const elapsedSeconds = (now - this.#startedMs) / 1000;
    const etaSeconds = fraction < 0.01 ? null : (elapsedSeconds * (1 - fraction)) / fraction;
    this.#options.onProgress({ phase, rowsRead: this.#rowsRead, fraction, etaSeconds });
  }
}
