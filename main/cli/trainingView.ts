/** @file Runs under Node. What a person or a script sees of a training run while it goes on, and when it has ended. */
import type { EngineRecord } from '../../shared/engines.ts';
import type {
  EvaluationRecord,
  MetricName,
  MetricPoint,
  RunKind,
  RunResult,
  WorkerReport,
} from '../../shared/runs.ts';
import { countOf, countText, durationText, threeDecimals } from './figures.ts';
import type { RunScreen } from './runScreen.ts';
import { bar } from './tables.ts';
import { printable } from './terminal.ts';

type Progress = Extract<WorkerReport, { kind: 'progress' }>;
type Started = Extract<WorkerReport, { kind: 'started' }>;

const BAR_WIDTH = 16;
const FURTHER = ['maskedLoss', 'maskedAccuracy', 'nextLoss'] as const;
const PHASES: Readonly<Record<Progress['phase'], string>> = {
  encoding: 'encoding',
  training: 'epoch',
  evaluating: 'evaluating, epoch',
  saving: 'saving, epoch',
};

/** Stands by every figure of the test split of a run whose weights were chosen by it. */
export const SELECTED_ON_TEST = ' (selected on test)';

/** "812 pairs/s", or nothing before it is known. */
function speedText(pairsPerSecond: number | null): string {
  return pairsPerSecond === null ? '' : `  ${countText(pairsPerSecond)} pairs/s`;
}

/** The two lines that the book's program prints at the end. */
export function bookLines(result: RunResult, device: string): string[] {
  const { trainLoss, trainAccuracy, testAccuracy, pairsPerSecond, selectedOnTest } = result;
  const said = selectedOnTest ? SELECTED_ON_TEST : '';
  if (result.pretraining !== undefined) {
    const { maskedLoss, nextLoss } = result.pretraining;
    return [
      `MLM loss ${threeDecimals(maskedLoss)}, NSP loss ${threeDecimals(nextLoss)}, NSP acc ${threeDecimals(trainAccuracy)}${said}`,
      `${pairsPerSecond.toFixed(1)} sentence pairs/sec on [${device}]`,
    ];
  }
  return [
    `loss ${threeDecimals(trainLoss)}, train acc ${threeDecimals(trainAccuracy)}, test acc ${threeDecimals(testAccuracy)}${said}`,
    `${pairsPerSecond.toFixed(1)} examples/sec on [${device}]`,
  ];
}

/** What became of pairs that are longer than a run takes. */
export function truncatedText(pairs: number, kind: RunKind): string {
  return kind === 'pretraining'
    ? `${countOf(pairs, 'pair')} of sentences, longer than the longest pair, left out in every epoch.`
    : `${countOf(pairs, 'pair')} of the training split had to be truncated.`;
}

/** Takes the worker's reports, one after another. */
export class TrainingView {
  readonly #terminal: RunScreen;
  readonly #epochs: number;
  readonly #kind: RunKind;
  readonly #latest = new Map<MetricName, number>();
  #engine: EngineRecord | null = null;

  constructor(terminal: RunScreen, { epochs, kind = 'fine-tuning' }: { epochs: number; kind?: RunKind }) {
    this.#terminal = terminal;
    this.#epochs = epochs;
    this.#kind = kind;
  }

  /** Known once the worker has started. */
  get device(): string {
    return this.#engine?.device ?? 'unknown';
  }

