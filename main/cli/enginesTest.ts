/** @file Runs under Node. `entail engines test NAME`: an engine on this very device against PyTorch's numbers, as a report. */
import { type Command, Option } from 'commander';
import { COMPARED_PRECISIONS, OFFERED_ENGINES } from '../../shared/engines.ts';
import type { EngineTestReport } from '../../shared/engineTest.ts';
import { writeFileAtomic } from '../files/atomicWrite.ts';
import { formatEngineTest, verdictText } from '../golden/engineTestText.ts';
import { REPORT_AND_COMPILING_LIMIT_MS, REPORT_TIME_LIMIT_MS } from '../studio/engineReport.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { EXIT_DONE, EXIT_FAILED } from './failure.ts';
import { printable, type Terminal } from './terminal.ts';
import { deviceFrom, precisionFrom, requireEngine, wholeNumber } from './values.ts';

interface TestOptions extends CommonOptions {
  readonly device?: string;
  readonly threads?: string;
  readonly precision?: string;
  readonly minutes?: string;
  readonly out?: string;
}

const MINUTE_MS = 60_000;
const DEFAULT_MINUTES = `${REPORT_TIME_LIMIT_MS / MINUTE_MS}, or ${REPORT_AND_COMPILING_LIMIT_MS / MINUTE_MS} where an NVIDIA GPU's driver compiles first`;

/** A live line on a terminal; one line a part elsewhere. */
function progressTeller(terminal: Terminal) {
  let told = '';
  return (progress: { readonly fraction: number; readonly note: string }) => {
    const { fraction, note } = progress;
    terminal.event('progress', progress);
    if (terminal.live) terminal.showLive(`${Math.round(100 * fraction)} % ${note}`);
    else if (note !== told) terminal.line(note);
    told = note;
  };
}

/** What took minutes is shown where it cannot be written. @throws StudioError of the file, afterwards. */
function tell(terminal: Terminal, report: EngineTestReport, out: string | undefined): void {
  const text = formatEngineTest(report);
  terminal.event('result', report);
  const show = () => terminal.line(`\n${printable(text)}`);
  if (out === undefined) {
    show();
    return;
  }
  try {
    writeFileAtomic(out, text);
  } catch (thrown) {
    show();
    throw thrown;
  }
  terminal.line(`${report.engine.engine} ${verdictText(report)}. The report is in ${out}`);
}

export function addEnginesTest(parent: Command, cli: Cli): void {
  const command = describe(parent.command('test <NAME>'), {
    summary: 'compare an engine with PyTorch on this device, and print a report to paste',
    details:
      "Computes networks, gradients, Adam and whole training steps whose results PyTorch made, trains the book's network\n" +
      'for twenty steps, and says how far each number is off. The report is Markdown: docs/reports/README.md tells how to\n' +
      'contribute it. Exit code 1 when anything is outside its tolerance.',
    examples: [
      ['engines test native', 'on all cores'],
      ['engines test tensorflow --out report.md', 'into a file'],
      [
        'engines test webgpu --precision fp16',
        'in half precision, which may be used on this GPU when it passes',
      ],
      ['engines test wasm --json', 'one JSON object a line, the report last'],
    ],
  });
  command
    .option('--device <NAME>', 'cpu, cuda:0, webgpu:0 …; the best when left out')
    .option('--threads <N>', 'processor threads, for engines that can use several')
    .addOption(
      new Option('--precision <NAME>', `what it computes in: ${COMPARED_PRECISIONS.join(', ')} (webgpu)`),
    )
    .option('--minutes <N>', `end it after so long (default: ${DEFAULT_MINUTES})`)
    .option('--out <FILE>', 'write the report into a file')
    .action((name: string, options: TestOptions) =>
      cli.run(options, async ({ terminal, interruption, studio }) => {
        const engine = requireEngine(name);
        const minutes = wholeNumber('--minutes', options.minutes, { low: 1, high: 1440 });
        const threads = wholeNumber('--threads', options.threads, { low: 1, high: 1024 }) ?? null;
        const report = await (await studio()).reportEngine({
          ...{
            engine,
            device: deviceFrom(options.device),
            threads,
            precision: precisionFrom(options.precision),
            signal: interruption.stop,
            onProgress: progressTeller(terminal),
          },
          timeLimitMs: minutes === undefined ? null : minutes * MINUTE_MS,
        });
        tell(terminal, report, options.out);
        return report.passes ? EXIT_DONE : EXIT_FAILED;
      }),
    );
  command.addHelpText('after', `\nEngines: ${OFFERED_ENGINES.join(', ')}`);
}
