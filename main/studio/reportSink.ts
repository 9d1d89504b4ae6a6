/** @file Runs under Node. Between worker and database: stores reports, and shows them once they are on the disk. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, StudioError } from '../../shared/errors.ts';
import type { WorkerReport } from '../../shared/runs.ts';
import type { StudioDatabase } from '../db/connection.ts';
import { appendReports } from '../db/reports.ts';

/** Storing may work again later: training goes on meanwhile, and the reports wait. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['DISK_FULL', 'DATABASE_BUSY', 'WRITE_FAILED']);

const RETRY_MS = 1000;

export class ReportSink {
  readonly runId: string;
  readonly #store: StudioDatabase;
  readonly #show: (reports: readonly WorkerReport[]) => void;
  readonly #onTrouble: (trouble: StudioError | null) => void;
  #waiting: WorkerReport[] = [];
  #told = false;
  #fatal: unknown = null;

  /** `onTrouble` hears when reports cannot be stored, and (null) when they can be again. */
  constructor(
    store: StudioDatabase,
    runId: string,
    show: (reports: readonly WorkerReport[]) => void,
    onTrouble: (trouble: StudioError | null) => void = () => {},
  ) {
    this.#store = store;
    this.runId = runId;
    this.#show = show;
    this.#onTrouble = onTrouble;
  }

  /** Stores and then shows. @returns false when nothing can ever be stored again and training makes no sense. */
  take(reports: readonly WorkerReport[]): boolean {
    this.#waiting.push(...reports);
    return this.attempt(() => this.#flush());
  }

  /** Runs `work`; a passing failure is told once and forgiven. @returns false after any other failure. */
  attempt(work: () => void): boolean {
    if (this.#fatal !== null) return false;
    try {
      work();
      if (this.#told && this.#waiting.length === 0) {
        this.#told = false;
        this.#onTrouble(null);
      }
    } catch (thrown) {
      if (!(thrown instanceof StudioError && PASSING.has(thrown.code))) this.#fatal = thrown;
      else if (!this.#told) this.#tell(thrown);
    }
    return this.#fatal === null;
  }

  /** As `finish`, but waits for room on the disk until somebody gives up. */
  async finishPatiently(isGivenUp: () => boolean): Promise<void> {
    while (this.#waiting.length > 0 && !isGivenUp() && this.take([]) && this.#waiting.length > 0)
      await sleep(RETRY_MS);
    this.finish();
  }

  /** Stores what still waits. @throws what keeps it from being stored. */
  finish(): void {
    if (this.#fatal !== null) throw this.#fatal;
    this.#flush();
  }

  #flush(): void {
    const reports = this.#waiting;
    appendReports(this.#store, this.runId, reports);
    this.#waiting = [];
    this.#show(reports);
  }

  #tell(error: StudioError): void {
    this.#told = true;
    const text = `Metrics cannot be stored at the moment and wait in memory; training goes on. ${error.message}`;
    this.#show([{ kind: 'log', level: 'warning', text }]);
    this.#onTrouble(error);
  }
}
