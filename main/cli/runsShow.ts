/** @file Runs under Node. `entail runs show`: one run's configuration, result, evaluations, checkpoints and log. */
import type { Command } from 'commander';
import { type CheckpointRecord, type EvaluationRecord, runKind } from '../../shared/runs.ts';
import type { RunDetails } from '../studio/runs.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { placeText } from './failure.ts';
import { countOf, countText, shareText, sizeText, threeDecimals } from './figures.ts';
import { standingText } from './queueText.ts';
import { confusionLines, tableLines } from './tables.ts';
import { printable, type Terminal } from './terminal.ts';
import { bookLines, SELECTED_ON_TEST, truncatedText } from './trainingView.ts';

function afterEpoch({ split, epoch }: EvaluationRecord): string {
  return `${split} after epoch ${epoch.toFixed(2)}`;
}

/** Figures of one evaluated split under a title, its confusion matrix, and precision and recall of each class. */
export function evaluationLines(
  evaluation: EvaluationRecord,
  labels: readonly string[],
  title = afterEpoch(evaluation),
): string[] {
  const { accuracy, loss, macroF1, pairs, confusion, perClass } = evaluation;
  const columns = [
    { title: 'label' },
    ...['precision', 'recall', 'F1', 'pairs'].map((name) => ({ title: name, right: true })),
  ];
  const rows = perClass.map(({ label, precision, recall, f1, support }) => [
    label,
    threeDecimals(precision),
    threeDecimals(recall),
    threeDecimals(f1),
    countText(support),
  ]);
  return [
    `${printable(title)}: acc ${accuracy.toFixed(3)}, loss ${loss.toFixed(3)}, macro-F1 ${macroF1.toFixed(3)}, ${countText(pairs)} pairs`,
    ...confusionLines(labels, confusion),
    '',
    ...tableLines(columns, rows),
  ];
}

function headLines(run: RunDetails, terminal: Terminal): string[] {
  const { config, engine, environment } = run;
  const named = [
    run.name,
    run.experiment === null ? null : `experiment ${run.experiment}`,
    ...run.tags.map((tag) => `#${tag}`),
  ];
  const name = named.filter((part) => part !== null).join(', ');
  return [
    `${terminal.paint('bold', run.id)}${name === '' ? '' : ` (${printable(name)})`}: ${standingText(run)}`,
    `${runKind(config) === 'pretraining' ? 'text    ' : 'data set'}    ${printable(config.dataset.name)} (${config.dataset.contentHash.slice(0, 12)})`,
    `made        ${run.createdAt}${run.finishedAt === null ? '' : `, ended ${run.finishedAt}`}`,
    `engine      ${engine === null ? (config.engine ?? 'the best that works') : `${engine.engine} on ${printable(engine.device)}, ${countOf(engine.threads, 'thread')}, ${engine.deterministic ? 'deterministic' : 'not deterministic'}`}`,
    `machine     ${printable(environment.cpu)}, ${environment.cores} cores, ${environment.platform}, Node ${environment.node}, Entail ${environment.entail}${environment.gitCommit === null ? '' : ` (${environment.gitCommit.slice(0, 10)})`}`,
    `folder      ${printable(run.folder)}`,
    ...(run.notes === '' ? [] : [`notes       ${printable(run.notes)}`]),
  ];
}

/** What a run that waits, or is paused, waits for. `place` is its place in the queue. */
function waitingLines({ id, state, error }: RunDetails, place: number | null): string[] {
  if (place !== null)
    return ['', `It waits in the queue, at place ${place}. What starts it: npx --no entail queue list`];
  if (state === 'pausing') return ['', 'It saves a checkpoint and waits then, with the model loaded.'];
  if (state === 'paused' && error !== null)
    return [
      '',
      `It waits for room on the disk, and goes on by itself: ${printable(error.message)}`,
      `next: ${printable(error.nextStep)}`,
    ];
  if (state === 'paused')
    return ['', `It is paused, with the model loaded. Go on with it: npx --no entail runs resume ${id}`];
  return [];
}

