/**
 * @file Runs under Node. The places that the waiting runs of this process have among the Entails of this user: a ticket where a
 * run waits for GPUs that another process has, or has waited longer for.
 */
import type { DeviceTicket, FoundTicket } from '../engines/deviceTickets.ts';
import type { DeviceTurn } from './deviceTurns.ts';

/** What a place in a queue is for. */
export const purposeOfRun = (run: string): string => `run ${run}`;

const loadTickets = () => import('../engines/deviceTickets.ts');

export class DevicePlaces {
  readonly #purposeOf: (run: string) => string;
  readonly #tickets = new Map<string, DeviceTicket>();

  /** @param purposeOf what whoever waits behind a run is told of it */
  constructor(purposeOf = purposeOfRun) {
    this.#purposeOf = purposeOf;
  }

  /** Null for a run that waits behind all who have one. */
  ticketOf(run: string): string | null {
    return this.#tickets.get(run)?.id ?? null;
  }

  owns({ id: found }: Pick<FoundTicket, 'id'>): boolean {
    return [...this.#tickets.values()].some(({ id }) => id === found);
  }

  /**
   * Places for the runs that wait by these turns; all others are given up, but for those of `besides`. Of several runs that hope
   * for one GPU the first has the place: a long queue and a single run of another process take turns.
   */
  async keep(turns: readonly DeviceTurn[], besides: ReadonlySet<string> = new Set()): Promise<void> {
    const kept = new Set(besides);
    const claimed = new Set<string>();
    for (const turn of turns) {
      const gpus = turn.hopesFor?.flatMap((device) => device.gpus) ?? null;
      // About to start, or not known now.
      if (gpus === null || turn.placement !== null) kept.add(turn.run);
      else if (gpus.length > 0 && !gpus.some((gpu) => claimed.has(gpu))) {
        for (const gpu of gpus) claimed.add(gpu);
        if (this.#tickets.has(turn.run) || waitsForOthers(turn)) {
          await this.#hold(turn.run, gpus);
          kept.add(turn.run);
        }
      }
    }
    for (const [run, ticket] of this.#tickets) if (!kept.has(run)) this.#giveUp(run, ticket);
  }

  leave(): void {
    for (const [run, ticket] of this.#tickets) this.#giveUp(run, ticket);
  }

  /** A run whose GPUs have changed keeps its place. */
  async #hold(run: string, gpus: readonly string[]): Promise<void> {
    const before = this.#tickets.get(run);
    if (before !== undefined && String(before.gpus) === String(gpus)) return;
    const { drawTicket } = await loadTickets();
    this.#tickets.set(run, drawTicket(gpus, this.#purposeOf(run), before?.sinceMs));
    before?.release();
  }

  #giveUp(run: string, ticket: DeviceTicket): void {
    this.#tickets.delete(run);
    ticket.release();
  }
}

/** Not for what this process itself computes: whoever comes meanwhile has waited longer than its next run. */
function waitsForOthers({ waitsFor }: DeviceTurn): boolean {
  return waitsFor.some(
    ({ holder }) =>
      holder.kind === 'entail' ||
      holder.kind === 'entailBefore' ||
      (holder.kind === 'run' && holder.pid !== process.pid),
  );
}
