/** @file Runs under Node. Work before a studio serves: Ctrl-C ends what it has started, too, and not this process alone. */

/** Conventional for a process that Ctrl-C ended. */
const EXIT_INTERRUPTED = 130;

/** Ends this process once `work` has heard of a signal and come to an end. */
export async function stoppable(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const press = () => stop.abort();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, press);
  try {
    await work(stop.signal);
  } catch (thrown) {
    if (!stop.signal.aborted) throw thrown;
  } finally {
    for (const signal of signals) process.removeListener(signal, press);
  }
  if (stop.signal.aborted) process.exit(EXIT_INTERRUPTED);
}
