/** @file Runs in the page. Short messages that go by themselves, with something to do about them while they stay. */
import { errorData } from '../../shared/errors.ts';

export interface ToastAction {
  readonly label: string;
  readonly act: () => void;
}

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly kind: 'plain' | 'good' | 'bad';
  readonly action: ToastAction | null;
  readonly untilMs: number;
}

/** As long as a destructive action can be taken back. */
const STAYS_MS = 10_000;

export class Toasts {
  #toasts: readonly Toast[] = $state.raw([]);
  #next = 1;

  get all(): readonly Toast[] {
    return this.#toasts;
  }

  say(
    text: string,
    options: { kind?: Toast['kind']; action?: ToastAction | null; staysMs?: number } = {},
  ): void {
    const { kind = 'plain', action = null, staysMs = STAYS_MS } = options;
    const toast = { id: this.#next++, text, kind, action, untilMs: Date.now() + staysMs };
    this.#toasts = [...this.#toasts.slice(-4), toast];
    setTimeout(() => this.dismiss(toast.id), staysMs);
  }

  /** What went wrong, and what to do. */
  fail(thrown: unknown): void {
    const { message, nextStep } = errorData(thrown);
    this.say(`${message} ${nextStep}`.trim(), { kind: 'bad' });
  }

  dismiss(id: number): void {
    this.#toasts = this.#toasts.filter((toast) => toast.id !== id);
  }
}
