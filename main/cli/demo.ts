/** @file Runs under Node. `entail demo`: the main job on the built-in sample, from import to mistakes. */
import { type Command, Option } from 'commander';
import type { Dataset, Example } from '../../shared/datasets.ts';
import { OFFERED_ENGINES } from '../../shared/engines.ts';
import { QUICK } from '../../shared/presets.ts';
import { type Mistake, worstMistakes } from '../analysis/mistakes.ts';
import type { RunDetails } from '../studio/runs.ts';
import { samplePath } from '../studio/sampleDataset.ts';
import type { Studio } from '../studio.ts';
import { type Cli, type CommonOptions, describe, type Work } from './command.ts';
import { besideProgramsOption } from './devicesFlag.ts';
import { EXIT_DONE } from './failure.ts';
import { countText, durationText, shareText } from './figures.ts';
import { importProgressText } from './progressText.ts';
import { evaluationLines } from './runsShow.ts';
import { printable } from './terminal.ts';
import { engineFrom, wholeNumber } from './values.ts';
import { tellEnd, watchRun } from './watchTraining.ts';

const SAMPLE = 'sample';
const SHOWN_MISTAKES = 5;

interface DemoOptions extends CommonOptions {
  readonly engine?: string;
  readonly threads?: string;
  readonly besidePrograms?: true;
}

/** The sample, imported now unless an earlier demo did. */
async function sampleDataset({ datasets }: Studio, { terminal, interruption }: Work): Promise<Dataset> {
  const present = datasets.find(SAMPLE);
  if (present !== null) {
    terminal.line(
      `The built-in sample is imported already: ${countText(present.rows.train)} training pairs.`,
    );
    return present;
  }
  const path = samplePath();
  const onProgress = (progress: Parameters<typeof importProgressText>[0]) =>
    terminal.showLive(importProgressText(progress));
  const dataset = await datasets.import({ path, name: SAMPLE, signal: interruption.stop, onProgress });
  const { train, dev, test } = dataset.rows;
  terminal.line(
    `Imported the built-in sample: ${countText(train)} training, ${countText(dev)} dev and ${countText(test)} test pairs.`,
  );
  return dataset;
}

interface ShownMistake extends Mistake {
  readonly example: Example;
}

function mistakesOf(studio: Studio, runId: string, dataset: Dataset): ShownMistake[] {
  const block = studio.runs.predictions(runId, 'test');
  if (block === null) return [];
  const examples = studio.datasets.examples(dataset.id, 'test', { from: 0, count: dataset.rows.test });
  const golds = examples.map(({ label }) => label);
  return worstMistakes(block, golds, SHOWN_MISTAKES).map((mistake) => ({
    ...mistake,
    example: examples[mistake.index]!,
  }));
}

function mistakeLines(
  { example, gold, predicted, confidence }: ShownMistake,
  labels: readonly string[],
): string[] {
  return [
    `  ${printable(example.premise.raw)}`,
    ...(example.hypothesis === null ? [] : [`  ${printable(example.hypothesis.raw)}`]),
    `    is ${labels[gold]}; the model said ${labels[predicted]} (${shareText(confidence, 0)})`,
    '',
  ];
}

function tellResult(
  studio: Studio,
  { terminal }: Work,
  { runId, dataset }: { runId: string; dataset: Dataset },
): void {
  const run = studio.runs.show(runId);
  const evaluation = run.evaluations.findLast(({ split }) => split === 'test');
  if (evaluation !== undefined)
    for (const line of ['', ...evaluationLines(evaluation, dataset.labels)]) terminal.line(line);
  const mistakes = mistakesOf(studio, runId, dataset);
  if (mistakes.length > 0) terminal.line(`\nIts ${mistakes.length} most confident mistakes:\n`);
  for (const mistake of mistakes)
    for (const line of mistakeLines(mistake, dataset.labels)) terminal.line(line);
  terminal.event('mistakes', { mistakes });
  terminal.line(
    `Stored as run ${terminal.paint('bold', runId)} in ${printable(studio.dataDirectory)}. What next:`,
  );
  for (const [line, what] of nextSteps(run, mistakes[0]?.example)) {
    terminal.line(`  npx --no entail ${printable(line)}\n      ${what}`);
  }
}

/** A sentence as one word of a shell. */
function shellQuoted(text: string): string {
  return /^[\w .,;:'?-]*$/.test(text) ? `"${text}"` : `'${text.replaceAll("'", "'\\''")}'`;
}

function nextSteps(run: RunDetails, example: Example | undefined): [line: string, what: string][] {
  const premise = shellQuoted(example?.premise.raw ?? 'A dog sleeps.');
  const hypothesis = shellQuoted(example?.hypothesis?.raw ?? 'An animal sleeps.');
  const steps: [string, string][] = [
    [`runs show ${run.id}`, 'everything about this run'],
    [`predict ${run.id} --premise ${premise} --hypothesis ${hypothesis}`, 'ask the model'],
    ['datasets import PATH --name NAME', 'your own data, or snli_1.0.zip'],
  ];
  if (run.engine?.engine !== 'tensorflow') steps.push(['engines install tensorflow', 'a much faster engine']);
  return steps;
}

async function runDemo(cli: Cli, options: DemoOptions): Promise<void> {
  await cli.run(options, async (work) => {
    const { terminal } = work;
    const engine = engineFrom(options.engine);
    const threads = wholeNumber('--threads', options.threads, { low: 1, high: 1024 }) ?? null;
    const startedMs = performance.now();
    const studio = await work.studio();
    const dataset = await sampleDataset(studio, work);
    const watched = await watchRun(work, { epochs: QUICK.epochs }, (listener) =>
      studio.training.start(
        {
          dataset: dataset.name,
          hyperparameters: QUICK,
          engine,
          threads,
          besidePrograms: options.besidePrograms === true,
          name: 'demo',
          experiment: null,
          tags: [],
          vocabularyPath: null,
          startFrom: null,
        },
        listener,
        work.interruption.stop,
      ),
    );
    const exitCode = tellEnd(work, watched);
    const { runId, device, end } = watched;
    if (end.outcome !== 'finished') return exitCode;
    tellResult(studio, work, { runId, dataset });
    terminal.line(`\nThat took ${durationText((performance.now() - startedMs) / 1000)}.`);
    terminal.event('result', { runId, ...end.result, device });
    return EXIT_DONE;
  });
}

export function addDemo(program: Command, cli: Cli): void {
  const command = describe(program.command('demo'), {
    summary: 'the main job in two minutes: train on the built-in sample and look at the result',
    details:
      'Imports the built-in sample data set, fine-tunes a small model on it, evaluates it on the test split, and prints\n' +
      'the confusion matrix and five mistakes. Nothing is downloaded.',
    examples: [
      ['demo', 'with the best engine that works here'],
      ['demo --engine wasm', 'with the engine that works everywhere'],
    ],
  });
  command
    .addOption(
      new Option('--engine <NAME>', `${OFFERED_ENGINES.join(' or ')} (default: the best that works)`),
    )
    .option('--threads <N>', 'threads of the engine (default: one a core)')
    .addOption(besideProgramsOption())
    .action((options: DemoOptions) => runDemo(cli, options));
}
