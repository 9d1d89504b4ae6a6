/** @file Runs under Node. `entail engines doctor`: what was looked for, what was found, and what to do. */
import { type Command, Option } from 'commander';
import { OFFERED_ENGINES } from '../../shared/engines.ts';
import { formatDoctorReport } from '../engines/doctorReport.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { EXIT_DONE, EXIT_FAILED } from './failure.ts';
import { printable, type Terminal } from './terminal.ts';
import { engineFrom } from './values.ts';

interface DoctorOptions extends CommonOptions {
  readonly engine?: string;
}

/** The report as it can be pasted, its marks in colour on a terminal. */
function painted(report: string, terminal: Terminal): string {
  return printable(report)
    .replaceAll(/^ {2}found {2}/gm, `  ${terminal.paint('green', 'found')}  `)
    .replaceAll(/^ {2}absent/gm, `  ${terminal.paint('yellow', 'absent')}`)
    .replaceAll(/^ {2}MISSING/gm, `  ${terminal.paint('red', 'MISSING')}`);
}

export function addEnginesDoctor(parent: Command, cli: Cli): void {
  const command = describe(parent.command('doctor'), {
    summary: 'for each engine: what was looked for, found or missing, and the next step',
    details: 'The report can be pasted into a bug report. Exit code 1 when no engine works.',
    examples: [
      ['engines doctor', 'every engine'],
      ['engines doctor --engine tensorflow', 'one engine'],
      ['engines doctor --json', 'a JSON array, for scripts'],
    ],
  });
  command
    .addOption(new Option('--engine <NAME>', `only this engine: ${OFFERED_ENGINES.join(', ')}`))
    .action((options: DoctorOptions) =>
      cli.run(options, async ({ terminal, studio }) => {
        const engine = engineFrom(options.engine);
        const reports = await (await studio()).engines.doctor(engine === null ? OFFERED_ENGINES : [engine]);
        terminal.document(reports);
        terminal.line(painted(formatDoctorReport(reports), terminal));
        return reports.some(({ verdict }) => verdict === 'ready') ? EXIT_DONE : EXIT_FAILED;
      }),
    );
}
