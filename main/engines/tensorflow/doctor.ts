/** @file Node. The doctor's look at `tensorflow`: machine, tools, GPU, what is installed, and whether it multiplies. */
import type { DoctorFinding, DoctorReport } from '../../../shared/engines.ts';
import { VISIBLE } from '../cudaDevices.ts';
import {
  defaultThreads,
  glibcVersion,
  type HardwarePlaces,
  hasNvidiaDriver,
  type NvidiaDriver,
  nvidiaDriver,
  processorFlags,
} from '../hardware.ts';
import { gpuFindings } from './cudaDoctor.ts';
import { cudaLibraryFindings } from './cudaLibraries.ts';
import { type CudaObstacle, machineObstacle, visibilityObstacle } from './cudaReadiness.ts';
import { environmentFor } from './environment.ts';
import {
  type BrokenInstallation,
  findInstallation,
  type Installation,
  isBroken,
  listInstallations,
} from './installation.ts';
import { LEAST_GLIBC, recipeFor } from './recipe.ts';
import {
  bindingSources,
  findCompiler,
  findPip,
  findPython,
  howToGet,
  nodeApiHeaders,
  type Sought,
} from './requirements.ts';
import { type SelfTestResult, selfTest, selfTestLimitMs } from './selfTest.ts';
import { isAtLeast } from './versions.ts';

const INSTALL_COMMAND = 'npx --no entail engines install tensorflow';

/** Takes seconds when TensorFlow is installed: it is loaded in a child process, where a GPU's driver may compile for it first. */
export async function tensorflowReport(
  dataDirectory: string,
  places?: HardwarePlaces,
): Promise<DoctorReport> {
  const cuda = hasNvidiaDriver(places);
  const installation = findInstallation(dataDirectory, { cuda });
  const broken = listInstallations(dataDirectory).filter(isBroken);
  const driver = await nvidiaDriver(places);
  const machine = machineFindings();
  const tools = await toolFindings(installation === null);
  const obstacle = cuda ? (machineObstacle(driver, true) ?? (await visibilityObstacle(places))) : null;
  const gpu = [
    ...gpuFindings(driver, cuda),
    ...hiddenFinding(obstacle),
    ...cudaLibraryFindings(installation, cuda),
  ];
  const test = installation === null ? null : await testOf(installation, driver);
  const findings = [
    ...machine,
    ...tools,
    ...gpu,
    ...installationFindings(installation, broken, { test, expectsGpu: cuda }),
  ];
  return {
    ...verdictOf({ installation, broken, test, machine, tools, driver, obstacle, isDriverLoaded: cuda }),
    engine: 'tensorflow',
    findings,
  };
}

function hiddenFinding(obstacle: CudaObstacle | null): DoctorFinding[] {
  if (obstacle?.name !== 'GPU hidden') return [];
  return [{ what: VISIBLE, found: false, detail: obstacle.sentence, required: false }];
}

function machineFindings(): DoctorFinding[] {
  const recipe = recipeFor(process, 'cpu');
  const platform = `${process.platform} on ${process.arch}`;
  const supported = !('unsupported' in recipe);
  const untried = supported && !recipe.tried ? ' (pinned, but not yet tried by anybody)' : '';
  const found = supported ? `${platform}${untried}` : recipe.unsupported;
  const findings: DoctorFinding[] = [{ what: 'Platform', found: supported, detail: found, required: true }];
  if (process.platform === 'linux') {
    const glibc = glibcVersion();
    const enough = isAtLeast(glibc, LEAST_GLIBC);
    const detail = enough
      ? `${glibc}`
      : `${LEAST_GLIBC} or newer is needed, here is ${glibc ?? 'another C library (musl?)'}`;
    findings.push({ what: 'GNU C library', found: enough, detail, required: true });
  }
  return [...findings, ...instructionFindings(processorFlags())];
}

/** TensorFlow's x64 builds stop at once without AVX; the others are used where they are found. */
const INSTRUCTIONS = [
  { what: 'AVX', flag: 'avx', required: true },
  { what: 'AVX2', flag: 'avx2', required: false },
  { what: 'FMA', flag: 'fma', required: false },
  { what: 'AVX-512', flag: 'avx512f', required: false },
] as const;

export function instructionFindings(
  flags: ReadonlySet<string> | null,
  arch: string = process.arch,
): DoctorFinding[] {
  if (arch !== 'x64' || flags === null) return [];
  return INSTRUCTIONS.map(({ what, flag, required }) => {
    const found = flags.has(flag);
    const lacking = required
      ? 'missing: TensorFlow cannot run on this processor'
      : 'missing: products are slower';
    return { what, found, detail: found ? 'the processor has it' : lacking, required };
  });
}

/** What installing takes; `required` only while nothing is installed. */
async function toolFindings(required: boolean): Promise<DoctorFinding[]> {
  const python = await findPython();
  const pip: Sought = 'missing' in python ? { missing: 'python3 is needed first' } : await findPip();
  const sources = bindingSources();
  const finding = (what: string, sought: Sought): DoctorFinding => {
    if ('missing' in sought) return { what, found: false, detail: sought.missing, required };
    return { what, found: true, detail: sought.version, required };
  };
  const fromNpm = (what: string, found: boolean): DoctorFinding => {
    return { what, found, detail: found ? 'there' : 'missing: run npm ci', required };
  };
  return [
    finding('python3', python),
    finding('pip', pip),
    finding('C++ compiler', await findCompiler()),
    fromNpm('npm node-api-headers', nodeApiHeaders() !== null),
    fromNpm('npm @tensorflow/tfjs-node-gpu', sources !== null),
  ];
}

