/**
 * @file Runs in the supervisor's process. The workers of a run, one a device: started together, ended together. The first, the
 * leader, speaks for all. When one of them fails, so does the run, for the reason of that one.
 */
import { type DeviceName, MOST_DEVICES } from '../../../shared/devices.ts';
import { type ErrorCode, errorFromData, StudioError } from '../../../shared/errors.ts';
import type { WorkerReport } from '../../../shared/runs.ts';
import type { CrewPlace, Followed, HandOver, TrainingJob, TrainingOrder } from '../jobs.ts';
import { type Limits, SupervisedChild } from '../supervisedChild.ts';
import { makeExchangeFolder, removeExchangeFolder } from './exchangeFolder.ts';
import { mappedBytes } from './mappedExchange.ts';

type Message = WorkerReport | HandOver | Followed;
type Worker = SupervisedChild<TrainingOrder, Message>;

export interface CrewOptions {
  /** Path of the entry "training". */
  readonly entry: string;
  /** Of each device of the job, what its worker needs to find when it starts. */
  readonly environments: readonly Readonly<Record<string, string>>[];
  readonly job: TrainingJob;
  /** How the workers exchange gradients, where it is not left to them. */
  readonly exchange?: CrewPlace['exchange'];
  readonly limits?: Partial<Limits>;
  /** What the leader says, but for `failed`; and what the others log. */
  readonly onMessage: (message: WorkerReport | HandOver) => void;
  /** All of them are gone; `error` says why unless the leader has said that it is done. */
  readonly onEnd: (error: StudioError) => void;
}

/** How long those who only know that another one is gone are given to be the second to tell. */
const GRACE_MS = 2000;
/** A worker that was told that all is done ends by itself. */
const LAST_WORDS_MS = 5000;
/** Failures that happen on a device, whatever the run is. */
const OF_DEVICES: ReadonlySet<ErrorCode> = new Set([
  ...([
    'WORKER_CRASHED',
    'WORKER_HUNG',
    'OUT_OF_MEMORY',
    'DEVICE_LOST',
    'ENGINE_FAILED',
    'ENGINE_MISSING',
  ] as const),
]);

export class SupervisedCrew {
  readonly #options: CrewOptions;
  readonly #folder: string | null;
  readonly #workers: readonly Worker[];
  /** By rank; the first one of each. */
  readonly #failures = new Map<number, StudioError>();
  /** Ranks that have said that they are done. */
  readonly #done = new Set<number>();
  #alive: number;
  #timer: NodeJS.Timeout | null = null;
  /** Those that still live are being ended for another one's failure. */
  #ending = false;

  /** @throws StudioError WRITE_FAILED where workers have no place to find each other, USAGE for too many of them */
  constructor(options: CrewOptions) {
    const { devices } = options.job;
    if (devices.length > MOST_DEVICES)
      throw new StudioError('USAGE', `A run is trained on ${MOST_DEVICES} devices at most.`, {
        nextStep: 'Name them with --devices.',
      });
    this.#options = options;
    this.#alive = Math.max(1, devices.length);
    this.#folder = devices.length > 1 ? makeExchangeFolder(mappedBytes(devices.length)) : null;
    this.#workers = Array.from({ length: this.#alive }, (_, rank) => this.#start(rank));
  }

  get leader(): Worker {
    return this.#workers[0]!;
  }

  get pids(): readonly (number | undefined)[] {
    return this.#workers.map(({ pid }) => pid);
  }

  /** All of them have made a step: none goes on without the others. */
  stepped(): void {
    for (const worker of this.#workers) worker.stepped();
  }

  kill(): void {
    for (const worker of this.#workers) worker.kill();
  }

  #start(rank: number): Worker {
    const { entry, environments, limits } = this.#options;
    const worker: Worker = new SupervisedChild<TrainingOrder, Message>({
      entry,
      environment: environments[rank] ?? {},
      ...(limits === undefined ? {} : { limits }),
      onMessage: (message) => this.#hear(rank, message),
      isToBlame: () => this.#stoodStillFirst(worker),
      onEnd: (error) => this.#end(rank, error),
    });
    worker.send({ kind: 'start', job: this.#jobOf(rank) });
    return worker;
  }

  #jobOf(rank: number): TrainingJob {
    const { job, exchange = null } = this.#options;
    const { devices } = job;
    if (this.#folder === null) return job;
    const crew = { rank, devices, folder: this.#folder, exchange };
    return { ...job, devices: rank === 0 ? devices : devices.slice(rank, rank + 1), crew };
  }

  /** Those who wait for one that hangs have moved after it, and may have less patience than it is given. */
  #stoodStillFirst({ movedAtMs }: Worker): boolean {
    return this.#workers.every((other) => movedAtMs <= other.movedAtMs);
  }

  #hear(rank: number, message: Message): void {
    if (message.kind === 'failed') {
      this.#fail(rank, errorFromData(message.error));
      return;
    }
    if (message.kind === 'finished' || message.kind === 'stopped' || message.kind === 'followed')
      this.#done.add(rank);
    if (message.kind === 'followed') return;
    if (rank === 0) this.#options.onMessage(message);
    else if (message.kind === 'log')
      this.#options.onMessage({ ...message, text: this.#named(rank, message.text) });
  }

  #end(rank: number, error: StudioError): void {
    this.#alive--;
    const isWanted = this.#ending && error.code === 'INTERRUPTED';
    if (!this.#done.has(rank) && !this.#done.has(0) && !isWanted) this.#fail(rank, error);
    if (rank === 0 && this.#done.has(0)) this.#endAllIn(LAST_WORDS_MS);
    if (this.#alive > 0) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#folder !== null) removeExchangeFolder(this.#folder);
    this.#options.onEnd(this.#cause() ?? error);
  }

  #fail(rank: number, error: StudioError): void {
    if (!this.#failures.has(rank)) this.#failures.set(rank, error);
    this.#endAllIn(error.code === 'PARTNER_LOST' ? GRACE_MS : 0);
  }

  #endAllIn(graceMs: number): void {
    if (this.#alive === 0) return;
    if (graceMs === 0) this.#endOthers();
    else this.#timer ??= setTimeout(() => this.#endOthers(), graceMs);
  }

  #endOthers(): void {
    this.#ending = true;
    this.kill();
  }

  /** The failure that the others followed from. */
  #cause(): StudioError | null {
    const failures = [...this.#failures];
    const isOwn = ([, { code }]: [number, StudioError]) => code !== 'PARTNER_LOST';
    const [rank, error] = failures.find(isOwn) ?? failures[0] ?? [];
    if (rank === undefined || error === undefined) return null;
    if (this.#folder === null || (rank === 0 && !OF_DEVICES.has(error.code))) return error;
    if (error.code === 'INTERRUPTED') return error;
    return errorFromData({ ...error.toData(), message: this.#named(rank, error.message) });
  }

  #named(rank: number, text: string): string {
    return `${deviceTitle(this.#options.job.devices, rank)}: ${text}`;
  }
}

/** "Device cuda:1"; "Device cpu (worker 2)" where several workers share it. */
export function deviceTitle(devices: readonly DeviceName[], rank: number): string {
  const device = devices[rank]!;
  const sharing = devices.filter((other) => other === device).length > 1;
  return `Device ${device}${sharing ? ` (worker ${rank + 1})` : ''}`;
}
