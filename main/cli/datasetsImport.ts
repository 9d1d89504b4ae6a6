/** @file Runs under Node. `entail datasets import`: reads a data set from a file, folder or zip. */
import { type Command, Option } from 'commander';
import { z } from 'zod';
import type { ColumnMapping } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import type { TooManyBadRows } from '../data/tooManyBadRows.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { importReportLines, nextStepLine, rejectedLines } from './importReport.ts';
import { importProgressText } from './progressText.ts';
import { splitFrom, wholeNumber } from './values.ts';

const FORMATS = ['snli-txt', 'snli-jsonl', 'csv', 'tsv', 'jsonl', 'parquet'] as const;

interface ImportOptions extends CommonOptions {
  readonly name: string;
  readonly format?: ColumnMapping['format'];
  readonly mapping?: string;
  readonly labels?: string;
  readonly as?: string;
  readonly splitSeed?: string;
}

const mappingSchema = z.strictObject({
  premise: z.string().min(1).optional(),
  hypothesis: z.string().min(1).nullable().optional(),
  label: z.string().min(1).optional(),
  split: z.string().min(1).nullable().optional(),
  tokenised: z
    .union([z.boolean(), z.enum(['true', 'false'])])
    .transform((value) => value === true || value === 'true')
    .optional(),
});

/** "a=b,c=d" or a JSON object, as a map of strings. */
function pairsOf(flag: string, text: string): Record<string, unknown> {
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text) as Record<string, unknown>;
    } catch {
      throw new StudioError('USAGE', `${flag} starts like JSON and is none: ${text}`, {
        nextStep: `Write ${flag} 'a=b,c=d' instead.`,
      });
    }
  }
  const pairs = text.split(',').map((pair) => pair.split('='));
  const wrong = pairs.find((parts) => parts.length !== 2 || parts[0]!.trim() === '');
  if (wrong !== undefined) {
    throw new StudioError('USAGE', `${flag} must be pairs such as a=b,c=d; "${wrong.join('=')}" is none.`, {
      nextStep: `Names that hold = or a comma need JSON: ${flag} '{"a=1": "b"}'`,
    });
  }
  return Object.fromEntries(pairs.map(([left, right]) => [left!.trim(), right!.trim()]));
}

/** The column and label mapping given by flags; undefined when nothing was given and everything is to be guessed. */
export function mappingFrom({
  mapping,
  labels,
}: Pick<ImportOptions, 'mapping' | 'labels'>): Partial<ColumnMapping> | undefined {
  if (mapping === undefined && labels === undefined) return undefined;
  const parsed = mappingSchema.safeParse(mapping === undefined ? {} : pairsOf('--mapping', mapping));
  if (!parsed.success) {
    throw new StudioError(
      'USAGE',
      '--mapping knows premise, hypothesis, label, split and tokenised (true or false).',
      {
        nextStep: "For example: --mapping 'premise=sentence1,hypothesis=sentence2,label=gold_label'",
      },
    );
  }
  const columns = Object.fromEntries(Object.entries(parsed.data).filter(([, value]) => value !== undefined));
  if (labels === undefined) return columns;
  const words = z.record(z.string(), z.string().min(1)).safeParse(pairsOf('--labels', labels));
  if (!words.success)
    throw new StudioError(
      'USAGE',
      '--labels must give a name for every word, such as 0=entailment,1=neutral.',
    );
  return { ...columns, labels: words.data };
}

function isTooManyBadRows(thrown: unknown): thrown is TooManyBadRows {
  return thrown instanceof StudioError && thrown.code === 'TOO_MANY_BAD_ROWS' && 'report' in thrown;
}

async function runImport(cli: Cli, path: string, options: ImportOptions): Promise<void> {
  await cli.run(options, async ({ terminal, interruption, studio }) => {
    const mapping = mappingFrom(options);
    const splitSeed = wholeNumber('--split-seed', options.splitSeed, { low: 0, high: 2 ** 32 - 1 });
    const { datasets } = await studio();
    try {
      const dataset = await datasets.import({
        path,
        name: options.name,
        ...(mapping === undefined ? {} : { mapping }),
        ...(options.format === undefined ? {} : { format: options.format }),
        ...(splitSeed === undefined ? {} : { splitSeed }),
        ...(options.as === undefined ? {} : { wholeSplit: splitFrom(options.as) }),
        signal: interruption.stop,
        onProgress: (progress) => {
          terminal.showLive(importProgressText(progress));
          terminal.event('progress', progress);
        },
      });
      for (const line of importReportLines(dataset, terminal)) terminal.line(line);
      terminal.line(`\n${nextStepLine(dataset)}`);
      terminal.event('result', { dataset });
      return undefined;
    } catch (thrown) {
      if (isTooManyBadRows(thrown)) {
        for (const line of rejectedLines(thrown.report)) terminal.line(line);
        terminal.event('report', { report: thrown.report });
      }
      throw thrown;
    }
  });
}

export function addDatasetsImport(parent: Command, cli: Cli): void {
  const command = describe(parent.command('import <PATH>'), {
    summary: 'read a data set from a file, a folder or snli_1.0.zip',
    details:
      'Reads SNLI (its .txt or .jsonl, in a folder or in the zip) and CSV, TSV, JSONL and Parquet files with one or two text\n' +
      'columns and 2 to 100 classes. Columns and labels are guessed from the header and shown; --mapping and --labels\n' +
      'say otherwise. A file without splits is split 80/10/10, stratified by label.',
    examples: [
      ['datasets import snli_1.0.zip --name snli', 'the official file, as it was downloaded'],
      ['datasets import heuristics_evaluation_set.txt --name hans --as test', 'data that only evaluates'],
      ['datasets import reviews.csv --name reviews --mapping premise=text,label=stars', 'one text column'],
      [
        "datasets import pairs.jsonl --name pairs --labels '0=entailment,1=neutral,2=contradiction'",
        'numbers for labels',
      ],
    ],
  });
  command
    .requiredOption('--name <NAME>', 'what the data set is called from now on')
    .addOption(new Option('--format <FORMAT>', 'when the guess is wrong').choices(FORMATS))
    .option(
      '--mapping <PAIRS>',
      'which column is what: premise=COL,hypothesis=COL,label=COL,split=COL,tokenised=true',
    )
    .option('--labels <PAIRS>', 'what each label in the file is called: WORD=NAME,WORD=NAME')
    .option('--as <SPLIT>', 'which split a file without splits is, whole: train, dev or test')
    .option('--split-seed <N>', 'decides the splits of a file that has none (default: 0)')
    .action((path: string, options: ImportOptions) => runImport(cli, path, options));
}
