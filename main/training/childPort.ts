/** @file Runs in supervised children. Their side of the conversation: orders in, answers out, a decent end. */
import { errorData } from '../../shared/errors.ts';

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
  const port: ChildPort<Answer> = {
    answer: (answer) => {
      if (process.connected) process.send!(answer);
    },
    end: (answer) => {
      if (answer === null || !process.connected) process.exit(0);
      process.send!(answer, () => process.exit(0));
    },
  };
  const fail = (thrown: unknown) => port.end(failed(errorData(thrown)));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.exit(1));
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  process.on('message', (order) => {
    handle(order as Order, port).catch(fail);
  });
  return port;
}
