/** @file Tests. The studio's events over real HTTP: cut in the middle, read slowly, resumed late, ended with the session. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { LoopbackServer, ServerOptions } from '../../../main/headless/server.ts';
import { createEventHub, type EventHub } from '../../../main/rpc/eventHub.ts';
import type { EventBatch, StudioEvent } from '../../../shared/contract/events.ts';
import { cuttingProxy } from '../../support/cuttingProxy.ts';
import { type EventStream, openEvents } from '../../support/eventStream.ts';
import { serve } from '../../support/hostedStudio.ts';
import { postCall } from '../../support/rpcCall.ts';
import { samplePoints } from '../../support/sampleRun.ts';
import { until } from '../../support/until.ts';

const numbered = (at: number, text = ''): StudioEvent => ({
  kind: 'notice',
  id: `n${at}`,
  level: 'info',
  text: `${at} ${text}`,
});
const numbersOf = (batches: readonly EventBatch[]) =>
  batches.flatMap(({ events }) =>
    events.map((event) => (event.kind === 'notice' ? Number.parseInt(event.text, 10) : event.kind)),
  );

async function open(
  options: Partial<ServerOptions> = {},
): Promise<{ hub: EventHub; server: LoopbackServer }> {
  const hub = createEventHub({ start: 'here', batchMs: 1 });
  const dispatch = async () => ({ ok: true, value: null }) as const;
  return { hub, server: await serve({ dispatch, events: hub }, options) };
}

/** As a page does it: comes back whenever the connection is lost, with the cursor of the last whole batch. */
class StubbornClient {
  readonly batches: EventBatch[] = [];
  readonly #server: LoopbackServer;
  readonly #port: number;
  #cursor: string | null = null;
  #stream: EventStream | null = null;
  #left = false;

  constructor(server: LoopbackServer, port = server.port) {
    this.#server = server;
    this.#port = port;
  }

  async listen(cursor: string | null): Promise<void> {
    this.#cursor = cursor;
    while (!this.#left) {
      this.#stream = openEvents(this.#server, {
        cursor: this.#cursor,
        port: this.#port,
        by: this.batches.length % 2 === 0 ? 'header' : 'address',
        onBatch: (batch) => {
          this.#cursor = batch.cursor;
          this.batches.push(batch);
        },
      });
      await this.#stream.ended;
    }
  }

  leave(): void {
    this.#left = true;
    this.#stream?.cut();
  }
}

it('begins where an answer stood: what changed while it was made is heard, though the page listens only afterwards', async () => {
  const hub = createEventHub({ start: 'here', batchMs: 1 });
  const changed = new Promise<void>((resolve) => void hub.subscribe(null, () => resolve()));
  const dispatch = async () => {
    // What this answer has read is out of date before it is sent.
    hub.publish([numbered(1)]);
    await changed;
    return { ok: true, value: 'old' } as const;
  };
  const server = await serve({ dispatch, events: hub });
  const answer = await postCall(server, 'app/info', {});
  const cursor = answer.headers.get('Event-Cursor');
  expect(cursor).not.toBeNull();
  const batches: EventBatch[] = [];
  const stream = openEvents(server, { cursor, onBatch: (batch) => batches.push(batch) });
  await until(
    async () => numbersOf(batches),
    (numbers) => numbers.length > 0,
  );
  expect(numbersOf(batches)).toEqual([1]);
  stream.cut();
});

