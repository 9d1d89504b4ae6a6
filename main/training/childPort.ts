/** @file Runs in supervised children. Their side of the conversation: orders in, answers out, a decent end. */
import { errorData } from '../../shared/errors.ts';
import { withLostDevice } from '../engines/tensorflow/lostDevice.ts';
import { electronParent } from './electronParent.ts';

const LAST_WORDS_MS = 50;

/** True in a process that somebody supervises; a file that is only imported must not start to work. */
export function isChildProcess(): boolean {
  return process.send !== undefined || electronParent() !== null;
}

export interface ChildPort<Answer> {
  answer(answer: Answer): void;
  /** Sends a last answer and ends the process once it is on its way. */
  end(answer: Answer | null): void;
}

/**
 * Starts listening. A child ignores Ctrl-C and a closing
 * terminal, which its supervisor hears too and turns into an order; dies with its supervisor; and turns what
 * nobody caught into a last answer.
 */
export function openChildPort<Order, Answer>(
  handle: (order: Order, port: ChildPort<Answer>) => Promise<void>,
  failed: (error: ReturnType<typeof errorData>) => Answer,
): ChildPort<Answer> {
  const parent = electronParent();
  const port: ChildPort<Answer> = {
    answer: (answer) => {
      if (parent !== null) parent.postMessage(answer);
      else if (process.connected) process.send!(answer);
    },
    end: (answer) => {
      if (parent !== null) {
        if (answer !== null) parent.postMessage(answer);
        // A posted message is on its way when the next turn begins.
        setTimeout(() => process.exit(0), LAST_WORDS_MS);
        return;
      }
      if (answer === null || !process.connected) process.exit(0);
      process.send!(answer, () => process.exit(0));
    },
  };
  const fail = (thrown: unknown) => port.end(failed(errorData(withLostDevice(thrown))));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.exit(1));
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  const take = (order: unknown) => void handle(order as Order, port).catch(fail);
  if (parent === null) process.on('message', take);
  else parent.on('message', ({ data }) => take(data));
  return port;
}
