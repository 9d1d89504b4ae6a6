/** @file Node. What a device says of its own accord: that it is lost, that its memory is full, that it was asked nonsense. */
import { StudioError } from '../../../shared/errors.ts';

/** Remembers the first failure of a device: whatever comes after it follows from it. */
export class DeviceFailure {
  readonly #title: string;
  #error: StudioError | null = null;
  #expected = false;

  constructor(device: GPUDevice, title: string) {
    this.#title = title;
    device.addEventListener('uncapturederror', (event) => {
      // Otherwise it is printed too, for each of the many that follow.
      event.preventDefault();
      this.#note(() => this.#fromError((event as GPUUncapturedErrorEvent).error));
    });
    void device.lost.then(({ message }) => this.#note(() => this.#lost(message)));
  }

  /** The device is closed on purpose: that it is lost then is no failure. */
  expectLoss(): void {
    this.#expected = true;
  }

  get hasFailed(): boolean {
    return this.#error !== null;
  }

  /** @throws StudioError DEVICE_LOST, OUT_OF_MEMORY or ENGINE_FAILED, when something has gone wrong since the beginning */
  check(): void {
    if (this.#error !== null) throw this.#error;
  }

  /** What a rejected wait for the device means. */
  errorOf(thrown: unknown): StudioError {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    this.#note(() => this.#lost(message));
    return this.#error ?? this.#lost(message);
  }

  #note(make: () => StudioError): void {
    if (!this.#expected) this.#error ??= make();
  }

  #fromError(error: GPUError): StudioError {
    const firstLine = error.message.split('\n')[0]!;
    if (error instanceof GPUOutOfMemoryError)
      return new StudioError('OUT_OF_MEMORY', `The memory of ${this.#title} is full: ${firstLine}`, {
        nextStep: 'Try a smaller --micro-batch-tokens: the gradient is the same.',
      });
    return new StudioError('ENGINE_FAILED', `${this.#title} refused a command: ${firstLine}`, {
      nextStep: 'This is a defect of Entail: please report it with the log.',
    });
  }

  #lost(message: string): StudioError {
    const why = message === '' ? '' : `: ${message.split('\n')[0]}`;
    return new StudioError('DEVICE_LOST', `${this.#title} is gone${why}.`, {
      nextStep: 'Its driver was reset or it was taken away. Resume the run from its last checkpoint.',
    });
  }
}
