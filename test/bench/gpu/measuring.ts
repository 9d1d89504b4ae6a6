/**
 * @file Benchmarks. Programs measured in turn, one network after the other: all prepare at once, and while one is measured
 * those that are not yet ready are held.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Budget } from './budget.ts';
import { type Measured, NotMeasured } from './contestant.ts';
import type { Planned } from './plan.ts';
import type { ProgramResult, Results } from './results.ts';
import type { SizeName } from './sizes.ts';
import { pairsPerSecond } from './table.ts';

interface MeasuringOptions {
  readonly programs: readonly Planned[];
  readonly results: Results;
  readonly budget: Budget;
  readonly options: { readonly out: string; readonly rounds: number; readonly roundSeconds: number };
  readonly say: (line: string) => void;
}

interface Participant {
  readonly planned: Planned;
  readonly measured: Measured;
  readonly result: ProgramResult;
}

/** Of the whole time: when the last network's rounds begin at the latest, whoever is ready. The others' begin before. */
const BEGIN_SHARE = 0.8;
/** A program that prepares keeps about so many processors busy: libraries, compilers. */
const PROCESSORS_EACH = 3;
const LEAST_AT_ONCE = 4;
const ROUND_LIMIT_MS = 30_000;
const PROFILE_LIMIT_MS = 30_000;

export class Measuring {
  readonly #options: MeasuringOptions;
  readonly #participants: Participant[];
  #isOver = false;

  constructor(options: MeasuringOptions) {
    this.#options = options;
    this.#participants = options.programs.map((planned) => {
      const { name, title, size, missing } = planned;
      const result: ProgramResult = {
        ...{ name, title, size, device: null, preparedInSeconds: null },
        ...{ trouble: missing ?? 'not begun', rounds: [], profile: null },
      };
      options.results.programs.push(result);
      return { planned, result, measured: planned.make(join(options.options.out, 'logs', `${name}.log`)) };
    });
  }

  /** `meanwhile` runs while the first network's programs prepare. */
  async run(sizes: readonly SizeName[], meanwhile: () => Promise<void>): Promise<void> {
    let beside: Promise<void> = meanwhile();
    for (const [place, size] of sizes.entries()) {
      const participants = this.#participants.filter(
        ({ planned }) => planned.size === size && planned.missing === null,
      );
      const prepared = this.#prepareAll(participants);
      await beside;
      await this.#until(prepared, (BEGIN_SHARE * (place + 1)) / sizes.length);
      await this.#rounds(participants);
      beside = this.#profiles(participants);
    }
    await beside;
    this.endAll();
  }

  endAll(): void {
    this.#isOver = true;
    for (const { measured } of this.#participants) measured.end();
  }

  /** As many at once as there are processors for, in the order of the plan. */
  async #prepareAll(participants: readonly Participant[]): Promise<void> {
    const waiting = [...participants];
    const atOnce = Math.max(LEAST_AT_ONCE, Math.floor(availableParallelism() / PROCESSORS_EACH));
    const one = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await this.#prepare(next);
    };
    await Promise.all(Array.from({ length: atOnce }, one));
  }

  async #prepare({ measured, result }: Participant): Promise<void> {
    const { budget, say, results } = this.#options;
    if (this.#isOver || budget.isOver) return;
    result.trouble = 'not ready in time';
    try {
      const { device, seconds } = await measured.prepare(budget.leftMs);
      Object.assign(result, { device, preparedInSeconds: seconds, trouble: null });
      say(`${result.name} is ready after ${seconds.toFixed(1)} s on ${device}`);
    } catch (thrown) {
      // What is ended with the whole run keeps "not ready in time".
      if (this.#isOver) return;
      this.#failed(result, thrown);
    }
    results.write();
  }

  async #until(prepared: Promise<void>, share: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#options.budget.untilShareMs(share));
    });
    await Promise.race([prepared, limit]);
    clearTimeout(timer);
  }

  async #rounds(participants: readonly Participant[]): Promise<void> {
    const { rounds, roundSeconds } = this.#options.options;
    for (let round = 1; round <= rounds; round++)
      for (const participant of participants)
        await this.#alone(participant, async ({ measured, result }) => {
          const { budget, say } = this.#options;
          result.rounds.push(await measured.round(roundSeconds, budget.limitMs(ROUND_LIMIT_MS)));
          const last = pairsPerSecond({ rounds: result.rounds.slice(-1) })!;
          say(`round ${round}: ${result.name} ${last.toFixed(0)} pairs/s`);
        });
  }

  async #profiles(participants: readonly Participant[]): Promise<void> {
    for (const participant of participants)
      if (participant.planned.name.startsWith('webgpu'))
        await this.#alone(participant, async ({ measured, result }) => {
          result.profile = await measured.profile(this.#options.budget.limitMs(PROFILE_LIMIT_MS));
        });
    for (const { measured } of participants) measured.end();
  }

  /** Nothing else of ours computes meanwhile. Who is not ready, or in trouble, is passed over. */
  async #alone(participant: Participant, act: (participant: Participant) => Promise<void>): Promise<void> {
    const { result } = participant;
    if (result.preparedInSeconds === null || result.trouble !== null || this.#options.budget.isOver) return;
    const held = this.#participants.filter(({ measured }) => measured.isPreparing);
    for (const { measured } of held) measured.hold();
    try {
      await act(participant);
    } catch (thrown) {
      this.#failed(result, thrown);
    } finally {
      for (const { measured } of held) measured.release();
    }
    this.#options.results.write();
  }

  #failed(result: ProgramResult, thrown: unknown): void {
    if (!(thrown instanceof NotMeasured)) throw thrown;
    result.trouble = thrown.message;
    this.#options.say(`${result.name} ${thrown.message}`);
  }
}