  take(report: WorkerReport): void {
    switch (report.kind) {
      case 'started':
        this.#started(report);
        break;
      case 'progress':
        this.#progress(report);
        break;
      case 'metrics':
        this.#metrics(report.points);
        break;
      case 'evaluation':
        this.#evaluated(report.evaluation);
        break;
      case 'checkpoint':
        this.#terminal.event('checkpoint', report.checkpoint);
        break;
      case 'log':
        this.#terminal.event('log', { level: report.level, text: report.text });
        this.#terminal.line(
          this.#terminal.paint(report.level === 'warning' ? 'yellow' : 'dim', printable(report.text)),
        );
        break;
      case 'stopping':
        this.#terminal.event('stopping');
        break;
      default:
        // ready, stopped, finished and failed are told by whoever waits for the run.
        break;
    }
  }

  #started(report: Started): void {
    const { engine, stepsPerEpoch, totalSteps, resumedAtStep, truncatedPairs, parameters } = report;
    this.#engine = engine;
    this.#terminal.event('started', {
      engine,
      stepsPerEpoch,
      totalSteps,
      resumedAtStep,
      truncatedPairs,
      parameters,
    });
    this.#terminal.line(
      `${engine.engine} on ${printable(engine.device)}, ${countOf(engine.threads, 'thread')}; ${countText(parameters)} parameters; ` +
        `${countOf(stepsPerEpoch, 'step')} an epoch, ${countText(totalSteps)} in all`,
    );
    if (resumedAtStep > 0) this.#terminal.line(`Resumed after step ${countText(resumedAtStep)}.`);
    if (truncatedPairs > 0) this.#terminal.line(truncatedText(truncatedPairs, this.#kind));
  }

  #progress(report: Progress): void {
    const { step, totalSteps, epoch, phase, etaSeconds, pairsPerSecond } = report;
    if (phase === 'encoding') {
      if (this.#terminal.live) this.#terminal.showLive('encoding the pairs …');
      return;
    }
    this.#terminal.event('progress', { step, totalSteps, epoch, phase, etaSeconds, pairsPerSecond });
    if (!this.#terminal.live) return;
    const share = totalSteps === 0 ? 0 : step / totalSteps;
    const at = `${PHASES[phase]} ${Math.min(this.#epochs, Math.floor(epoch) + 1)}/${this.#epochs}  step ${step}/${totalSteps}`;
    const left = etaSeconds === null ? '' : `  ${durationText(etaSeconds)} left`;
    this.#terminal.showLive(
      `${at} ${bar(share, BAR_WIDTH).padEnd(BAR_WIDTH, '░')}${this.#lossText()}${speedText(pairsPerSecond)}${left}`,
    );
  }

  /** The book's running means where there are some, else the last step's figures. */
  #lossText(): string {
    const loss = this.#latest.get('running/loss') ?? this.#latest.get('step/loss');
    const accuracy = this.#latest.get('running/accuracy') ?? this.#latest.get('step/accuracy');
    return loss === undefined || accuracy === undefined
      ? ''
      : `  loss ${loss.toFixed(3)}  acc ${accuracy.toFixed(3)}`;
  }

  #metrics(points: readonly MetricPoint[]): void {
    this.#terminal.event('metrics', { points });
    for (const point of points) {
      this.#latest.set(point.metric, point.value);
      // running/accuracy comes right after running/loss, with the same step.
      if (point.metric !== 'running/accuracy' || this.#terminal.live) continue;
      this.#terminal.line(`epoch ${point.epoch.toFixed(2)}  step ${point.step}${this.#lossText()}`);
    }
  }

  #evaluated(evaluation: EvaluationRecord): void {
    this.#terminal.event('evaluation', evaluation);
    const { split, epoch, loss, accuracy, macroF1, pairsPerSecond } = evaluation;
    const [maskedLoss, maskedAccuracy, nextLoss] = FURTHER.map((name) =>
      this.#latest.get(`${split === 'test' ? 'test' : 'dev'}/${name}`),
    );
    if (this.#kind === 'pretraining') {
      this.#terminal.line(
        `epoch ${epoch.toFixed(2)}  ${split}: MLM loss ${maskedLoss?.toFixed(3)}, acc ${maskedAccuracy?.toFixed(3)}; NSP loss ${nextLoss?.toFixed(3)}, acc ${accuracy.toFixed(3)}${speedText(pairsPerSecond)}`,
      );
      return;
    }
    this.#terminal.line(
      `epoch ${epoch.toFixed(2)}  ${split}: acc ${accuracy.toFixed(3)}  loss ${loss.toFixed(3)}  macro-F1 ${macroF1.toFixed(3)}${speedText(pairsPerSecond)}`,
    );
  }
}
