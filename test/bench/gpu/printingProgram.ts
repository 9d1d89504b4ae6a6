/**
 * @file Benchmarks. A program that measures itself and prints one line: the crate's own step on CUDA
 * (native/benches/cuda_step.rs). It runs from its beginning to its end in each round.
 */
import { appendFileSync } from 'node:fs';
import { lastLines, runProgram } from '../../../main/engines/runProgram.ts';
import type { ProfileAnswer, RoundAnswer } from './answers.ts';
import { type Command, type Measured, NotMeasured, type Ready } from './contestant.ts';

const LINE =
  /on (?<gpu>.+?): (?<stepMs>[\d.]+) ms a step .*?(?<pairsPerSecond>\d+) pairs\/s.*?loss (?<loss>[\d.]+).*?(?<megabytes>\d+) MiB/;

export class PrintingProgram implements Measured {
  readonly isPreparing = false;
  readonly #command: Command;
  readonly #logPath: string;

  constructor(command: Command, logPath: string) {
    this.#command = command;
    this.#logPath = logPath;
  }

  /** A first run shows whether it works at all, and leaves in the driver's cache what it compiles. */
  async prepare(limitMs: number): Promise<Ready> {
    const beganMs = performance.now();
    const { gpu } = await this.#run(limitMs);
    return { device: `cuda:0 ${gpu}`, seconds: (performance.now() - beganMs) / 1000 };
  }

  /** It decides itself for how long. */
  async round(_seconds: number, limitMs: number): Promise<RoundAnswer> {
    const { stepMs, pairsPerSecond, loss, megabytes } = await this.#run(limitMs);
    return {
      ...{ kind: 'round', steps: 1, ms: Number(stepMs) },
      pairs: Math.round((Number(pairsPerSecond) * Number(stepMs)) / 1000),
      ...{ peakMegabytes: Number(megabytes), batchingMs: null, recordingMs: null, loss: Number(loss) },
    };
  }

  async profile(): Promise<ProfileAnswer> {
    throw new NotMeasured('does not tell its time by kernel');
  }

  hold(): void {
    // Nothing of it runs between rounds.
  }

  release(): void {
    // Nothing of it runs between rounds.
  }

  end(): void {
    // Nothing of it runs between rounds.
  }

  async #run(timeoutMs: number): Promise<Record<string, string>> {
    const { command, words, environment } = this.#command;
    const { stdout, stderr, exitCode, startError, timedOut } = await runProgram(command, words, {
      ...{ environment, timeoutMs },
    });
    appendFileSync(this.#logPath, stdout + stderr);
    const found = LINE.exec(stdout)?.groups;
    if (found !== undefined) return found;
    if (timedOut) throw new NotMeasured(`took longer than ${(timeoutMs / 1000).toFixed(1)} s`);
    const lastWords = lastLines(stdout + stderr, 1);
    throw new NotMeasured(startError ?? `ended with ${exitCode}: ${lastWords}`);
  }
}
