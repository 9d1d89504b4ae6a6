/**
 * @file Node. Blocks of curves: lowest, highest, sum and last of each 64, 512 and 4,096 steps, kept in the same
 * transaction as the points. A curve of a million points is drawn from some thousand rows, and no spike is lost.
 * What they say always follows from the points: they can be made again at any time (`rebuildBlocks`).
 */
import type Database from 'better-sqlite3';
import type { MetricPoint } from '../../shared/runs.ts';
import { numbersChecksum } from './rowChecksum.ts';

/** Steps of a block, by level. A block holds the steps [block * size, (block + 1) * size). */
export const BLOCK_STEPS = [64, 512, 4096] as const;
export type BlockLevel = 0 | 1 | 2;
/** Few rows of it tell the length of a curve. */
export const COARSEST: BlockLevel = 2;

export interface BlockRow {
  readonly block: number;
  readonly points: number;
  /** Points that are numbers; the four below are over those, null when there are none. */
  readonly finite: number;
  readonly lowest: number | null;
  readonly highest: number | null;
  readonly total: number | null;
  /** Value of the last point, null when it is not a number. */
  readonly last: number | null;
  readonly last_step: number;
  readonly last_epoch: number;
  readonly last_at_ms: number;
  readonly crc: number;
}

/** A curve: a run's metric, by their numbers. */
export interface CurveKey {
  readonly run: number;
  readonly metric: number;
}

/** A row as an array, in the order of the columns. */
export type BlockCells = [
  ...[block: number, points: number, finite: number],
  ...[lowest: number | null, highest: number | null, total: number | null, last: number | null],
  ...[lastStep: number, lastEpoch: number, lastAtMs: number, crc: number],
];

const COLUMNS =
  'block, points, finite, lowest, highest, total, last, last_step, last_epoch, last_at_ms, crc' as const;
export const SELECT_BLOCKS = `SELECT ${COLUMNS} FROM metric_blocks WHERE run = ? AND metric = ? AND level = ?`;

/** Numbers in a block's checksum: run, metric, level and all columns but the checksum. */
const CHECKED = 13;

export function blockRow(cells: BlockCells): BlockRow {
  const [block, points, finite, lowest, highest, total, last, last_step, last_epoch, last_at_ms, crc] = cells;
  return { block, points, finite, lowest, highest, total, last, last_step, last_epoch, last_at_ms, crc };
}

/** Gives the checksum that a row must have. Make one for a whole loop. */
export function blockChecksum(): (key: CurveKey, level: number, row: Omit<BlockRow, 'crc'>) => number {
  const check = numbersChecksum(CHECKED);
  const number = (value: number | null) => value ?? Number.NaN;
  return ({ run, metric }, level, row) =>
    check([
      run,
      metric,
      level,
      row.block,
      row.points,
      row.finite,
      number(row.lowest),
      number(row.highest),
      number(row.total),
      number(row.last),
      row.last_step,
      row.last_epoch,
      row.last_at_ms,
    ]);
}

type Point = Pick<MetricPoint, 'step' | 'epoch' | 'atMs'> & { readonly value: number | null };

/** Inside a transaction, after the points are stored: takes new points of one curve, in order, into its blocks. */
export function addToBlocks(
  connection: Database.Database,
  key: CurveKey,
  points: readonly MetricPoint[],
): void {
  const keeper = new BlockKeeper(connection, key);
  for (const [level, size] of BLOCK_STEPS.entries()) {
    for (const [block, members] of Map.groupBy(points, ({ step }) => Math.floor(step / size))) {
      const known = keeper.read(level, block);
      // A point at or before the last one may replace another: then the block is made again from its points.
      const appends =
        known !== undefined &&
        members.every(({ step }, at) => step > (members[at - 1]?.step ?? known.last_step));
      const fresh = members.map((point) => ({
        ...point,
        value: Number.isNaN(point.value) ? null : point.value,
      }));
      keeper.write(level, appends ? merged(known, fresh) : keeper.fromPoints(level, block));
    }
  }
}

/** Inside a transaction: makes the blocks of a curve again, from the one that holds `afterStep` on. */
export function rebuildBlocks(connection: Database.Database, key: CurveKey, afterStep: number): void {
  const keeper = new BlockKeeper(connection, key);
  for (const [level, size] of BLOCK_STEPS.entries()) {
    const first = Math.floor(Math.max(0, afterStep) / size);
    connection
      .prepare('DELETE FROM metric_blocks WHERE run = ? AND metric = ? AND level = ? AND block >= ?')
      .run(key.run, key.metric, level, first);
    const starts = connection
      .prepare<[number, number, number], number>(
        // A bound size would be a REAL, and the quotient no block.
        `SELECT DISTINCT step / ${size} FROM metrics WHERE run = ? AND metric = ? AND step >= ?`,
      )
      .pluck()
      .all(key.run, key.metric, first * size);
    for (const block of starts) keeper.write(level, keeper.fromPoints(level, block));
  }
}

class BlockKeeper {
  readonly #key: CurveKey;
  readonly #check = blockChecksum();
  readonly #select: Database.Statement<[number, number, number, number], BlockRow>;
  readonly #points: Database.Statement<[number, number, number, number], Point>;
  readonly #insert: Database.Statement;

  constructor(connection: Database.Database, key: CurveKey) {
    this.#key = key;
    this.#select = connection.prepare(`${SELECT_BLOCKS} AND block = ?`);
    this.#points = connection.prepare(
      'SELECT step, epoch, at_ms AS atMs, value FROM metrics WHERE run = ? AND metric = ? AND step >= ? AND step < ? ORDER BY step',
    );
    this.#insert = connection.prepare(
      `INSERT OR REPLACE INTO metric_blocks (run, metric, level, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  read(level: number, block: number): BlockRow | undefined {
    return this.#select.get(this.#key.run, this.#key.metric, level, block);
  }

  fromPoints(level: number, block: number): Omit<BlockRow, 'crc'> {
    const size = BLOCK_STEPS[level]!;
    const points = this.#points.all(this.#key.run, this.#key.metric, block * size, (block + 1) * size);
    return merged(emptyBlock(block), points);
  }

  write(level: number, row: Omit<BlockRow, 'crc'>): void {
    const { run, metric } = this.#key;
    const { block, points, finite, lowest, highest, total, last, last_step, last_epoch, last_at_ms } = row;
    const crc = this.#check(this.#key, level, row);
    this.#insert.run(
      ...[run, metric, level, block, points, finite, lowest, highest, total, last],
      ...[last_step, last_epoch, last_at_ms, crc],
    );
  }
}

function emptyBlock(block: number): Omit<BlockRow, 'crc'> {
  const figures = { lowest: null, highest: null, total: null, last: null };
  return { block, points: 0, finite: 0, ...figures, last_step: -1, last_epoch: 0, last_at_ms: 0 };
}

/** The block with later points added. */
function merged(block: Omit<BlockRow, 'crc'>, points: readonly Point[]): Omit<BlockRow, 'crc'> {
  let { finite, lowest, highest, total } = block;
  for (const { value } of points) {
    if (value === null) continue;
    finite++;
    lowest = lowest === null ? value : Math.min(lowest, value);
    highest = highest === null ? value : Math.max(highest, value);
    total = (total ?? 0) + value;
  }
  const last = points.at(-1);
  if (last === undefined) return block;
  return {
    block: block.block,
    points: block.points + points.length,
    ...{ finite, lowest, highest, total },
    last: last.value,
    last_step: last.step,
    last_epoch: last.epoch,
    last_at_ms: last.atMs,
  };
}
