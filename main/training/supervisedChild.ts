/**
 * @file Runs in the supervisor's process. A child that computes: forked, listened to, judged by its pulse, ended in two
 * stages. A native abort in there must not take the studio with it.
 */
import { StudioError } from '../../shared/errors.ts';
import { lostDevice } from '../engines/tensorflow/lostDevice.ts';
import { type LaunchedChild, launchChild } from './childLauncher.ts';

export interface SupervisedOptions<Answer> {
  /** Path of the child's entry file. */
  readonly entry: string;
  /** Added to the child's environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly onMessage: (message: Answer) => void;
  /** The child is gone; `error` says why unless it was told to go. */
  readonly onEnd: (error: StudioError) => void;
  /** What a person does when it hangs or ends unexpectedly; of a run's worker unless told. */
  readonly nextStep?: string;
  /** Asked once it has stood still for too long: whoever waits for another child stands still as well. It is, unless told. */
  readonly isToBlame?: () => boolean;
  /** Shorter ones are for tests. */
  readonly limits?: Partial<Limits>;
}

export interface Limits {
  /** No progress for this long is a hang … */
  readonly leastHangMs: number;
  /** … where a step has shown how long one takes; before that, this long is, if it is longer, … */
  readonly firstHangMs: number;
  /** … or for this many times the longest wait for progress so far. */
  readonly hangFactor: number;
  /** A stop that is not acknowledged while nothing moves is followed by a kill. */
  readonly stopGraceMs: number;
  /** The same before a first step has shown how long a micro-batch takes. */
  readonly firstStopGraceMs: number;
}

const LIMITS: Limits = {
  ...{ leastHangMs: 60_000, firstHangMs: 0, hangFactor: 10 },
  ...{ stopGraceMs: 4000, firstStopGraceMs: 45_000 },
};
const STOP_FACTOR = 2;
const WRITING_FACTOR = 10;
const LOOK_EVERY_MS = 500;
const KEPT_STDERR_BYTES = 8192;
/**
 * A child that listens ignores these (`openChildPort`). One that died of them was still starting when they came, mostly
 * with the Ctrl-C of a terminal, which reaches the whole group of processes: that is a wish and not a crash.
 */
const WISHED_END = /^signal (SIGINT|SIGTERM|SIGHUP)$/;
/** Variables that would change what the child runs. */
const STRIPPED = /^(NODE_OPTIONS|ELECTRON_.*|LD_PRELOAD|NODE_CHANNEL_.*)$/;

export class SupervisedChild<Order extends object, Answer extends object> {
  readonly #child: LaunchedChild;
  readonly #options: SupervisedOptions<Answer>;
  readonly #limits: Limits;
  readonly #timer: NodeJS.Timeout;
  #counter = -1;
  #movedAtMs = performance.now();
  #longestMs = 0;
  #stopAskedAtMs: number | null = null;
  #stopAcknowledged = false;
  #lookedAtMs = performance.now();
  #writes = false;
  #stepped = false;
  #hung = false;
  #killed = false;
  #stderr = '';

