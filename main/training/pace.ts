/** @file Runs anywhere. How fast a run goes and when it will be done, evaluation and saving included. */

export interface PaceOptions {
  readonly stepsPerEpoch: number;
  readonly epochs: number;
  readonly trainPairs: number;
  readonly selectionPairs: number;
  readonly testPairs: number;
  /** Steps between evaluations inside an epoch; 0 for none. */
  readonly evaluateEvery: number;
}

/** Before one is measured: an evaluated pair costs about this share of a trained one. */
const ASSUMED_EVALUATION_SHARE = 0.35;
/** The first step compiles, loads and warms; it would spoil the estimate. */
const WARM_UP_STEPS = 1;
const SMOOTHING = 0.9;

export class Pace {
  readonly #options: PaceOptions;
  #steps = 0;
  #stepSeconds: number | null = null;
  #evaluationSecondsPerPair: number | null = null;
  #saveSeconds = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  step(seconds: number): void {
    this.#steps++;
    if (this.#stepSeconds === null || this.#steps <= WARM_UP_STEPS + 1) this.#stepSeconds = seconds;
    else this.#stepSeconds = SMOOTHING * this.#stepSeconds + (1 - SMOOTHING) * seconds;
  }

  evaluated(pairs: number, seconds: number): void {
    if (pairs > 0) this.#evaluationSecondsPerPair = seconds / pairs;
  }

  saved(seconds: number): void {
    this.#saveSeconds = seconds;
  }

  get pairsPerSecond(): number | null {
    return this.#stepSeconds === null ? null : this.#pairsPerStep / this.#stepSeconds;
  }

  /** Seconds until the run's end, after `step` steps and `epoch` whole epochs; null before there is a measurement. */
  etaSeconds(step: number, epoch: number): number | null {
    if (this.#stepSeconds === null) return null;
    const { stepsPerEpoch, epochs, selectionPairs, testPairs, evaluateEvery } = this.#options;
    const remainingEpochs = epochs - epoch;
    const between = evaluateEvery === 0 ? 0 : Math.floor((stepsPerEpoch * epochs - step) / evaluateEvery);
    const evaluatedPairs = (remainingEpochs + between) * selectionPairs + testPairs;
    const perPair =
      this.#evaluationSecondsPerPair ?? (this.#stepSeconds / this.#pairsPerStep) * ASSUMED_EVALUATION_SHARE;
    const training = (stepsPerEpoch * epochs - step) * this.#stepSeconds;
    return training + evaluatedPairs * perPair + remainingEpochs * this.#saveSeconds;
  }

  get #pairsPerStep(): number {
    return this.#options.trainPairs / this.#options.stepsPerEpoch;
  }
}
