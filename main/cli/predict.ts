/** @file Runs under Node. `entail predict`: one pair, or a whole file to another. */
import { type Command, Option } from 'commander';
import { OFFERED_ENGINES } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import { predictedClass } from '../analysis/mistakes.ts';
import type { Predictor } from '../studio/inference.ts';
import { predictFile, requireTwoFiles } from '../studio/predictFile.ts';
import { predictionFormat } from '../studio/predictionInput.ts';
import { type Cli, type CommonOptions, describe, type Work } from './command.ts';
import { mappingFrom } from './datasetsImport.ts';
import { countOf, countText, shareText } from './figures.ts';
import { bar } from './tables.ts';
import { printable } from './terminal.ts';
import { engineFrom, wholeNumber } from './values.ts';

interface PredictOptions extends CommonOptions {
  readonly premise?: string;
  readonly hypothesis?: string;
  readonly input?: string;
  readonly output?: string;
  readonly mapping?: string;
  readonly force?: true;
  readonly engine?: string;
  readonly threads?: string;
}

const BAR_WIDTH = 20;

/** Files leave such rows out. @throws StudioError USAGE for a text in which there is nothing. */
function requireText(flag: string, text: string | undefined): void {
  if (text === undefined || text.trim() !== '') return;
  throw new StudioError('USAGE', `${flag} is empty.`, { nextStep: `Write a sentence after ${flag}.` });
}

/** What is asked: one pair, or a file. @throws StudioError USAGE when it is neither, or both. */
function askedFor(options: PredictOptions): { premise: string } | { input: string; output: string } {
  const { premise, input, output } = options;
  if (premise !== undefined && input === undefined && output === undefined) {
    requireText('--premise', premise);
    requireText('--hypothesis', options.hypothesis);
    return { premise };
  }
  if (premise === undefined && input !== undefined && output !== undefined) {
    requireTwoFiles(input, output);
    return { input, output };
  }
  throw new StudioError(
    'USAGE',
    'Say what to predict: either --premise (and --hypothesis), or --input and --output.',
    {
      nextStep: 'npx --no entail predict --help shows examples of both.',
    },
  );
}

/** A model of pairs needs both texts, a model of single texts takes one. */
function hypothesisFor({ hypothesis }: PredictOptions, pairs: boolean): string | null {
  if (pairs && hypothesis === undefined)
    throw new StudioError('USAGE', 'This model compares two sentences: --hypothesis is missing.', {
      nextStep: 'Add --hypothesis "…", the second sentence.',
    });
  if (!pairs && hypothesis !== undefined)
    throw new StudioError('USAGE', 'This model reads one text, and --hypothesis is a second.', {
      nextStep: 'Leave --hypothesis out.',
    });
  return hypothesis ?? null;
}

/** For scripts: the run, or the imported model. */
function whoAnswers({ runId, modelId }: Predictor) {
  return runId === null ? { model: modelId } : { runId };
}

async function predictOne(predictor: Predictor, options: PredictOptions, { terminal }: Work): Promise<void> {
  const hypothesis = hypothesisFor(options, predictor.pairs);
  const probabilities = await predictor.predict([{ premise: options.premise!, hypothesis }]);
  const label = predictor.labels[predictedClass(probabilities, predictor.labels.length, 0)]!;
  const named = Object.fromEntries(predictor.labels.map((name, index) => [name, probabilities[index]]));
  terminal.event('result', { ...whoAnswers(predictor), label, probabilities: named });
  terminal.line(terminal.paint('bold', printable(label)));
  const width = Math.max(...predictor.labels.map((name) => name.length));
  for (const [index, name] of predictor.labels.entries()) {
    const share = probabilities[index]!;
    terminal.line(
      `  ${printable(name).padEnd(width)} ${shareText(share).padStart(7)} ${bar(share, BAR_WIDTH)}`,
    );
  }
}

