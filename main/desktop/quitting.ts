/** @file Runs in Electron's main process. Closing and quitting: what trains is never lost by it. */
import type { dialog } from 'electron';

export interface QuittingParts {
  readonly dialog: Pick<typeof dialog, 'showMessageBox'>;
  readonly isBusy: () => boolean;
  /** A tray icon takes the window's place. */
  readonly toTray: () => void;
  /** Stops runs in good order, closes the databases. */
  readonly closeStudio: () => Promise<void>;
  readonly quit: () => void;
}

const STOP = 0;
const GO_ON = 1;

export class Quitting {
  readonly #parts: QuittingParts;
  #closing = false;
  #closed = false;

  constructor(parts: QuittingParts) {
    this.#parts = parts;
  }

  /** For the window's "close": true when the window may go for good. */
  windowMayClose(): boolean {
    if (this.#closing || !this.#parts.isBusy()) return true;
    this.#parts.toTray();
    return false;
  }

  /** For the app's "before-quit": true when nothing is left to do. */
  mayQuit(): boolean {
    if (this.#closed) return true;
    if (!this.#closing) void this.#ask();
    return false;
  }

  async #ask(): Promise<void> {
    this.#closing = true;
    if (this.#parts.isBusy()) {
      const { response } = await this.#parts.dialog.showMessageBox({
        type: 'question',
        message: 'A run is training.',
        detail: 'Stopped in good order it keeps a checkpoint, and goes on when you resume it.',
        buttons: ['Stop it and quit', 'Go on in the tray', 'Cancel'],
        defaultId: GO_ON,
        cancelId: 2,
      });
      if (response !== STOP) {
        this.#closing = false;
        if (response === GO_ON) this.#parts.toTray();
        return;
      }
    }
    // A studio that does not close in good order must not stay for ever: what it stored is safe.
    await this.#parts.closeStudio().catch(() => {});
    this.#closed = true;
    this.#parts.quit();
  }
}
