/** @file Tests. A studio reached over each transport in the same way: in memory, through Electron's cloning bridge, over real HTTP. */
import { CHANNELS, openBridge } from '../../main/desktop/bridge.ts';
import type { EventListener } from '../../main/rpc/eventHub.ts';
import type { HostedStudio } from '../../main/studio/hosting.ts';
import type { EventBatch } from '../../shared/contract/events.ts';
import type { Result } from '../../shared/contract/route.ts';
import { errorData } from '../../shared/errors.ts';
import { openEvents } from './eventStream.ts';
import { FakeIpc, FakePage } from './fakeElectron.ts';
import { callOverHttp, serve } from './hostedStudio.ts';

export interface Reached {
  readonly call: (route: string, input: unknown) => Promise<Result<unknown>>;
  /** Settles when events come. Returns how to leave. */
  readonly subscribe: (cursor: string | null, listener: EventListener) => Promise<() => void>;
  /** Takes the door away and leaves the studio as it is. */
  readonly shut: () => Promise<void>;
}

export type Reachable = Pick<HostedStudio, 'dispatch' | 'events'>;

export const TRANSPORTS: Readonly<
  Record<'memory' | 'electron' | 'http', (studio: Reachable) => Promise<Reached>>
> = {
  memory: async ({ dispatch, events }) => ({
    call: dispatch,
    subscribe: async (cursor, listener) => events.subscribe(cursor, listener),
    shut: async () => {},
  }),
  electron: async (studio) => overElectron(studio),
  http: async (studio) => {
    const server = await serve(studio);
    return {
      call: (route, input) =>
        callOverHttp(server, route, input).catch((thrown: unknown) => ({
          ok: false,
          error: { code: 'CONNECTION_LOST', message: String(thrown), nextStep: '' },
        })),
      subscribe: async (cursor, listener) => {
        const stream = openEvents(server, { cursor, onBatch: listener });
        await stream.open;
        return () => stream.cut();
      },
      shut: () => server.close(),
    };
  },
};

/** One window with a page in it, as renderer/api/bridgeTransport.ts and main/desktop/preload.cts would speak. */
function overElectron(studio: Reachable): Reached {
  const ipc = new FakeIpc();
  const page = new FakePage(1);
  const bridge = openBridge(ipc, studio);
  bridge.admit(page.contents);
  const frame = { url: 'app://studio/', parent: null };
  return {
    call: async (route, input) => {
      try {
        return (await ipc.invoke({ page, frame }, CHANNELS.request, route, input)) as Result<unknown>;
      } catch (thrown) {
        return { ok: false, error: errorData(thrown) };
      }
    },
    subscribe: async (cursor, listener) => {
      const hear = () => listener(page.heard.at(-1)!.value as EventBatch);
      page.on('heard', hear);
      await ipc.invoke({ page, frame }, CHANNELS.subscribe, cursor);
      return () => {
        page.off('heard', hear);
        void ipc.invoke({ page, frame }, CHANNELS.leave);
      };
    },
    shut: async () => bridge.close(),
  };
}
