/** @file Tests. A tunnel to a server on this machine, as `ssh -L` makes one: it can be cut, and restored at the same address. */
import { connect, createServer, type Socket } from 'node:net';

export interface Tunnel {
  readonly origin: string;
  /** Ends every connection, and takes none. */
  cut(): void;
  /** Cuts when somebody is about to ask this, before it goes through: "/rpc/runs/show". */
  cutAt(question: string): Promise<void>;
  restore(): Promise<void>;
}

/** Passes bytes on to `port()`. */
export async function openTunnel(port: () => number): Promise<Tunnel> {
  const sockets = new Set<Socket>();
  let trap: { readonly question: string; readonly sprung: () => void } | null = null;
  const server = createServer((near) => {
    const far = connect(port(), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        for (const end of [near, far]) end.destroy();
      });
    }
    near.on('data', (bytes: Buffer) => {
      if (trap === null || !bytes.includes(trap.question)) return;
      const { sprung } = trap;
      trap = null;
      cut();
      sprung();
    });
    near.pipe(far).pipe(near);
  });
  const cut = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  const listen = (at: number) =>
    new Promise<void>((resolve) => void server.listen(at, '127.0.0.1', () => resolve()));
  await listen(0);
  const { port: own } = server.address() as { port: number };
  return {
    origin: `http://127.0.0.1:${own}`,
    cut,
    cutAt: (question) =>
      new Promise((sprung) => {
        trap = { question, sprung };
      }),
    restore: () => listen(own),
  };
}