  constructor(options: SupervisedOptions<Answer>) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#child = launchChild(
      options.entry,
      { ...strippedEnvironment(), ...options.environment },
      {
        onMessage: (message) => options.onMessage(message as Answer),
        onPulse: (counter) => this.#listen(counter),
        onStderr: (text) => {
          this.#stderr = (this.#stderr + text).slice(-KEPT_STDERR_BYTES);
        },
        onClose: (how) => this.#end(how),
      },
    );
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** When it was last seen to move; Infinity once it is gone. */
  get movedAtMs(): number {
    return this.#movedAtMs;
  }

  /** Lost when the child is gone: its end is told anyway. */
  send(order: Order): void {
    this.#child.send(order);
  }

  /** Sends the order to stop and watches whether it is heard. */
  stop(order: Order): void {
    this.#stopAskedAtMs ??= performance.now();
    this.send(order);
  }

  /** The child has answered a stop: from here it takes as long as progress arrives. */
  stopAcknowledged(): void {
    this.#stopAcknowledged = true;
  }

  /** The child has shown by a whole step how long its work takes between two signs of life. */
  stepped(): void {
    this.#stepped = true;
  }

  /** While the child writes files it neither hears nor moves, for as long as the disk takes. */
  writing(writes: boolean): void {
    this.#writes = writes;
  }

  kill(): void {
    this.#killed = true;
    this.#child.kill();
  }

  #listen(counter: number): void {
    if (!Number.isFinite(counter) || counter === this.#counter) return;
    const now = performance.now();
    if (this.#counter > 0) this.#longestMs = Math.max(this.#longestMs, now - this.#movedAtMs);
    this.#counter = counter;
    this.#movedAtMs = now;
  }

  #look(): void {
    const now = performance.now();
    const sleptMs = now - this.#lookedAtMs - LOOK_EVERY_MS;
    this.#lookedAtMs = now;
    // This process stood still itself (Ctrl-Z, a sleeping machine): the child may have, too.
    if (sleptMs > LOOK_EVERY_MS) {
      this.#movedAtMs += sleptMs;
      if (this.#stopAskedAtMs !== null) this.#stopAskedAtMs += sleptMs;
      return;
    }
    const { hangFactor, stopGraceMs, firstStopGraceMs } = this.#limits;
    const stillMs = now - this.#movedAtMs;
    const patience = this.#writes ? WRITING_FACTOR : 1;
    const isOverdue = stillMs > patience * Math.max(this.#leastHangMs(), hangFactor * this.#longestMs);
    if (isOverdue && this.#options.isToBlame?.() !== false) {
      this.#hung = true;
      this.#child.kill();
    }
    const asked = this.#stopAskedAtMs;
    // A large network on a slow engine needs longer for one micro-batch, and has shown that it does.
    const leastMs = this.#stepped ? stopGraceMs : firstStopGraceMs;
    const graceMs = Math.max(leastMs, STOP_FACTOR * this.#longestMs);
    if (
      asked !== null &&
      !this.#stopAcknowledged &&
      !this.#writes &&
      now - asked > graceMs &&
      stillMs > graceMs
    )
      this.kill();
  }

  #leastHangMs(): number {
    const { leastHangMs, firstHangMs } = this.#limits;
    return this.#stepped ? leastHangMs : Math.max(leastHangMs, firstHangMs);
  }

  #end(how: string): void {
    clearInterval(this.#timer);
    this.#movedAtMs = Number.POSITIVE_INFINITY;
    this.#options.onEnd(this.#errorOf(how));
  }

  #errorOf(how: string): StudioError {
    if (this.#killed) return new StudioError('INTERRUPTED', 'The worker was ended before it could finish.');
    if (WISHED_END.test(how))
      return new StudioError('INTERRUPTED', `The worker was ended (${how}) before it had begun.`);
    // TensorFlow ends the process when it hears of it between two operations, or waits for ever.
    const lost = lostDevice(this.#stderr);
    if (lost !== null) return lost;
    if (this.#hung)
      return new StudioError('WORKER_HUNG', 'The worker made no progress and was ended.', {
        nextStep:
          this.#options.nextStep ??
          'Resume the run; if it hangs again, try another engine or a smaller micro-batch.',
      });
    const said = this.#stderr.trim().split('\n').slice(-3).join(' | ');
    const isKilled = /signal SIGKILL/.test(how);
    const memory = isKilled ? ' The system may have run out of memory.' : '';
    const smaller = isKilled
      ? ' If it is killed again, resume it with a smaller --micro-batch-tokens: the gradient is the same.'
      : '';
    return new StudioError(
      'WORKER_CRASHED',
      `The worker ended unexpectedly (${how}).${memory}${said === '' ? '' : ` It said: ${said}`}`,
      {
        nextStep:
          this.#options.nextStep ??
          `What was stored is safe: resume the run from its last checkpoint.${smaller}`,
      },
    );
  }
}

/** This process's variables, without those. */
export function strippedEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name, value]) => value !== undefined && !STRIPPED.test(name),
  );
  return Object.fromEntries(kept) as Record<string, string>;
}
