/** @file Runs in training workers. What the leader of several workers says to the others, and when. */
import type { Parameters } from '../../model/parameters.ts';
import type { CrewPlace, TrainingJob } from '../jobs.ts';
import type { StepPlace } from '../runWork.ts';
import type { Crew } from './gradientExchange.ts';
import { requireSameWeights } from './sameWeights.ts';

/** Nothing happens where one worker trains alone. */
export class Leader {
  readonly #crew: Crew | null;
  readonly #devices: CrewPlace['devices'];

  constructor({ devices, crew: place }: Pick<TrainingJob, 'devices' | 'crew'>, crew: Crew | null) {
    this.#crew = crew;
    this.#devices = place?.devices ?? devices;
  }

  /** The others begin a step, which the caller then makes, too. */
  async step(place: StepPlace): Promise<void> {
    await this.#crew?.exchange.tell({ kind: 'step', place }, this.#crew.waiting);
  }

  /** @throws StudioError WEIGHTS_DIFFER where the weights of another worker are not these, to the bit. */
  async compare(parameters: Parameters): Promise<void> {
    if (this.#crew === null) return;
    const { exchange, waiting } = this.#crew;
    await exchange.tell({ kind: 'compare' }, waiting);
    await requireSameWeights(exchange, parameters, { devices: this.#devices, waiting });
  }

  /** Nothing more is to do. */
  async end(): Promise<void> {
    await this.#crew?.exchange.tell({ kind: 'end' }, this.#crew.waiting);
    this.leave();
  }

  /** Whoever waits for this worker does not wait any more. */
  leave(): void {
    this.#crew?.exchange.close();
  }
}