function outcomeLines(run: RunDetails): string[] {
  if (run.state === 'queued') return [];
  if (run.result !== null) return ['', ...bookLines(run.result, run.engine?.device ?? 'unknown')];
  if (run.state === 'failed' && run.error !== null)
    return [
      '',
      `error: ${printable(run.error.message)}`,
      ...[placeText(run.error.place)].filter((place) => place !== ''),
      `next: ${printable(run.error.nextStep)}`,
    ];
  if (run.state !== 'stopped' && run.state !== 'interrupted') return [];
  const why = run.state === 'stopped' || run.error === null ? [] : [`why: ${printable(run.error.message)}`];
  if (run.lost === 'folder')
    return [
      '',
      ...why,
      `Its folder is missing, or files in it are, and so it cannot be resumed: ${printable(run.folder)}`,
    ];
  const again = run.lost === 'checkpoints' ? ' (it begins again: its checkpoints are missing)' : '';
  return ['', ...why, `Go on with it${again}: npx --no entail runs resume ${run.id}`];
}

/** Epochs done at a checkpoint, such as 1.25; its own record counts only whole ones. */
export function epochOf({ step, epoch }: CheckpointRecord, plan: RunDetails['plan']): number {
  return plan === null || plan.stepsPerEpoch === 0 ? epoch : step / plan.stepsPerEpoch;
}

function bodyLines(run: RunDetails): string[] {
  const settings = Object.entries(run.config.hyperparameters).map(
    ([name, value]) => `${name} ${String(value)}`,
  );
  const lines = ['', `settings    ${settings.join(', ')}`];
  if (run.microBatchTokens !== null)
    lines.push(
      run.microBatchTokens === 0
        ? 'resumed     with as many tokens at once as Entail chooses'
        : `resumed     with ${countText(run.microBatchTokens)} tokens at once`,
    );
  // The newest evaluation of each split; the list is in the order of steps.
  const newest = new Map(run.evaluations.map((evaluation) => [evaluation.split, evaluation]));
  for (const evaluation of newest.values()) {
    const said = evaluation.split === 'test' && run.result?.selectedOnTest === true ? SELECTED_ON_TEST : '';
    const title = `${afterEpoch(evaluation)}${said}`;
    lines.push('', ...evaluationLines(evaluation, run.config.dataset.labels, title));
  }
  if (run.checkpoints.length > 0) lines.push('', 'checkpoints');
  for (const checkpoint of run.checkpoints) {
    const { folder, step, kind, sizeBytes } = checkpoint;
    const epoch = epochOf(checkpoint, run.plan).toFixed(2);
    lines.push(`  ${folder}  step ${countText(step)}, epoch ${epoch}, ${kind}, ${sizeText(sizeBytes)}`);
  }
  const truncated =
    run.plan === null
      ? null
      : run.plan.truncatedPairs / Math.max(1, run.plan.stepsPerEpoch * run.config.hyperparameters.batchSize);
  if (truncated !== null && truncated > 0)
    lines.push(
      '',
      runKind(run.config) === 'pretraining'
        ? truncatedText(run.plan?.truncatedPairs ?? 0, 'pretraining')
        : `${countText(run.plan?.truncatedPairs ?? 0)} training pairs (about ${shareText(truncated)}) were truncated`,
    );
  if (run.log.length > 0) lines.push('', 'log');
  for (const { at, level, text } of run.log)
    lines.push(`  ${at.slice(0, 19)} ${level === 'warning' ? 'warning: ' : ''}${printable(text)}`);
  return lines;
}

export function addRunsShow(parent: Command, cli: Cli): void {
  const command = describe(parent.command('show <RUN>'), {
    summary: 'one run: configuration, figures, confusion matrix, checkpoints, log',
    examples: [
      ['runs show r7f3k2', 'everything about a run but its curves'],
      ['runs show r7f3k2 --json', 'the same as a JSON object'],
    ],
  });
  command.action((id: string, options: CommonOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const { runs, queue } = await studio();
      const run = runs.show(id);
      const place = queue.placeOf(run.id);
      terminal.document({ ...run, queuePlace: place });
      const standing = [...waitingLines(run, place), ...outcomeLines(run)];
      for (const line of [...headLines(run, terminal), ...standing, ...bodyLines(run)]) terminal.line(line);
      return undefined;
    }),
  );
}
