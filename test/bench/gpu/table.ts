/** @file Benchmarks. The one table of a run, what was checked before it, and the machine that it belongs to. */
import { median } from '../tables.ts';
import { markdownTable } from './markdown.ts';
import type { Findings, ProgramResult } from './results.ts';
import { SIZES } from './sizes.ts';

/** What the book's authors measured on two GPUs. */
const BOOK_PAIRS_PER_SECOND = 8778.9;
const HEAD = [
  ...[
    'network',
    'program',
    'pairs/s',
    'least – most',
    '× book on 2 GPUs',
    '× torch as the book',
    '× torch at best',
  ],
  ...['ms a step', 'host ms', 'kernels ms', 'peak MB', 'ready after s'],
];
const UNKNOWN = '–';

export const pairsPerSecond = ({ rounds }: Pick<ProgramResult, 'rounds'>): number | null =>
  rounds.length === 0 ? null : median(rounds.map(({ pairs, steps, ms }) => (pairs * steps * 1000) / ms));

export function tableText(findings: Findings): string {
  const lines = findings.programs.map((program) => cellsOf(program, findings.programs));
  const troubles = findings.programs.filter(({ trouble }) => trouble !== null);
  return [
    `${machineText(findings)}\n\n`,
    checksText(findings),
    lines.length === 0 ? '' : `${markdownTable([HEAD, ...lines], 2)}\n`,
    ...troubles.map(({ size, title, trouble }) => `- ${SIZES[size].title}, ${title}: ${trouble}\n`),
  ].join('');
}

function machineText({ machine, vulkan }: Findings): string {
  if (machine === null) return 'Nothing is known yet.';
  const { gpus, driver, processor, processors, memoryGib, kernel, node, date } = machine;
  const gpu = gpus.length === 0 ? 'no NVIDIA GPU' : `${gpus.join('; ')} (driver ${driver})`;
  const adapter = vulkan?.adapter ?? null;
  const reached =
    adapter === null
      ? 'WebGPU reaches no GPU'
      : `WebGPU: ${adapter.name} (${adapter.driver}), ${adapter.features.includes('shader-f16') ? 'with' : 'without'} shader-f16, subgroups of ${adapter.subgroups.join(' to ')}`;
  return `${gpu}. ${processor}, ${processors} processors, ${memoryGib} GiB, Linux ${kernel}, Node ${node}. ${reached}. ${date}`;
}

function checksText({ checks }: Findings): string {
  if (checks.length === 0) return '';
  const lines = checks.map(({ title, outcome, seconds, lastWords }) => [
    ...[title, outcome, lastWords.replaceAll(/\s*\n\s*/g, ' ').replaceAll('|', '/')],
    seconds.toFixed(1),
  ]);
  return `${markdownTable([['check', 'outcome', 'said last', 's'], ...lines], 3)}\n`;
}

function cellsOf(program: ProgramResult, all: readonly ProgramResult[]): string[] {
  const { title, size, rounds, profile, preparedInSeconds } = program;
  const speed = pairsPerSecond(program);
  const speeds = rounds.map(({ pairs, steps, ms }) => (pairs * steps * 1000) / ms);
  const ofTorch = (words: RegExp) =>
    Math.max(
      ...all
        .filter((other) => other.size === size && words.test(other.title))
        .map((other) => pairsPerSecond(other) ?? 0),
      0,
    );
  const times = (base: number) => (speed === null || base === 0 ? UNKNOWN : (speed / base).toFixed(2));
  const hosts = rounds.flatMap(({ batchingMs, recordingMs }) =>
    batchingMs === null || recordingMs === null ? [] : [batchingMs + recordingMs],
  );
  const inKernels = profile === null ? null : Object.values(profile.kernels).reduce((sum, ms) => sum + ms, 0);
  const [first, last] = [Math.min(...speeds), Math.max(...speeds)];
  return [
    ...[SIZES[size].title, title, speed === null ? UNKNOWN : figure(speed)],
    speed === null ? UNKNOWN : `${figure(first)} – ${figure(last)}`,
    size === 'small' ? times(BOOK_PAIRS_PER_SECOND) : UNKNOWN,
    ...[times(ofTorch(/as the book/)), times(ofTorch(/at its best|without compiling/))],
    rounds.length === 0 ? UNKNOWN : median(rounds.map(({ ms, steps }) => ms / steps)).toFixed(3),
    hosts.length === 0 ? UNKNOWN : median(hosts).toFixed(3),
    inKernels === null ? UNKNOWN : inKernels.toFixed(3),
    rounds.at(-1)?.peakMegabytes?.toFixed(0) ?? UNKNOWN,
    preparedInSeconds?.toFixed(0) ?? UNKNOWN,
  ];
}

/** 754000 -> "754,000" */
const figure = (value: number) =>
  value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
