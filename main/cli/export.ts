/** @file Runs under Node. `entail export`: a run into other people's formats, with proof that the answers are the same. */
import { type Command, Option } from 'commander';
import { StudioError } from '../../shared/errors.ts';
import {
  EXPORT_FORMATS,
  EXPORT_PRECISIONS,
  type ExportFormat,
  type ExportPrecision,
  type ExportRecord,
  FORMAT_NAMES,
  METRIC_FILE_FORMATS,
} from '../../shared/exports.ts';
import { agreementShare } from '../export/parity/bars.ts';
import type { CheckpointChoice } from '../studio/chosenCheckpoint.ts';
import { type Cli, type CommonOptions, describe, type Work } from './command.ts';
import { EXIT_DONE, EXIT_FAILED } from './failure.ts';
import { countText, shareText, sizeText } from './figures.ts';
import { fractionText } from './progressText.ts';
import { printable, type Terminal } from './terminal.ts';
import { engineFrom, wholeNumber } from './values.ts';

interface ExportOptions extends CommonOptions {
  readonly to?: string[];
  readonly out?: string;
  readonly precision?: string;
  readonly checkpoint?: string;
  readonly format?: string;
  readonly licenceData?: string;
  readonly licenceBase?: string;
  readonly engine?: string;
  readonly threads?: string;
}

function oneOf<Value extends string>(flag: string, given: string, values: readonly Value[]): Value {
  const found = values.find((value) => value === given);
  if (found !== undefined) return found;
  throw new StudioError('USAGE', `${flag} must be ${values.join(', ')}; "${given}" is not.`, {
    nextStep: `Name one of them, such as ${flag} ${values[0]}.`,
  });
}

function checkpointFrom(given: string | undefined): CheckpointChoice {
  if (given === undefined) return null;
  if (given === 'best' || given === 'last') return given;
  return wholeNumber('--checkpoint', given, { low: 0, high: Number.MAX_SAFE_INTEGER }) ?? null;
}

/** @throws StudioError USAGE. */
function askedFor({ to = [], out, format }: ExportOptions) {
  const formats = [...new Set(to)].map((one) => oneOf('--to', one, EXPORT_FORMATS));
  if (formats.length === 0)
    throw new StudioError('USAGE', 'Say what to export to: --to is missing.', {
      nextStep: `Add --to and one or more of ${EXPORT_FORMATS.join(', ')}.`,
    });
  if (out === undefined)
    throw new StudioError('USAGE', 'Say where the export goes: --out is missing.', {
      nextStep: 'Add --out FOLDER.',
    });
  const metrics = formats.includes('metrics');
  if (metrics && formats.length > 1)
    throw new StudioError('USAGE', 'Metrics are exported by themselves.', {
      nextStep: 'Leave the other formats out.',
    });
  if (!metrics && format !== undefined)
    throw new StudioError('USAGE', '--format is for --to metrics.', { nextStep: 'Leave --format out.' });
  const fileFormat = oneOf('--format', format ?? 'csv', METRIC_FILE_FORMATS);
  return { formats, folder: out, fileFormat, metrics };
}

/** Asked on a terminal; elsewhere "not stated" unless a flag says it. */
async function licencesOf(
  { licenceData, licenceBase }: ExportOptions,
  asksBase: boolean,
  terminal: Terminal,
) {
  const ask = async (question: string) => {
    const answer = terminal.asks ? (await terminal.ask(question)).trim() : '';
    return answer === '' ? null : answer;
  };
  return {
    data: licenceData ?? (await ask('Licence of the data, for the card (Enter: not stated): ')),
    base: licenceBase ?? (asksBase ? await ask('Licence of the base model (Enter: not stated): ') : null),
  };
}

async function runExport(
  run: string,
  options: ExportOptions,
  { terminal, interruption, studio }: Work,
): Promise<number> {
  const { formats, folder, fileFormat, metrics } = askedFor(options);
  const precision = oneOf('--precision', options.precision ?? 'fp32', EXPORT_PRECISIONS);
  const checkpoint = checkpointFrom(options.checkpoint);
  const engine = engineFrom(options.engine);
  const threads = wholeNumber('--threads', options.threads, { low: 1, high: 1024 }) ?? null;
  const { exports, runs } = await studio();
  const watch = {
    signal: interruption.stop,
    kill: interruption.kill,
    onProgress: ({ fraction, note }: { fraction: number; note: string }) => {
      terminal.showLive(`${fractionText(fraction)}  ${note}`);
      terminal.event('progress', { fraction, note });
    },
    // At once: what is done stays, also when a later format fails or is stopped.
    onExported: (record: ExportRecord) => tell(terminal, record, precision),
  };
  if (metrics) {
    await exports.exportMetrics({ run, fileFormat, folder }, watch);
    return EXIT_DONE;
  }
  const to = formats.filter((format): format is Exclude<ExportFormat, 'metrics'> => format !== 'metrics');
  const request = { run, to, precision, folder, checkpoint, engine, threads };
  exports.check({ ...request, licences: { data: null, base: null } });
  const licences = await licencesOf(options, runs.find(run).config.startFrom !== null, terminal);
  const records = await exports.export({ ...request, licences }, watch);
  return records.some(({ state }) => state === 'failed') ? EXIT_FAILED : EXIT_DONE;
}