async function predictMany(
  predictor: Predictor,
  options: PredictOptions,
  { terminal, interruption }: Work,
): Promise<void> {
  const { input, output } = options as { input: string; output: string };
  const mapping = mappingFrom({ ...(options.mapping === undefined ? {} : { mapping: options.mapping }) });
  const startedMs = performance.now();
  const done = await predictFile(predictor, {
    input: {
      path: input,
      format: predictionFormat(input),
      premise: mapping?.premise ?? null,
      hypothesis: mapping?.hypothesis ?? null,
      pairs: predictor.pairs,
    },
    output: { path: output, format: predictionFormat(output), force: options.force === true },
    signal: interruption.stop,
    onProgress: (pairs) => {
      terminal.showLive(`predicting  ${countText(pairs)} rows`);
      terminal.event('progress', { pairs });
    },
  });
  const pairsPerSecond = (done.pairs * 1000) / (performance.now() - startedMs);
  terminal.line(
    `${countOf(done.pairs, 'row')} predicted, ${countText(pairsPerSecond)} a second: ${printable(output)}`,
  );
  for (const [reason, { count, firstLine }] of done.rejected) {
    terminal.line(
      terminal.paint('yellow', `left out ${countOf(count, 'row')}: ${reason} (first in line ${firstLine})`),
    );
  }
  const rejected = [...done.rejected].map(([reason, places]) => ({ reason, ...places }));
  terminal.event('result', {
    ...whoAnswers(predictor),
    pairs: done.pairs,
    pairsPerSecond,
    labelCounts: done.labelCounts,
    rejected,
    output,
  });
}

async function runPredict(cli: Cli, run: string, options: PredictOptions): Promise<void> {
  await cli.run(options, async (work) => {
    const asked = askedFor(options);
    const engine = engineFrom(options.engine);
    const threads = wholeNumber('--threads', options.threads, { low: 1, high: 1024 }) ?? null;
    const { inference } = await work.studio();
    const predictor = await inference.openPredictor(run, { engine, threads });
    const kill = () => predictor.kill();
    work.interruption.kill.addEventListener('abort', kill, { once: true });
    try {
      if ('premise' in asked) await predictOne(predictor, options, work);
      else await predictMany(predictor, options, work);
      return undefined;
    } finally {
      work.interruption.kill.removeEventListener('abort', kill);
      await predictor.close();
    }
  });
}

export function addPredict(program: Command, cli: Cli): void {
  const command = describe(program.command('predict <MODEL>'), {
    summary: 'ask a trained model about one pair, or about a whole file',
    details:
      'A file is CSV, TSV or JSONL with a header (or keys), of any size; it is streamed. Its columns are kept, and the\n' +
      'predicted label and one probability a label are added. Cells that a spreadsheet would run get a leading quote.',
    examples: [
      ['predict r7f3k2 --premise "A man plays a guitar." --hypothesis "A man makes music."', 'one pair'],
      [
        'predict r7f3k2 --input pairs.csv --output predicted.csv',
        'a file; columns are guessed from the header',
      ],
      [
        'predict r7f3k2 --input pairs.jsonl --output predicted.tsv --mapping premise=a,hypothesis=b',
        'columns by name',
      ],
    ],
  });
  command
    .option('--premise <TEXT>', 'the first sentence, or the only one')
    .option('--hypothesis <TEXT>', 'the second sentence')
    .option('--input <FILE>', 'a .csv, .tsv or .jsonl file')
    .option('--output <FILE>', 'where predictions go: .csv, .tsv or .jsonl')
    .option('--mapping <PAIRS>', 'which column is what: premise=COL,hypothesis=COL')
    .option('--force', 'replace the output file when it exists')
    .addOption(
      new Option('--engine <NAME>', `${OFFERED_ENGINES.join(' or ')} (default: the best that works)`),
    )
    .option('--threads <N>', 'threads of the engine (default: one a core)')
    .action((run: string, options: PredictOptions) => runPredict(cli, run, options));
}
