/** @file Runs in the training worker. How far a run is, told often enough to be seen, and not at every step. */
import type { WorkerReport } from '../../shared/runs.ts';
import type { LoopState } from './loopState.ts';
import type { Pace } from './pace.ts';

/** A page shows no more; a message a step would cost a quick network a part of its speed. */
const EVERY_MS = 100;

type Phase = 'training' | 'evaluating' | 'saving';

export class ProgressReports {
  readonly #report: (report: WorkerReport) => void;
  readonly #stepsPerEpoch: number;
  readonly #totalSteps: number;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #phase: Phase | null = null;

  constructor(
    report: (report: WorkerReport) => void,
    { stepsPerEpoch, totalSteps }: { stepsPerEpoch: number; totalSteps: number },
  ) {
    this.#report = report;
    this.#stepsPerEpoch = stepsPerEpoch;
    this.#totalSteps = totalSteps;
  }

  /** The last step and another phase are always told. */
  tell(at: LoopState, phase: Phase, pace: Pace): void {
    const nowMs = performance.now();
    const soon = nowMs - this.#toldAtMs < EVERY_MS;
    if (soon && phase === this.#phase && at.step < this.#totalSteps) return;
    this.#toldAtMs = nowMs;
    this.#phase = phase;
    this.#report({
      kind: 'progress',
      step: at.step,
      totalSteps: this.#totalSteps,
      epoch: at.epoch + at.stepInEpoch / this.#stepsPerEpoch,
      phase,
      etaSeconds: pace.etaSeconds(at.step, at.epoch),
      pairsPerSecond: pace.pairsPerSecond,
    });
  }
}
