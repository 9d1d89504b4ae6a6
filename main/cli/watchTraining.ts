/** @file Runs under Node. Watches a run from its start to its end, for `train`, `runs resume` and `demo`. */
import type { RunKind } from '../../shared/runs.ts';
import type { RunningTraining, TrainingEnd, TrainingListener } from '../studio/attempt.ts';
import type { Work } from './command.ts';
import { EXIT_DONE, EXIT_INTERRUPTED } from './failure.ts';
import type { RunScreen } from './runScreen.ts';
import { bookLines, TrainingView } from './trainingView.ts';

/** Where a run is shown, and how it is stopped. */
export interface Watching {
  readonly terminal: RunScreen;
  readonly interruption: Work['interruption'];
}

export interface Watched {
  readonly runId: string;
  readonly device: string;
  readonly end: TrainingEnd;
}

/** Starts a run and shows it until it ends; Ctrl-C stops it, twice ends it at once. @throws StudioError when it fails. */
export async function watchRun(
  { terminal, interruption }: Watching,
  plan: { epochs: number; kind?: RunKind },
  start: (listener: TrainingListener) => Promise<RunningTraining>,
): Promise<Watched> {
  const view = new TrainingView(terminal, plan);
  const running = await start({
    onReports: (reports) => {
      for (const report of reports) view.take(report);
    },
  });
  terminal.event('run', { runId: running.runId });
  terminal.line(`Run ${terminal.paint('bold', running.runId)}`);
  const stop = () => {
    running.stop();
    terminal.line('Stopping after this micro-batch, with a checkpoint … (Ctrl-C again ends it at once)');
  };
  const kill = () => running.kill();
  interruption.stop.addEventListener('abort', stop, { once: true });
  interruption.kill.addEventListener('abort', kill, { once: true });
  // Ctrl-C while the run was being made came before anybody listened.
  if (interruption.stop.aborted) stop();
  if (interruption.kill.aborted) kill();
  try {
    const end = await running.done;
    return { runId: running.runId, device: view.device, end };
  } finally {
    interruption.stop.removeEventListener('abort', stop);
    interruption.kill.removeEventListener('abort', kill);
  }
}

/** Says how a run ended. @returns the exit code. */
export function tellEnd({ terminal }: Pick<Watching, 'terminal'>, { runId, device, end }: Watched): number {
  if (end.outcome === 'stopped') {
    terminal.line(
      `${end.step === 0 ? 'Stopped before the first step.' : `Stopped after step ${end.step}, with a checkpoint.`} Go on: npx --no entail runs resume ${runId}`,
    );
    terminal.event('stopped', { runId, step: end.step });
    return EXIT_INTERRUPTED;
  }
  for (const line of bookLines(end.result, device)) terminal.line(line);
  return EXIT_DONE;
}

/** `watchRun` and `tellEnd`, with the next steps and the result event that scripts wait for. */
export async function watchTraining(
  work: Work,
  plan: { epochs: number; kind?: RunKind },
  start: (listener: TrainingListener) => Promise<RunningTraining>,
): Promise<number> {
  const watched = await watchRun(work, plan, start);
  const exitCode = tellEnd(work, watched);
  const { runId, device, end } = watched;
  if (end.outcome !== 'finished') return exitCode;
  work.terminal.line(`\nStored as run ${runId}. What next:`);
  work.terminal.line(`  npx --no entail runs show ${runId}`);
  work.terminal.line(
    plan.kind === 'pretraining'
      ? `  npx --no entail train --dataset NAME --model ${runId}`
      : `  npx --no entail predict ${runId} --premise "…" --hypothesis "…"`,
  );
  work.terminal.event('result', { runId, ...end.result, device });
  return exitCode;
}