describe('a client whose connection is cut in the middle, again and again', () => {
  it('misses nothing and gets nothing twice (R33)', async () => {
    const { hub, server } = await open();
    // From a few bytes of the head up to several batches, some cuts within a letter of two bytes.
    const proxy = await cuttingProxy(server.port, (at) => 400 + ((at * 7919) % 2300));
    const client = new StubbornClient(server, proxy.port);
    const listening = client.listen(hub.cursor);
    let count = 0;
    // A machine that is busy tells of more at once, and so is cut less often while this goes on.
    while (count < 500 || proxy.cuts <= 20) {
      hub.publish([numbered(count, 'ä'.repeat((count * 31) % 200))]);
      if (count % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (count % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      count++;
    }
    proxy.heal();
    await until(() => numbersOf(client.batches).at(-1) === count - 1);
    client.leave();
    await listening;
    expect(numbersOf(client.batches)).toEqual(Array.from({ length: count }, (_, at) => at));
  });

  it('that knows another start of the studio begins anew, and then goes on', async () => {
    const { hub, server } = await open();
    hub.publish([numbered(0)]);
    // On a busy machine the client could come before that batch has left, and hear it after the reset.
    await until(() => hub.cursor === 'here.1');
    const client = new StubbornClient(server);
    const listening = client.listen('elsewhere.3');
    await until(() => client.batches.length === 1);
    hub.publish([numbered(1)]);
    await until(() => client.batches.length === 2);
    client.leave();
    await listening;
    expect(numbersOf(client.batches)).toEqual(['reset', 1]);
  });
});

describe('a client that is slow', () => {
  it('is let go before its unread events fill the memory, and begins anew when it comes back', async () => {
    const { hub, server } = await open();
    const socket = connect(server.port, '127.0.0.1');
    socket.write(
      `GET /events HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAuthorization: Bearer ${server.key}\r\n\r\n`,
    );
    await once(socket, 'readable');
    // From here on it reads nothing, while more is told than kernel and studio hold for a connection.
    let told = 0;
    hub.subscribe(null, () => told++);
    const events = [{ kind: 'points', run: 'r1', points: samplePoints('step/loss', 1, 10_000) } as const];
    for (let batch = 0; batch < 60; batch++) {
      hub.publish(events);
      await until(() => told > batch);
    }
    const toldBytes = told * JSON.stringify(events).length;
    let receivedBytes = 0;
    let gone = false;
    socket.on('data', (bytes) => {
      receivedBytes += bytes.byteLength;
    });
    for (const end of ['error', 'close'] as const)
      socket.on(end, () => {
        gone = true;
      });
    await until(() => gone || receivedBytes > toldBytes);
    expect(gone).toBe(true);
    expect(receivedBytes).toBeLessThan(toldBytes);
    // It is told to begin anew, because what it missed is more than is kept.
    const client = new StubbornClient(server);
    const listening = client.listen('here.1');
    await until(() => client.batches.length === 1);
    client.leave();
    await listening;
    expect(numbersOf(client.batches)).toEqual(['reset']);
  });

  it('gets all that is kept in one go, however long it was away', async () => {
    const { hub, server } = await open();
    let told = 0;
    hub.subscribe(null, () => told++);
    for (let at = 0; at < 5; at++) {
      hub.publish([{ kind: 'points', run: 'r1', points: samplePoints('step/loss', 1, 10_000) }]);
      await until(() => told === at + 1);
    }
    const client = new StubbornClient(server);
    const listening = client.listen('here.0');
    await until(() => client.batches.length === 5);
    client.leave();
    await listening;
    expect(client.batches.map(({ cursor }) => cursor)).toEqual([1, 2, 3, 4, 5].map((at) => `here.${at}`));
  });
});

describe('a stream', () => {
  async function session(server: LoopbackServer): Promise<Record<string, string>> {
    const headers = { 'Content-Type': 'application/json', Origin: server.origin };
    const body = JSON.stringify({ key: server.key });
    const answer = await fetch(`${server.origin}/session`, { method: 'POST', headers, body });
    return { ...headers, Cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0]! };
  }

  it('ends when its session does, and no other one', async () => {
    const { server } = await open();
    const [one, other] = [await session(server), await session(server)];
    const streamOf = async (headers: Record<string, string>) =>
      (await fetch(`${server.origin}/events`, { headers })).body!.getReader();
    const [first, second] = [await streamOf(one), await streamOf(other)];
    await Promise.all([first.read(), second.read()]);
    // What was on its way comes first: the hello may arrive in pieces, and a heartbeat in between.
    const toEnd = async (reader: typeof first) => {
      while (!(await reader.read()).done);
    };
    let hasSecondEnded = false;
    const secondEnd = toEnd(second)
      .catch(() => {})
      .then(() => {
        hasSecondEnded = true;
      });
    expect((await fetch(`${server.origin}/logout`, { method: 'POST', headers: one })).status).toBe(200);
    await toEnd(first);
    expect((await fetch(`${server.origin}/events`, { headers: one })).status).toBe(401);
    expect(hasSecondEnded).toBe(false);
    // The other one ends with the server only.
    await server.close();
    await secondEnd;
  });

  it('shows that it lives while there is nothing to tell', async () => {
    const { server } = await open({ heartbeatMs: 5 });
    const headers = { Authorization: `Bearer ${server.key}` };
    const reader = (await fetch(`${server.origin}/events`, { headers })).body!.getReader();
    let text = '';
    while (!text.includes(': alive\n\n')) text += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    expect(text).toMatch(/^retry: 1000\nevent: hello\ndata: "here\.0"\n\n/);
  });
});
