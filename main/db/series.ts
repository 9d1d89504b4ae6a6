/**
 * @file Node. Curves for charts: every point where few are in view, else buckets with lowest and highest, so that no
 * spike is lost. Buckets come from the blocks of metricBlocks.ts, or from the points where a request can afford it.
 */
import { type Axis, cursorOf, RAW_POINTS, type SeriesLine } from '../../shared/contract/series.ts';
import type { MetricName } from '../../shared/runs.ts';
import type { StudioReader } from './connection.ts';
import { keptStatement, read, readTogether } from './connection.ts';
import { keptLine } from './keptLines.ts';
import {
  BLOCK_STEPS,
  type BlockCells,
  type BlockLevel,
  type BlockRow,
  blockChecksum,
  blockRow,
  COARSEST,
  SELECT_BLOCKS,
} from './metricBlocks.ts';
import { metricKeys, tableOf } from './metricKeys.ts';
import { type MetricSeries, metricSeries } from './metrics.ts';
import { mergedPieces, type Piece, pieceOfBlock } from './pieces.ts';
import { numbersChecksum } from './rowChecksum.ts';
import { runKey } from './runKey.ts';
import { altered } from './sqliteErrors.ts';

export interface LineRequest {
  readonly metric: MetricName;
  readonly axis: Axis;
  /** In units of the axis; null is everything. */
  readonly range: { readonly from: number; readonly to: number } | null;
  readonly buckets: number;
  /** Points that may be read for this one line before blocks are taken instead. */
  readonly affordablePoints: number;
}

/** Where there is a block for so many buckets, points would show hardly more, and take ten times as long. */
const FINE_ENOUGH = 2;

/** [step, epoch, atMs, value, crc] */
type PointRow = [number, number, number, number | null, number];

/** Null when nothing was measured. Throws NOT_FOUND, DATABASE_CORRUPT when a figure was altered. */
export function seriesLine(database: StudioReader, runId: string, request: LineRequest): SeriesLine | null {
  return readTogether(database, () => {
    const metric = metricKeys(database).get(request.metric);
    if (metric === undefined) return null;
    const curve: Curve = { database, runId, run: runKey(database, runId), metric, name: request.metric };
    const pieces = tableOf(request.metric) === 'system_metrics' ? systemPieces(curve) : null;
    return pieces === null ? lineFromBlocks(curve, request) : lineFromAll(curve, pieces, request);
  });
}

/** How many points the longest curve of each metric has among some runs. */
export function pointCounts(database: StudioReader, runs: readonly number[]): Map<MetricName, number> {
  const select = database.connection.prepare<[string], { name: MetricName; points: number }>(
    `SELECT name, max(points) AS points FROM (
       SELECT metric, sum(points) AS points FROM metric_blocks
       WHERE run IN (SELECT value FROM json_each(?)) AND level = ${COARSEST} GROUP BY run, metric)
     JOIN metric_names ON metric_names.id = metric GROUP BY name`,
  );
  const rows = read(database, () => select.all(JSON.stringify(runs)));
  return new Map(rows.map(({ name, points }) => [name, points]));
}

interface Curve {
  readonly database: StudioReader;
  readonly runId: string;
  readonly run: number;
  readonly metric: number;
  readonly name: MetricName;
}

/** System metrics are few (one in five seconds) and have no blocks. */
function systemPieces({ database, runId, name }: Curve): Piece[] {
  return piecesOf(metricSeries(database, runId, name));
}

function lineFromAll(curve: Curve, pieces: readonly Piece[], request: LineRequest): SeriesLine | null {
  const [first] = pieces;
  if (first === undefined) return null;
  const place = placeOn(request.axis, first.atMs);
  return lineOf(curve, cut(pieces, place, request.range), { place, whole: pieces, request });
}

