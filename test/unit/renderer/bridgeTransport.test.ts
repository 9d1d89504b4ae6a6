/** @file Tests. The page's end of Electron's bridge: many listeners over the one stream that a page has. */
import { describe, expect, it } from 'vitest';
import { BridgeTransport } from '../../../renderer/api/bridgeTransport.ts';
import type { EventBatch } from '../../../shared/contract/events.ts';

/** A page's bridge as main/desktop/ keeps it: one stream, which ends when somebody leaves. */
function bridgeOfOnePage() {
  let send: ((batch: EventBatch) => void) | null = null;
  return {
    request: async () => ({ ok: true, value: null }) as const,
    subscribe: (_cursor: string | null, listener: (batch: EventBatch) => void) => {
      send = listener;
      return () => {
        send = null;
      };
    },
    send: (cursor: string) => send?.({ cursor, events: [{ kind: 'datasets' }] }),
  };
}

describe('the transport over the bridge', () => {
  it('goes on for the others when one listener leaves, even twice', () => {
    const bridge = bridgeOfOnePage();
    const transport = new BridgeTransport(bridge);
    const heard: string[] = [];
    transport.subscribe(({ cursor }) => heard.push(`studio ${cursor}`));
    const leave = transport.subscribe(({ cursor }) => heard.push(`chart ${cursor}`));
    bridge.send('s.1');
    leave();
    leave();
    bridge.send('s.2');
    transport.subscribe(({ cursor }) => heard.push(`table ${cursor}`));
    leave();
    bridge.send('s.3');
    expect(heard).toEqual(['studio s.1', 'chart s.1', 'studio s.2', 'studio s.3', 'table s.3']);
  });
});
