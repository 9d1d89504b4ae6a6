/**
 * @file Tests. The part of Electron that the bridge uses, with its real semantics: arguments and results are cloned on
 * their way, errors lose everything but their message, a destroyed page cannot be sent to.
 */
import { EventEmitter } from 'node:events';
import type { IpcMain, IpcMainInvokeEvent, WebContents } from 'electron';

type Handler = (event: IpcMainInvokeEvent, ...parameters: unknown[]) => unknown;

export class FakePage extends EventEmitter {
  readonly id: number;
  destroyed = false;
  readonly heard: { readonly channel: string; readonly value: unknown }[] = [];

  constructor(id: number) {
    super();
    this.id = id;
  }

  isDestroyed(): boolean {
    return this.destroyed;
  }

  send(channel: string, value: unknown): void {
    if (this.destroyed) throw new Error('Object has been destroyed');
    this.heard.push({ channel, value: structuredClone(value) });
    this.emit('heard');
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('destroyed');
  }

  get contents(): WebContents {
    return this as unknown as WebContents;
  }
}

export interface FakeFrame {
  readonly url: string;
  readonly parent: object | null;
}

export class FakeIpc implements Pick<IpcMain, 'handle' | 'removeHandler'> {
  readonly #handlers = new Map<string, Handler>();

  handle(channel: string, handler: Handler): void {
    if (this.#handlers.has(channel))
      throw new Error(`Attempted to register a second handler for '${channel}'`);
    this.#handlers.set(channel, handler);
  }

  removeHandler(channel: string): void {
    this.#handlers.delete(channel);
  }

  /** As `ipcRenderer.invoke` of a page would be answered. */
  async invoke(
    from: { page: FakePage; frame: FakeFrame | null },
    channel: string,
    ...parameters: unknown[]
  ): Promise<unknown> {
    const handler = this.#handlers.get(channel);
    if (handler === undefined) throw new Error(`No handler registered for '${channel}'`);
    const cloned = structuredClone(parameters);
    const event = { sender: from.page.contents, senderFrame: from.frame } as unknown as IpcMainInvokeEvent;
    try {
      return structuredClone(await handler(event, ...cloned));
    } catch (thrown) {
      throw new Error(`Error invoking remote method '${channel}': ${String(thrown)}`);
    }
  }
}
