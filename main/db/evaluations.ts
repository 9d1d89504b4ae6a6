/** @file Node. Evaluations: what a run's weights were worth on a split after some step. */
import type Database from 'better-sqlite3';
import type { Split } from '../../shared/datasets.ts';
import type { EvaluationRecord } from '../../shared/runs.ts';
import type { StudioReader } from './connection.ts';
import { read } from './connection.ts';
import { rowChecksum } from './rowChecksum.ts';
import { runKey } from './runKey.ts';
import { altered } from './sqliteErrors.ts';

interface EvaluationRow {
  readonly split: Split;
  readonly step: number;
  readonly epoch: number;
  readonly loss: number | null;
  readonly accuracy: number | null;
  readonly macro_f1: number | null;
  readonly pairs: number;
  readonly pairs_per_second: number | null;
  readonly confusion: string;
  readonly per_class: string;
  readonly crc: number;
}

const SELECT = `SELECT split, step, epoch, loss, accuracy, macro_f1, pairs, pairs_per_second, confusion, per_class, crc
  FROM evaluations WHERE run = ?`;

/** All evaluations of a run by step. Throws NOT_FOUND, DATABASE_CORRUPT when one is not what was written. */
export function listEvaluations(database: StudioReader, runId: string): EvaluationRecord[] {
  return read(database, () => {
    const run = runKey(database, runId);
    const rows = database.connection
      .prepare<[number], EvaluationRow>(`${SELECT} ORDER BY step, split`)
      .all(run);
    return rows.map((row) => record(row, run, database.path));
  });
}

/** The newest evaluation of a split, or null. Throws as `listEvaluations`. */
export function latestEvaluation(
  database: StudioReader,
  runId: string,
  split: Split,
): EvaluationRecord | null {
  return read(database, () => {
    const run = runKey(database, runId);
    const select = `${SELECT} AND split = ? ORDER BY step DESC LIMIT 1`;
    const row = database.connection.prepare<[number, Split], EvaluationRow>(select).get(run, split);
    return row === undefined ? null : record(row, run, database.path);
  });
}

/** Inside a transaction: stores an evaluation in place of an earlier one of the same split and step. For db/. */
export function insertEvaluation(
  connection: Database.Database,
  run: number,
  evaluation: EvaluationRecord,
): void {
  const { split, step, epoch, loss, accuracy, macroF1, pairs, pairsPerSecond } = evaluation;
  const confusion = JSON.stringify(evaluation.confusion);
  const perClass = JSON.stringify(evaluation.perClass);
  const crc = rowChecksum(
    [run, step, epoch, loss, accuracy, macroF1, pairs, pairsPerSecond],
    [split, confusion, perClass],
  );
  const insert = connection.prepare(
    `INSERT OR REPLACE INTO evaluations
       (run, split, step, epoch, loss, accuracy, macro_f1, pairs, pairs_per_second, confusion, per_class, crc)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  insert.run(
    run,
    split,
    step,
    epoch,
    orNull(loss),
    orNull(accuracy),
    orNull(macroF1),
    pairs,
    orNull(pairsPerSecond),
    confusion,
    perClass,
    crc,
  );
}

function record(row: EvaluationRow, run: number, path: string): EvaluationRecord {
  const { split, step, epoch, pairs } = row;
  const figures = {
    loss: orNaN(row.loss),
    accuracy: orNaN(row.accuracy),
    macroF1: orNaN(row.macro_f1),
    pairsPerSecond: orNaN(row.pairs_per_second),
  };
  const numbers = [
    run,
    step,
    epoch,
    figures.loss,
    figures.accuracy,
    figures.macroF1,
    pairs,
    figures.pairsPerSecond,
  ];
  if (rowChecksum(numbers, [split, row.confusion, row.per_class]) !== row.crc) {
    throw altered(path, `the evaluation on ${split} at step ${step}`);
  }
  return {
    split,
    step,
    epoch,
    pairs,
    ...figures,
    confusion: JSON.parse(row.confusion) as number[][],
    perClass: JSON.parse(row.per_class) as EvaluationRecord['perClass'],
  };
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

function orNaN(value: number | null): number {
  return value ?? Number.NaN;
}