function lineFromBlocks(curve: Curve, request: LineRequest): SeriesLine | null {
  const coarse = blocksOf(curve, COARSEST, 0, Number.MAX_SAFE_INTEGER);
  if (coarse.length === 0) return null;
  const question = JSON.stringify([curve.run, curve.metric, request]);
  const stamp = coarse.map(({ crc }) => crc).join();
  return keptLine(curve.database.connection, { question, stamp }, () => finelyMade(curve, coarse, request));
}

function finelyMade(curve: Curve, coarse: readonly BlockRow[], request: LineRequest): SeriesLine {
  const place = placeOn(request.axis, firstAtMs(curve));
  const outlook = { place, whole: coarse.map(pieceOfBlock), request };
  const [blocks, size] = blocksFor(curve, inView(coarse, place, request.range), request);
  const view = inView(blocks, place, request.range);
  const points = view.reduce((sum, block) => sum + block.points, 0);
  const mayReadAll = points <= request.affordablePoints && view.length * FINE_ENOUGH < request.buckets;
  // The blocks at both ends may reach out of the view.
  if (points <= RAW_POINTS + 2 * size || mayReadAll) {
    const raw = cut(pointsOf(curve, ...stepsOf(view, size)), place, request.range);
    if (raw.length <= RAW_POINTS || mayReadAll) return lineOf(curve, raw, outlook);
  }
  // A block that reaches into the view is shown whole: its spike may lie inside.
  return lineOf(curve, view.map(pieceOfBlock), outlook);
}

/** The largest blocks of which there is still one a bucket, else the smallest. With the steps of each. */
function blocksFor(
  curve: Curve,
  coarse: readonly BlockRow[],
  { buckets }: LineRequest,
): [blocks: readonly BlockRow[], steps: number] {
  if (coarse.length >= buckets) return [coarse, BLOCK_STEPS[COARSEST]];
  const points = coarse.reduce((sum, block) => sum + block.points, 0);
  const level = points / BLOCK_STEPS[1] >= buckets ? 1 : 0;
  return [blocksOf(curve, level, ...stepsOf(coarse, BLOCK_STEPS[COARSEST])), BLOCK_STEPS[level]];
}

function cut(
  pieces: readonly Piece[],
  place: Outlook['place'],
  range: LineRequest['range'],
): readonly Piece[] {
  if (range === null) return pieces;
  return pieces.filter((piece) => place(piece) >= range.from && place(piece) <= range.to);
}

interface Outlook {
  readonly place: (piece: Piece) => number;
  /** The whole curve, coarse is enough: for its extent and length. */
  readonly whole: readonly Piece[];
  readonly request: LineRequest;
}

function lineOf(curve: Curve, pieces: readonly Piece[], { place, whole, request }: Outlook): SeriesLine {
  const last = whole.at(-1)!;
  const common = {
    run: curve.runId,
    total: whole.reduce((sum, piece) => sum + piece.points, 0),
    cursor: cursorOf({ metric: curve.name, step: last.step, atMs: last.atMs }),
    xExtent: extentOf(curve, { place, last, request }),
  };
  if (pieces.length <= RAW_POINTS && pieces.every(({ points }) => points === 1)) {
    return { kind: 'raw', ...common, x: pieces.map(place), y: pieces.map((piece) => piece.last) };
  }
  const buckets = mergedPieces(pieces, request.buckets);
  return {
    kind: 'buckets',
    ...common,
    x: buckets.map(place),
    min: buckets.map((piece) => piece.lowest),
    max: buckets.map((piece) => piece.highest),
    mean: buckets.map((piece) => (piece.finite === 0 ? null : piece.total! / piece.finite)),
    last: buckets.map((piece) => piece.last),
    count: buckets.map((piece) => piece.points),
  };
}

function extentOf(
  curve: Curve,
  { place, last, request }: { place: Outlook['place']; last: Piece; request: LineRequest },
): readonly [number, number] {
  const first = request.axis === 'relative' ? 0 : place(firstPiece(curve));
  return [first, place(last)];
}

