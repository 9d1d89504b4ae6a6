/** @file Node. Predictions: the probabilities of every example of a split, as one block of 32-bit floats. */
import type Database from 'better-sqlite3';
import type { Split } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import type { PredictionBlock } from '../../shared/runs.ts';
import type { StudioReader } from './connection.ts';
import { read } from './connection.ts';
import { rowChecksum } from './rowChecksum.ts';
import { runKey } from './runKey.ts';
import { altered } from './sqliteErrors.ts';

interface PredictionRow {
  readonly step: number;
  readonly classes: number;
  readonly pairs: number;
  readonly crc: number;
  readonly probabilities: Buffer;
}

/**
 * The newest predictions of a run on a split, row-major [pairs, classes] in the order of the examples; null when
 * there are none. Throws NOT_FOUND, DATABASE_CORRUPT when the block is not what was written.
 */
export function predictions(database: StudioReader, runId: string, split: Split): PredictionBlock | null {
  return read(database, () => {
    const run = runKey(database, runId);
    const select = `SELECT step, classes, pairs, crc, probabilities FROM predictions
      WHERE run = ? AND split = ? ORDER BY step DESC LIMIT 1`;
    const row = database.connection.prepare<[number, Split], PredictionRow>(select).get(run, split);
    if (row === undefined) return null;
    const { step, classes, pairs, probabilities } = row;
    if (checksum(run, split, { step, classes, pairs }, probabilities) !== row.crc) {
      throw altered(database.path, `the block of predictions of run ${runId} on ${split}`);
    }
    // A copy, because a Buffer may start anywhere in its memory and floats must start at a multiple of four.
    const floats = new Float32Array(classes * pairs);
    new Uint8Array(floats.buffer).set(probabilities);
    return { split, step, classes, probabilities: floats };
  });
}

/** For which splits a run has predictions, and of which step the newest are. Throws NOT_FOUND. */
export function predictedSplits(
  database: StudioReader,
  runId: string,
): { readonly split: Split; readonly step: number }[] {
  const select = database.connection.prepare<[number], { split: Split; step: number }>(
    'SELECT split, max(step) AS step FROM predictions WHERE run = ? GROUP BY split',
  );
  return read(database, () => select.all(runKey(database, runId)));
}

/** Another text whenever the newest predictions of a run on a split are others; null when there are none. Cheap. */
export function predictionsVersion(database: StudioReader, runId: string, split: Split): string | null {
  const select = database.connection.prepare<[number, Split], { id: number; step: number; crc: number }>(
    'SELECT id, step, crc FROM predictions WHERE run = ? AND split = ? ORDER BY step DESC LIMIT 1',
  );
  const row = read(database, () => select.get(runKey(database, runId), split));
  return row === undefined ? null : `${row.id} ${row.step} ${row.crc}`;
}

/** Inside a transaction: stores a block in place of an earlier one of the same split and step. For files of db/. */
export function insertPredictions(connection: Database.Database, run: number, block: PredictionBlock): void {
  const { split, step, classes, probabilities } = block;
  const pairs = probabilities.length / classes;
  if (!Number.isInteger(pairs))
    throw new StudioError('INTERNAL', `${probabilities.length} probabilities are no rows of ${classes}.`);
  const bytes = Buffer.from(probabilities.buffer, probabilities.byteOffset, probabilities.byteLength);
  const insert = connection.prepare(
    'INSERT OR REPLACE INTO predictions (run, split, step, classes, pairs, crc, probabilities) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  insert.run(run, split, step, classes, pairs, checksum(run, split, { step, classes, pairs }, bytes), bytes);
}

interface BlockShape {
  readonly step: number;
  readonly classes: number;
  readonly pairs: number;
}

function checksum(run: number, split: Split, shape: BlockShape, bytes: Uint8Array): number {
  return rowChecksum([run, shape.step, shape.classes, shape.pairs], [split, bytes]);
}
