/** @file Tests. A proxy before a server that cuts each connection after some bytes of its answer, wherever that is. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll } from 'vitest';

const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing.splice(0)) close();
});

export interface CuttingProxy {
  readonly port: number;
  /** Connections that were cut. */
  readonly cuts: number;
  /** From now on nothing is cut. */
  heal(): void;
}

/** `bytesOf` says how many bytes of the n-th answer, counted from 0, come through. */
export async function cuttingProxy(
  port: number,
  bytesOf: (connection: number) => number,
): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let [connections, cuts, healed] = [0, 0, false];
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    let left = healed ? Number.POSITIVE_INFINITY : bytesOf(connections++);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    client.pipe(upstream);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroySoon());
    upstream.on('data', (bytes) => {
      client.write(bytes.subarray(0, left));
      left -= bytes.byteLength;
      if (left > 0) return;
      cuts++;
      upstream.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port: (server.address() as AddressInfo).port,
    get cuts() {
      return cuts;
    },
    heal: () => {
      healed = true;
    },
  };
}
