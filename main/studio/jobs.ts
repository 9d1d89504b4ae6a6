/** @file Runs under Node. Long pieces of work beside training: each with progress, cancel, an end, and its outcome. */
import { randomUUID } from 'node:crypto';
import type { StudioEvent } from '../../shared/contract/events.ts';
import type { Job, JobOutcome } from '../../shared/contract/jobs.ts';
import { errorData, StudioError } from '../../shared/errors.ts';

export interface JobProgress {
  /** 0 to 1, or null while it cannot be told. */
  readonly fraction: number | null;
  readonly note?: string;
  readonly etaSeconds?: number | null;
}

export interface JobLinks {
  /** Aborted when a person cancels, or when the studio ends. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: JobProgress) => void;
  /** Something for the outcome that should be there even if the job fails: a report with what was wrong. */
  readonly onOutcome: (outcome: JobOutcome) => void;
}

export interface JobPlan {
  /** "Import pairs.csv as mine" */
  readonly title: string;
  /** What the outcome is before anything is known. */
  readonly outcome: JobOutcome;
  readonly work: (links: JobLinks) => Promise<JobOutcome>;
}

/** Finished jobs that are kept for pages that come later. */
const KEPT = 100;

interface RunningJob {
  readonly cancel: AbortController;
  readonly done: Promise<void>;
}

export class JobService {
  readonly #publish: (events: readonly StudioEvent[]) => void;
  readonly #jobs = new Map<string, Job>();
  readonly #running = new Map<string, RunningJob>();

  constructor(publish: (events: readonly StudioEvent[]) => void) {
    this.#publish = publish;
  }

  /** Starts work and returns its id at once. */
  start(plan: JobPlan): string {
    const id = randomUUID();
    this.#set({
      ...{ id, title: plan.title, state: 'running', fraction: null, note: '', etaSeconds: null },
      ...{ startedAtMs: Date.now(), error: null, outcome: plan.outcome },
    });
    const cancel = new AbortController();
    this.#running.set(id, { cancel, done: this.#work(id, plan, cancel.signal) });
    return id;
  }

  /** Newest first. */
  list(): Job[] {
    return [...this.#jobs.values()].reverse();
  }

  /** Of a finished job nothing is left to cancel, which is fine. @throws StudioError NOT_FOUND. */
  cancel(id: string): void {
    if (!this.#jobs.has(id)) throw new StudioError('NOT_FOUND', 'There is no such job any more.');
    this.#running.get(id)?.cancel.abort();
  }

  isRunning(kind: JobOutcome['kind']): boolean {
    return [...this.#jobs.values()].some(
      ({ state, outcome }) => state === 'running' && outcome.kind === kind,
    );
  }

  async close(): Promise<void> {
    for (const { cancel } of this.#running.values()) cancel.abort();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #work(id: string, { work }: JobPlan, signal: AbortSignal): Promise<void> {
    // Started after `start` has returned, so that its caller knows the id before the first event.
    await Promise.resolve();
    const links: JobLinks = {
      signal,
      onProgress: ({ fraction, note = '', etaSeconds = null }) =>
        this.#change(id, { fraction, note, etaSeconds }),
      onOutcome: (outcome) => this.#change(id, { outcome }),
    };
    try {
      const outcome = await work(links);
      this.#change(id, { state: 'done', fraction: 1, note: '', etaSeconds: null, outcome });
    } catch (thrown) {
      const error = errorData(thrown);
      const state = signal.aborted || error.code === 'CANCELLED' ? 'cancelled' : 'failed';
      this.#change(id, { state, etaSeconds: null, error: state === 'failed' ? error : null });
    } finally {
      this.#running.delete(id);
      this.#forgetOld();
    }
  }

  #change(id: string, change: Partial<Job>): void {
    const job = this.#jobs.get(id);
    if (job !== undefined) this.#set({ ...job, ...change });
  }

  #set(job: Job): void {
    this.#jobs.set(job.id, job);
    this.#publish([{ kind: 'job', job }]);
  }

  #forgetOld(): void {
    for (const [id, { state }] of this.#jobs) {
      if (this.#jobs.size <= KEPT) return;
      if (state !== 'running') this.#jobs.delete(id);
    }
  }
}
