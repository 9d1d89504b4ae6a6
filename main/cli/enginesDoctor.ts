/** @file Runs under Node. `entail engines doctor`: what was looked for, what was found, and what to do. */
import { type Command, Option } from 'commander';
import type { DoctorReport } from '../../shared/engines.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { EXIT_DONE, EXIT_FAILED } from './failure.ts';
import { printable, type Terminal } from './terminal.ts';
import { engineFrom, OFFERED_ENGINES } from './values.ts';

interface DoctorOptions extends CommonOptions {
  readonly engine?: string;
}

function reportLines(report: DoctorReport, terminal: Terminal): string[] {
  const marks = report.findings.map(({ what, found, detail, required }) => {
    const mark = found
      ? terminal.paint('green', 'found  ')
      : terminal.paint(required ? 'red' : 'yellow', required ? 'MISSING' : 'absent ');
    return `  ${mark} ${printable(`${what}: ${detail}`)}`;
  });
  const { value, why } = report.deterministic;
  return [
    `${terminal.paint('bold', report.engine)}: ${report.verdict}. ${printable(report.summary)}`,
    ...marks,
    `  ${value ? 'deterministic' : 'not deterministic'}: ${printable(why)}`,
    ...(report.nextStep === '' ? [] : [`  next: ${printable(report.nextStep)}`]),
    '',
  ];
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
        terminal.line(`Entail under Node ${process.versions.node}, ${process.platform} ${process.arch}\n`);
        for (const report of reports) for (const line of reportLines(report, terminal)) terminal.line(line);
        return reports.some(({ verdict }) => verdict === 'ready') ? EXIT_DONE : EXIT_FAILED;
      }),
    );
}
