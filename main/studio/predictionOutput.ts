/** @file Runs under Node. Streams predictions to CSV, TSV or JSONL; the file appears whole, or not at all. */
import { existsSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import { delimitedLine } from '../../shared/spreadsheetCell.ts';
import { predictedClass } from '../analysis/mistakes.ts';
import { writeError } from '../files/fileErrors.ts';
import { temporaryName } from '../files/temporaryName.ts';
import type { PredictionFormat, PredictionRow } from './predictionInput.ts';

/** Probabilities are written with this many decimals; they are float32 and have about seven. */
const DECIMALS = 6;

function shortened(probability: number): number {
  return Number(probability.toFixed(DECIMALS));
}

/** Turns rows and their probabilities into text of one format. Pure. */
export class PredictionFormatter {
  readonly #format: PredictionFormat;
  readonly #labels: readonly string[];
  #header: readonly string[] | null = null;

  constructor(format: PredictionFormat, labels: readonly string[]) {
    this.#format = format;
    this.#labels = labels;
  }

  /** `probabilities` is row-major [rows, classes]. The columns of the first row are those of the file. */
  text(rows: readonly PredictionRow[], probabilities: Float32Array): string {
    const classes = this.#labels.length;
    const lines = rows.map((row, index) => {
      const label = this.#labels[predictedClass(probabilities, classes, index)]!;
      return this.#line(
        row,
        label,
        [...probabilities.subarray(index * classes, (index + 1) * classes)].map(shortened),
      );
    });
    return lines.join('');
  }

  #line(row: PredictionRow, label: string, shares: readonly number[]): string {
    if (this.#format === 'jsonl') {
      const named = Object.fromEntries(this.#labels.map((name, index) => [name, shares[index]]));
      return `${JSON.stringify({ ...Object.fromEntries(row.cells), predicted: label, probabilities: named })}\n`;
    }
    const delimiter = this.#format === 'csv' ? ',' : '\t';
    const head = this.#header === null;
    this.#header ??= [...row.cells.keys()];
    const values = this.#header.map((name) => plain(row.cells.get(name)));
    const line = delimitedLine([...values, label, ...shares], delimiter);
    if (!head) return line;
    const names = [...this.#header, 'predicted', ...this.#labels.map((name) => `p(${name})`)];
    return delimitedLine(names, delimiter) + line;
  }
}

function plain(value: unknown): string | number {
  if (typeof value === 'string' || typeof value === 'number') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

/** A file under a temporary name, until it is complete. */
export class PredictionFile {
  readonly #path: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;

  private constructor(path: string, temporary: string, handle: FileHandle) {
    this.#path = path;
    this.#temporary = temporary;
    this.#handle = handle;
  }

  /** @throws StudioError ALREADY_EXISTS unless `force`; what keeps it from being written. */
  static async create(path: string, { force }: { force: boolean }): Promise<PredictionFile> {
    if (!force && existsSync(path)) {
      throw new StudioError('ALREADY_EXISTS', `${path} exists already, and was left as it is.`, {
        nextStep: 'Choose another name, or add --force to replace it.',
        place: { file: path },
      });
    }
    const temporary = join(dirname(path), temporaryName(basename(path)));
    try {
      return new PredictionFile(path, temporary, await open(temporary, 'wx'));
    } catch (thrown) {
      throw writeError(thrown, path);
    }
  }

  async write(text: string): Promise<void> {
    try {
      await this.#handle.writeFile(text);
    } catch (thrown) {
      throw writeError(thrown, this.#path);
    }
  }

  /** Gives the file its name, once its bytes are on the disk. */
  async finish(): Promise<void> {
    try {
      await this.#handle.sync();
      await this.#handle.close();
      await rename(this.#temporary, this.#path);
    } catch (thrown) {
      throw writeError(thrown, this.#path);
    }
  }

  /** Removes what was written; after `finish` it does nothing. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await rm(this.#temporary, { force: true });
  }
}
