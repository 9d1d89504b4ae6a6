/** @file Node. The doctor's look at `native`: which binary loads, what it makes of the processor, what building needs. */
import type { DoctorFinding, DoctorReport } from '../../shared/engines.ts';
import type { NativeDescription } from './native/binding.ts';
import { type CargoSearch, findCargo } from './native/cargo.ts';
import { findNative, type NativeSearch, type NativeTrial, NEXT_STEP, nativePlaces } from './native/loader.ts';
import { usualThreads } from './native.ts';

const NAMES: Readonly<Record<NativeDescription['instructionSet'], string>> = {
  avx512: 'AVX-512',
  avx2: 'AVX2 with FMA',
  neon: 'NEON',
  scalar: 'none that help: several times slower than with AVX2 or NEON',
};

const DETERMINISTIC = { value: true, why: 'work is split the same way for any number of threads' };

export async function nativeReport(places = nativePlaces()): Promise<DoctorReport> {
  const search = findNative(places);
  const cargo = await cargoFinding();
  if (search.kind === 'found') {
    const ready = readyReport(search.origin, search.binding.describe());
    return { ...ready, findings: [...ready.findings, cargo] };
  }
  const broken = search.trials.some(({ trouble }) => trouble !== null);
  return {
    engine: 'native',
    verdict: broken ? 'broken' : 'not installed',
    summary: broken ? 'A binary is there and does not load.' : 'It has not been built here yet.',
    findings: [...missingFindings(search), { ...cargo, required: true }],
    deterministic: DETERMINISTIC,
    nextStep: NEXT_STEP,
  };
}

/** What is told of a binary that loads, by its description of itself and of the processor. */
export function readyReport(origin: NativeTrial['origin'], description: NativeDescription): DoctorReport {
  const { instructionSet, physicalCores } = description;
  const how =
    instructionSet === 'scalar' ? ', slowly: without AVX2 or NEON' : ` with ${NAMES[instructionSet]}`;
  return {
    engine: 'native',
    verdict: 'ready',
    summary: `Works on ${physicalCores} cores${how}.`,
    findings: readyFindings(origin, description),
    deterministic: DETERMINISTIC,
    nextStep: '',
  };
}

function readyFindings(origin: string, description: NativeDescription): DoctorFinding[] {
  const { version, instructionSet, bf16, physicalCores } = description;
  const found = { found: true, required: true };
  return [
    { what: 'Binary', ...found, detail: `${version}, ${origin}, for ${process.platform} ${process.arch}` },
    {
      what: 'Processor instructions',
      found: instructionSet !== 'scalar',
      detail: NAMES[instructionSet],
      required: false,
    },
    {
      what: 'bfloat16 (AVX512-BF16)',
      found: bf16,
      detail: bf16 ? '--precision bf16 works' : 'no --precision bf16; single precision works everywhere',
      required: false,
    },
    {
      what: 'Physical cores',
      ...found,
      detail: `${physicalCores}; a run uses ${usualThreads(description)} threads unless --threads says otherwise`,
    },
  ];
}

function missingFindings(search: Extract<NativeSearch, { kind: 'missing' }>): DoctorFinding[] {
  return search.trials.map(({ origin, trouble }) => ({
    what: `Binary, ${origin}`,
    found: false,
    detail: trouble ?? `none for ${process.platform} ${process.arch}`,
    required: origin === 'built here',
  }));
}

async function cargoFinding(): Promise<DoctorFinding> {
  const search = await findCargo();
  return {
    what: 'Rust (cargo)',
    found: search.kind === 'found',
    detail: cargoDetail(search),
    required: false,
  };
}

function cargoDetail(search: CargoSearch): string {
  if (search.kind === 'found') return search.cargo.version;
  if (search.kind === 'too old') return `${search.trouble}; get it from https://rustup.rs`;
  return 'not on the PATH, nor in ~/.cargo/bin; it is needed for building only';
}
