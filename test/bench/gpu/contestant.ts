/**
 * @file Benchmarks. A measured program in a process of its own, whose words are `answers.ts`. It stays between rounds, so
 * that programs are measured in turn and warm; while it prepares it can be held, so that it disturbs nobody's round.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { lastLines } from '../../../main/engines/runProgram.ts';
import { type Answer, type ProfileAnswer, parseAnswer, type RoundAnswer } from './answers.ts';

export interface Command {
  readonly command: string;
  readonly words: readonly string[];
  /** Added to this process's environment. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface Ready {
  readonly device: string;
  /** From its start, the time it was held not counted out. */
  readonly seconds: number;
}

/** Why a program gives no figure, in words for the table. */
export class NotMeasured extends Error {}

/** What takes part in rounds. */
export interface Measured {
  /** Between its start and its first answer. */
  readonly isPreparing: boolean;
  /** Starts it and waits until it is warm. @throws NotMeasured */
  prepare(limitMs: number): Promise<Ready>;
  /** Trains for about so long. @throws NotMeasured */
  round(seconds: number, limitMs: number): Promise<RoundAnswer>;
  /** @throws NotMeasured */
  profile(limitMs: number): Promise<ProfileAnswer>;
  /** Stops it where it is, until it is released. */
  hold(): void;
  release(): void;
  end(): void;
}

export class Contestant implements Measured {
  readonly #command: Command;
  readonly #logPath: string;
  #child: ChildProcess | null = null;
  #answered: ((answer: Answer) => void) | null = null;
  #ended: string | null = null;
  #whenEnded: (() => void) | null = null;
  #ready = false;

  constructor(command: Command, logPath: string) {
    this.#command = command;
    this.#logPath = logPath;
  }

  get isPreparing(): boolean {
    return this.#child !== null && this.#ended === null && !this.#ready;
  }

  async prepare(limitMs: number): Promise<Ready> {
    const beganMs = performance.now();
    this.#start();
    const answer = await this.#answer('ready', limitMs);
    this.#ready = true;
    return { device: answer.device, seconds: (performance.now() - beganMs) / 1000 };
  }

  async round(seconds: number, limitMs: number): Promise<RoundAnswer> {
    this.#ask(`round ${seconds}`);
    return await this.#answer('round', limitMs);
  }

  async profile(limitMs: number): Promise<ProfileAnswer> {
    this.#ask('profile');
    return await this.#answer('profile', limitMs);
  }

  hold(): void {
    this.#signal('SIGSTOP');
  }

  release(): void {
    this.#signal('SIGCONT');
  }

  end(): void {
    this.#ended ??= 'was ended';
    this.#signal('SIGKILL');
  }

  #start(): void {
    const { command, words, environment } = this.#command;
    const log = openSync(this.#logPath, 'a');
    // Its own group, so that what it starts, such as a compiler, is held and ended with it.
    const settings = { env: { ...process.env, ...environment }, detached: true };
    const child = spawn(command, words, { stdio: ['pipe', 'pipe', log], ...settings });
    closeSync(log);
    this.#child = child;
    child.once('error', (error) => this.#close(() => `did not start: ${error.message}`));
    child.once('close', (code, signal) =>
      this.#close(() => `ended with ${code ?? signal}: ${this.#lastWords()}`),
    );
    // What it was asked and cannot read any more is told by its end.
    child.stdin!.on('error', () => {});
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const answer = parseAnswer(line);
      if (answer !== null) this.#answered?.(answer);
    });
  }

  #close(reason: () => string): void {
    this.#ended ??= reason();
    // Whatever it has started.
    this.#signal('SIGKILL');
    this.#child = null;
    this.#whenEnded?.();
  }

  #ask(order: string): void {
    this.#child?.stdin?.write(`${order}\n`);
  }

  /** The next answer, which must be of this kind. After anything else the program is ended: it is no longer in step. */
  async #answer<Kind extends Answer['kind']>(
    kind: Kind,
    limitMs: number,
  ): Promise<Extract<Answer, { kind: Kind }>> {
    let timer: NodeJS.Timeout | undefined;
    try {
      const answer = await new Promise<Answer>((resolve, reject) => {
        if (this.#ended !== null) reject(new NotMeasured(this.#ended));
        this.#answered = resolve;
        this.#whenEnded = () => reject(new NotMeasured(this.#ended!));
        const tooLong = `took longer than ${(limitMs / 1000).toFixed(1)} s`;
        timer = setTimeout(() => reject(new NotMeasured(tooLong)), limitMs);
      });
      if (answer.kind === 'failed') throw new NotMeasured(answer.reason);
      if (answer.kind !== kind) throw new NotMeasured(`answered with ${answer.kind} instead of ${kind}`);
      return answer as Extract<Answer, { kind: Kind }>;
    } catch (thrown) {
      this.#ended ??= (thrown as Error).message;
      this.end();
      throw thrown;
    } finally {
      clearTimeout(timer);
      this.#answered = null;
      this.#whenEnded = null;
    }
  }

  #lastWords(): string {
    return lastLines(readFileSync(this.#logPath, 'utf8'), 1);
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It is gone already.
    }
  }
}