function installationFindings(
  installation: Installation | null,
  broken: readonly BrokenInstallation[],
  { test, expectsGpu }: { readonly test: SelfTestResult | null; readonly expectsGpu: boolean },
): DoctorFinding[] {
  const findings: DoctorFinding[] = broken.map(({ problem }) => {
    return {
      what: 'Installation',
      found: false,
      detail: `not whole: ${problem}`,
      required: installation === null,
    };
  });
  if (installation === null && broken.length === 0)
    findings.push({
      what: 'Installation',
      found: false,
      detail: 'none in this data directory',
      required: true,
    });
  if (installation === null || test === null) return findings;
  const { kind, tensorflowVersion } = installation.manifest;
  const size = `${Math.round(installation.sizeBytes / 1e6)} MB`;
  const detail = `TensorFlow ${tensorflowVersion} (${kind}), ${size}`;
  const trouble = expectsGpu && test.ok && test.gpuTrouble !== null ? `: ${test.gpuTrouble}` : '';
  const where = test.ok ? `right, on the ${test.usesGpu ? 'GPU' : 'CPU'}${trouble}` : test.problem;
  return [
    ...findings,
    { what: 'Installation', found: true, detail, required: true },
    { what: 'A product of two matrices', found: test.ok, detail: where, required: true },
  ];
}

async function testOf(
  { folder, manifest }: Installation,
  driver: NvidiaDriver | null,
): Promise<SelfTestResult> {
  const unpacked = { folder, kind: manifest.kind, paths: manifest.files.map(({ path }) => path) };
  return await selfTest(folder, environmentFor(unpacked, defaultThreads()), {
    timeoutMs: selfTestLimitMs(manifest.kind, driver),
  });
}

interface Seen {
  readonly installation: Installation | null;
  readonly broken: readonly BrokenInstallation[];
  readonly test: SelfTestResult | null;
  readonly machine: readonly DoctorFinding[];
  readonly tools: readonly DoctorFinding[];
  readonly driver: NvidiaDriver | null;
  /** What keeps TensorFlow from a GPU, apart from its installation. */
  readonly obstacle: CudaObstacle | null;
  readonly isDriverLoaded: boolean;
}

type Verdict = Pick<DoctorReport, 'verdict' | 'summary' | 'nextStep' | 'deterministic'>;

const ON_CPU = {
  value: true,
  why: 'on the CPU, with the thread count and the oneDNN setting that a run records and keeps on resumption',
};
const ON_GPU = {
  value: false,
  why: 'on a GPU it has not been shown; losses may differ slightly after a resumption',
};

function verdictOf(seen: Seen): Verdict {
  const { installation, test } = seen;
  const lacking = seen.machine.find(({ found, required }) => required && !found);
  if (lacking !== undefined) {
    const summary = `This machine cannot run it (${lacking.what}: ${lacking.detail}).`;
    return { verdict: 'unsupported', summary, nextStep: 'Use --engine wasm.', deterministic: ON_CPU };
  }
  if (installation === null) return notInstalled(seen);
  if (test !== null && !test.ok) {
    const nextStep =
      'Remove it (npx --no entail engines uninstall tensorflow) and install it again, or use --engine wasm.';
    return {
      verdict: 'broken',
      summary: `Installed, but it does not work: ${test.problem}.`,
      nextStep,
      deterministic: ON_CPU,
    };
  }
  return ready(seen);
}

function notInstalled({ broken, tools, driver }: Seen): Verdict {
  const command = driver === null ? INSTALL_COMMAND : `${INSTALL_COMMAND} --cuda`;
  const problems = tools.filter(({ found }) => !found).map(({ what, detail }) => `${what}: ${detail}`);
  const before = problems.length === 0 ? '' : `${howToGet(problems)} Then: `;
  const missing = problems.length === 0 ? '' : ` Missing: ${problems.join('; ')}.`;
  const nextStep = `${before}${command}`;
  if (broken.length > 0)
    return {
      verdict: 'broken',
      summary: `An installation is not whole: ${broken[0]!.problem}.${missing}`,
      nextStep,
      deterministic: ON_CPU,
    };
  return {
    verdict: 'not installed',
    summary: missing === '' ? 'All that installing it takes is here.' : missing.trim(),
    nextStep,
    deterministic: ON_CPU,
  };
}

function ready({ installation, obstacle, isDriverLoaded, test }: Seen): Verdict {
  const kind = installation!.manifest.kind;
  const usesGpu = test?.ok === true && test.usesGpu;
  if (usesGpu) return { verdict: 'ready', summary: 'Works on the GPU.', nextStep: '', deterministic: ON_GPU };
  const onCpu = { verdict: 'ready' as const, deterministic: ON_CPU };
  if (!isDriverLoaded) return { ...onCpu, summary: 'Works on the CPU.', nextStep: '' };
  if (obstacle !== null) {
    const { sentence, nextStep } = obstacle;
    return { ...onCpu, summary: `Works on the CPU only: ${sentence}.`, nextStep };
  }
  if (kind === 'cpu')
    return {
      ...onCpu,
      summary: 'Works on the CPU. There is a GPU that this build cannot use.',
      nextStep: `${INSTALL_COMMAND} --cuda`,
    };
  const trouble = test?.ok === true ? test.gpuTrouble : null;
  return {
    ...onCpu,
    summary: `Works on the CPU only: ${trouble ?? 'it does not see the GPU'}.`,
    nextStep: `Remove it (npx --no entail engines uninstall tensorflow) and run ${INSTALL_COMMAND} --cuda again; or use --engine webgpu.`,
  };
}