function placeOn(axis: Axis, firstMs: number): (piece: Piece) => number {
  if (axis === 'step') return (piece) => piece.step;
  if (axis === 'epoch') return (piece) => piece.epoch;
  return axis === 'time' ? (piece) => piece.atMs : (piece) => (piece.atMs - firstMs) / 1000;
}

/** The blocks that reach into the view. A block's x is that of its last point, so it begins after the one before. */
function inView(
  blocks: readonly BlockRow[],
  place: (piece: Piece) => number,
  range: LineRequest['range'],
): readonly BlockRow[] {
  if (range === null) return blocks;
  const ends = blocks.map((block) => place(pieceOfBlock(block)));
  const first = ends.findIndex((end) => end >= range.from);
  const last = ends.findIndex((end) => end >= range.to);
  return first === -1 ? [] : blocks.slice(first, last === -1 ? blocks.length : last + 1);
}

function stepsOf(blocks: readonly BlockRow[], size: number): [number, number] {
  const [first, last] = [blocks[0], blocks.at(-1)];
  return first === undefined ? [0, -1] : [first.block * size, (last!.block + 1) * size - 1];
}

function blocksOf(curve: Curve, level: BlockLevel, fromStep: number, toStep: number): BlockRow[] {
  const { database, run, metric } = curve;
  const size = BLOCK_STEPS[level];
  const select = keptStatement<BlockCells>(
    database.connection,
    `${SELECT_BLOCKS} AND block >= ? AND block <= ? ORDER BY block`,
  );
  const found = select.all(run, metric, level, Math.floor(fromStep / size), Math.floor(toStep / size));
  const check = blockChecksum();
  return found.map((cells) => {
    const row = blockRow(cells);
    if (check({ run, metric }, level, row) === row.crc) return row;
    throw altered(database.path, `a block of ${curve.name} of run ${curve.runId}`);
  });
}

function pointsOf(curve: Curve, fromStep: number, toStep: number): Piece[] {
  const { database, run, metric } = curve;
  const select = keptStatement<PointRow>(
    database.connection,
    'SELECT step, epoch, at_ms, value, crc FROM metrics WHERE run = ? AND metric = ? AND step >= ? AND step <= ? ORDER BY step',
  );
  const check = numbersChecksum(6);
  return select.all(run, metric, fromStep, toStep).map(([step, epoch, atMs, value, crc]) => {
    if (check([run, metric, step, epoch, atMs, value ?? Number.NaN]) !== crc) {
      throw altered(database.path, `${curve.name} of run ${curve.runId} at step ${step}`);
    }
    return pieceOfPoint({ step, epoch, atMs, value });
  });
}

function firstPiece(curve: Curve): Piece {
  const table = tableOf(curve.name);
  const [step, epoch, atMs, value] = keptStatement<[number, number, number, number | null]>(
    curve.database.connection,
    `SELECT step, epoch, at_ms, value FROM ${table} WHERE run = ? AND metric = ? LIMIT 1`,
  ).get(curve.run, curve.metric)!;
  return pieceOfPoint({ step, epoch, atMs, value });
}

function firstAtMs(curve: Curve): number {
  return firstPiece(curve).atMs;
}

function piecesOf({ steps, epochs, values, atMs }: MetricSeries): Piece[] {
  return Array.from(steps, (step, at) => {
    const value = values[at]!;
    return pieceOfPoint({
      step,
      epoch: epochs[at]!,
      atMs: atMs[at]!,
      value: Number.isNaN(value) ? null : value,
    });
  });
}

function pieceOfPoint({
  step,
  epoch,
  atMs,
  value,
}: {
  step: number;
  epoch: number;
  atMs: number;
  value: number | null;
}): Piece {
  const finite = value === null ? 0 : 1;
  return { step, epoch, atMs, points: 1, finite, lowest: value, highest: value, total: value, last: value };
}
