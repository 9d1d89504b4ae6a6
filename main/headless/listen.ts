/** @file Runs under Node. Listening on this machine only, and what a person hears when that is not possible. */
import type { Server } from 'node:http';
import { StudioError } from '../../shared/errors.ts';

/** @throws StudioError ALREADY_EXISTS when the port is taken, WRITE_FAILED when listening is not allowed. */
export async function listenOnLoopback(server: Server, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, '127.0.0.1', resolve);
  const nextStep = 'Choose another one with --port, or any free one with --port 0.';
  try {
    await promise;
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE')
      throw new StudioError('ALREADY_EXISTS', `Port ${port} is in use by another program.`, { nextStep });
    const message = `Port ${port} cannot be listened on: ${(thrown as Error).message}.`;
    throw new StudioError('WRITE_FAILED', message, { nextStep });
  }
}
