/** @file Runs in Electron's main process. Calls and events between page and studio; every sender is checked. */
import type { IpcMain, IpcMainInvokeEvent, WebContents } from 'electron';
import type { Result } from '../../shared/contract/route.ts';
import { errorData, StudioError } from '../../shared/errors.ts';
import type { Dispatch } from '../rpc/dispatch.ts';
import type { EventHub } from '../rpc/eventHub.ts';
import { STUDIO_ORIGIN } from './pageProtocol.ts';

/** The names that the preload script uses too. */
export const CHANNELS = {
  request: 'studio:request',
  subscribe: 'studio:subscribe',
  leave: 'studio:leave',
  events: 'studio:events',
} as const;

/** A window's page, as far as it is asked for anything here. */
type Page = Pick<WebContents, 'id' | 'isDestroyed' | 'send' | 'once'>;

export interface Bridge {
  /** The window's page may ask from now on. */
  admit(page: Page): void;
  close(): void;
}

export function openBridge(
  ipc: Pick<IpcMain, 'handle' | 'removeHandler'>,
  { dispatch, events }: { readonly dispatch: Dispatch; readonly events: EventHub },
): Bridge {
  const admitted = new Map<number, Page>();
  const leaving = new Map<number, () => void>();
  const leave = (id: number) => {
    leaving.get(id)?.();
    leaving.delete(id);
  };
  const guarded = async (
    event: IpcMainInvokeEvent,
    work: (page: Page) => unknown,
  ): Promise<Result<unknown>> => {
    try {
      const page = isOwnPage(event, admitted) ? admitted.get(event.sender.id) : undefined;
      if (page === undefined) throw new StudioError('FORBIDDEN', 'Only the page of the studio may ask.');
      return (await work(page)) as Result<unknown>;
    } catch (thrown) {
      return { ok: false, error: errorData(thrown) };
    }
  };
  ipc.handle(CHANNELS.request, (event, route: unknown, input: unknown) =>
    guarded(event, async () => cloneable(await dispatch(typeof route === 'string' ? route : '', input))),
  );
  ipc.handle(CHANNELS.subscribe, (event, cursor: unknown) =>
    guarded(event, (page) => {
      leave(page.id);
      leaving.set(
        page.id,
        events.subscribe(typeof cursor === 'string' ? cursor : null, (batch) => {
          if (!page.isDestroyed()) page.send(CHANNELS.events, batch);
        }),
      );
      return { ok: true, value: events.cursor };
    }),
  );
  ipc.handle(CHANNELS.leave, (event) =>
    guarded(event, (page) => {
      leave(page.id);
      return { ok: true, value: null };
    }),
  );
  return {
    admit: (page) => {
      admitted.set(page.id, page);
      page.once('destroyed', () => {
        leave(page.id);
        admitted.delete(page.id);
      });
    },
    close: () => {
      for (const id of [...leaving.keys()]) leave(id);
      for (const channel of [CHANNELS.request, CHANNELS.subscribe, CHANNELS.leave])
        ipc.removeHandler(channel);
    },
  };
}

/** The top frame of an admitted window, showing a page of app://studio. A frame that is gone is nobody's. */
export function isOwnPage(
  { sender, senderFrame }: Pick<IpcMainInvokeEvent, 'sender' | 'senderFrame'>,
  admitted: { has(id: number): boolean },
): boolean {
  if (sender.isDestroyed() || !admitted.has(sender.id)) return false;
  if (senderFrame === null || senderFrame.parent !== null) return false;
  if (!URL.canParse(senderFrame.url)) return false;
  const { protocol, host } = new URL(senderFrame.url);
  return `${protocol}//${host}` === STUDIO_ORIGIN;
}

/** A caller gets an answer even when the value cannot cross. */
function cloneable(result: Result<unknown>): Result<unknown> {
  try {
    return structuredClone(result);
  } catch (thrown) {
    return { ok: false, error: errorData(thrown) };
  }
}
