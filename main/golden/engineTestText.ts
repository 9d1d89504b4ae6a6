/** @file Node. The report of an engine's test as Markdown, to paste into an issue or to keep in docs/reports/. */
import type { DoctorFinding, EngineRecord } from '../../shared/engines.ts';
import type { EngineTestReport, GoldenRow, TrainedSteps } from '../../shared/engineTest.ts';
import { withoutPerson } from '../engines/withoutPerson.ts';
import { formatBytes } from '../files/disk.ts';

/** One sentence: what a person looks for first. */
export function verdictText({ goldens, passes, failure }: EngineTestReport): string {
  const compared = goldens.reduce((sum, { comparisons }) => sum + comparisons, 0);
  const failed = goldens.filter((row) => !row.passes).length;
  if (passes) return `passes: ${compared} comparisons with PyTorch, all within their tolerances`;
  if (failure !== null)
    return `fails: the test ended early, after ${goldens.length} of its parts (${withoutStop(failure.message)})`;
  return `fails: ${failed} of ${goldens.length} parts are outside their tolerance`;
}

/** Markdown. Holds no user name and no home folder. */
export function formatEngineTest(report: EngineTestReport): string {
  const { engine, goldens, training, findings, failure } = report;
  const parts = [
    `# Engine \`${engine.engine}\` on ${plain(engine.device)}`,
    table(['what', ''], factRows(report)),
    '## Compared with PyTorch',
    table(
      ['golden', 'compared', 'farthest', 'largest relative error', 'tolerance', ''],
      goldens.map(goldenCells),
    ),
    ...(training === null ? [] : ['## Twenty training steps', table(['what', ''], trainingRows(training))]),
    ...(failure === null ? [] : ['## What ended it', `${plain(failure.message)} ${plain(failure.nextStep)}`]),
    '## What the doctor found',
    table(['', 'what', 'detail'], findings.map(findingCells)),
  ];
  return withoutPerson(`${parts.join('\n\n')}\n`);
}

function factRows(report: EngineTestReport): string[][] {
  const { engine, notice, environment, peakMemoryBytes, deviceMemoryBytes, training } = report;
  const size = (bytes: number | null) => (bytes === null ? 'not known' : formatBytes(bytes));
  return [
    ['verdict', verdictText(report)],
    ['engine', engine.engine],
    ['device', engine.device],
    ...(notice === null ? [] : [['notice', notice]]),
    ['versions', versionsText(engine)],
    ['settings', settingsText(engine)],
    ['pairs/s', training === null ? 'not measured' : String(Math.round(training.pairsPerSecond))],
    ['peak memory of the process', size(peakMemoryBytes)],
    ['memory of the device', size(deviceMemoryBytes)],
    [
      'processor',
      `${environment.cpu}, ${environment.cores} threads, ${formatBytes(environment.memoryBytes)}`,
    ],
    ['system', environment.platform],
    ['Node', environment.node],
    ['Entail', `${environment.entail}${commitText(environment.gitCommit)}`],
    ['tested', report.testedAt],
  ];
}

const commitText = (commit: string | null) => (commit === null ? '' : `, ${commit.slice(0, 12)}`);

function versionsText({ versions }: EngineRecord): string {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}

function settingsText({ threads, pinned, deterministic }: EngineRecord): string {
  const settings = Object.entries(pinned).filter(([name]) => name !== 'threads');
  return [
    `threads ${threads}`,
    ...settings.map(([name, value]) => `${name} ${value}`),
    deterministic ? 'deterministic' : 'not deterministic',
  ].join(', ');
}

function goldenCells(row: GoldenRow): string[] {
  const { golden, compared, farthest, relativeError, tolerance, passes, error } = row;
  const reason = error === null ? farthest : `${farthest === '' ? '' : `${farthest}; `}error: ${error}`;
  return [
    golden,
    compared,
    reason,
    relativeError === null ? 'no number' : scientific(relativeError),
    scientific(tolerance),
    passes ? 'ok' : 'OUTSIDE',
  ];
}

const scientific = (value: number) => (value === 0 ? '0' : value.toExponential(1));

function trainingRows(training: TrainedSteps): string[][] {
  const { network, steps, pairsPerStep, lossBefore, lossAfter, expectedLossAfter, pairsPerSecond } = training;
  const size = network === 'book' ? "the book's bert.small" : 'a small network, made for tests';
  return [
    ['network', size],
    ['steps', `${steps} of ${pairsPerStep} pairs`],
    ['loss of the first batch before', lossBefore.toFixed(7)],
    [`loss of the first batch after ${steps} steps`, lossAfter.toFixed(7)],
    ["PyTorch's, in float64", expectedLossAfter.toFixed(7)],
    ['pairs/s, warm', pairsPerSecond.toFixed(1)],
  ];
}

function findingCells({ what, found, detail, required }: DoctorFinding): string[] {
  return [found ? 'found' : required ? 'MISSING' : 'absent', what, detail];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(plain).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

/** What comes from a driver or a library must neither end a cell nor begin a tag. */
function plain(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll('\\', '\\\\')
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .trim();
}

const withoutStop = (text: string) => text.replace(/\.$/, '');
