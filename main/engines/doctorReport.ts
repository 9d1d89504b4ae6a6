/** @file Node. The doctor's reports as text that a person can paste into a bug report: no home folder, no user name. */
import type { DoctorFinding, DoctorReport } from '../../shared/engines.ts';
import { withoutPerson } from './withoutPerson.ts';

/** Plain text, one block an engine. */
export function formatDoctorReport(reports: readonly DoctorReport[]): string {
  const machine = `Entail's engines on ${process.platform} ${process.arch}, Node ${process.versions.node}`;
  return withoutPerson([machine, ...reports.map(block)].join('\n\n'));
}

function block(report: DoctorReport): string {
  const { value, why } = report.deterministic;
  return [
    `${report.engine}: ${report.verdict}. ${report.summary}`,
    ...report.findings.map(findingLine),
    `  ${value ? 'deterministic' : 'not deterministic'}: ${why}`,
    ...(report.nextStep === '' ? [] : [`  next: ${report.nextStep}`]),
  ].join('\n');
}

function findingLine({ what, found, detail, required }: DoctorFinding): string {
  const mark = found ? 'found  ' : required ? 'MISSING' : 'absent ';
  return `  ${mark} ${what}: ${detail}`;
}