/** Its format, and its precision where that is not plain or not what was asked for. */
function nameOf({ to, precision }: ExportRecord, asked: ExportPrecision): string {
  const name = FORMAT_NAMES[to];
  if (precision === null || (precision === asked && precision === 'fp32')) return name;
  return `${name}, ${precision}${precision === asked ? '' : ` (there is no ${asked} of it)`}`;
}

function tell(terminal: Terminal, record: ExportRecord, asked: ExportPrecision): void {
  const { state, folder, sizeBytes, parity } = record;
  const painted = state === 'failed' ? 'red' : state === 'unverified' ? 'yellow' : 'green';
  terminal.line(
    `${nameOf(record, asked)}: ${terminal.paint(painted, state)}, ${sizeText(sizeBytes)}, ${printable(folder)}`,
  );
  if (parity?.numbers != null && parity.agreement !== null) {
    const { numbers, agreement } = parity;
    terminal.line(
      `  logits of ${numbers.pairs} pairs differ by at most ${numbers.maxDifference.toExponential(1)} ` +
        `(mean ${numbers.meanDifference.toExponential(1)}); same answer on ${shareText(agreementShare(agreement), 2)} of ` +
        `${countText(agreement.rows)} rows (${agreement.endedBy}); by ${printable(parity.exportRuntime)}`,
    );
  } else if (state === 'unverified' && parity !== null) {
    terminal.line(`  not compared to the end; the export: ${printable(parity.exportRuntime)}`);
  }
  for (const failure of parity?.failures ?? []) terminal.line(`  ${terminal.paint('red', failure)}`);
  if (parity?.firstDivergence != null)
    terminal.line(`  first place that differs: ${parity.firstDivergence.place}`);
  terminal.event('export', { ...record });
}

export function addExport(program: Command, cli: Cli): void {
  const command = describe(program.command('export <RUN>'), {
    summary: 'a trained model, or its run, for other programs',
    details:
      'Each format is written beside its place, compared with the answers of the studio (parity.json says on what), and\n' +
      'then renamed; one that answers otherwise is kept aside, as FOLDER.failed. Ctrl-C while it compares keeps it,\n' +
      'unverified. An earlier export of that format in its place is replaced; any other folder, and one that was\n' +
      'changed since, is not.',
    examples: [
      [
        'export r7f3k2 --to hf --out for-python',
        "a folder for transformers (of a BERT) or PyTorch (of the book's network)",
      ],
      ['export r7f3k2 --to onnx --precision int8 --out small', 'weights in 8 bits, with what that costs'],
      ['export r7f3k2 --to onnx web torch --out exported', 'exported/onnx, exported/web, exported/torch'],
      ['export r7f3k2 --to run --out to-take-along', 'one file for another studio: runs import'],
      ['export r7f3k2 --to metrics --format tensorboard --out curves', 'or csv, json, parquet'],
    ],
  });
  command
    .option('--to <FORMAT...>', EXPORT_FORMATS.join(', '))
    .option('--out <FOLDER>', 'where it goes; of several formats each gets a folder in it')
    .addOption(
      new Option(
        '--precision <PRECISION>',
        `of weights: ${EXPORT_PRECISIONS.join(', ')} in onnx, fp16 in tfjs and web`,
      ),
    )
    .option('--checkpoint <WHICH>', "best, last, or a step (default: the one that the run's figures are of)")
    .option('--format <FORMAT>', `of --to metrics: ${METRIC_FILE_FORMATS.join(', ')} (default: csv)`)
    .option('--licence-data <TEXT>', 'licence of the data, for the model card')
    .option('--licence-base <TEXT>', 'licence of the base model, for the model card')
    .option('--engine <NAME>', "computes the studio's answers (default: the best that works)")
    .option('--threads <N>', 'threads of the engine (default: one a core)')
    .action((run: string, options: ExportOptions) =>
      cli.run(options, (work) => runExport(run, options, work)),
    );
}
