/** @file Node. The doctor's look at `webgpu`: whether Dawn loads, which GPUs it finds, and what they can do. */
import type { DoctorFinding, DoctorReport } from '../../shared/engines.ts';
import { VISIBLE } from './cudaDevices.ts';
import { adapterNamed } from './webgpu/adapters.ts';
import { type AdapterFacts, type AdaptersHere, adapterAmong, adaptersHere } from './webgpu/adaptersHere.ts';
import { NEEDED_LIMITS, USED_FEATURES } from './webgpu/device.ts';
import { isTriedOn } from './webgpu/halfPrecision.ts';
import { adaptersLeft } from './webgpu/webgpuDevices.ts';

/** [[1,2],[3,4]]² by rows. */
const PRODUCT = '7,10,15,22';
const NOT_YET_ON_A_GPU =
  'It has not yet been run on a GPU: entail engines test webgpu tells how it does here.';

const FEATURES: Readonly<Record<string, string>> = {
  'timestamp-query': 'times of kernels',
  'shader-f16': 'half precision',
  subgroups: 'faster sums',
};

const DETERMINISTIC = {
  value: true,
  why: 'every sum has one order; another GPU or driver gives other last digits',
};

interface Look {
  /** Knows where half precision has been tried. */
  readonly dataDirectory: string;
  /** Part of the name of the adapter that shall be used. */
  readonly named?: string | undefined;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Drivers are loaded in a child process. */
export async function webgpuReport({
  dataDirectory,
  named = adapterNamed(),
  environment = {},
}: Look): Promise<DoctorReport> {
  const here = await adaptersHere(environment);
  const left = await adaptersLeft(here.adapters);
  const chosen = adapterAmong(left, named);
  const findings = [
    dawnFinding(here),
    ...loaderFinding(here),
    ...here.adapters.map((adapter) => adapterFinding(adapter, adapter === chosen, !left.includes(adapter))),
    ...(chosen === undefined ? [missingFinding(here, named)] : ofAdapter(chosen, dataDirectory)),
  ];
  return {
    engine: 'webgpu',
    findings,
    deterministic: DETERMINISTIC,
    ...verdictOf({ ...here, left }, chosen, named),
  };
}

function verdictOf(
  { adapters, left, problem, hasVulkanLoader }: AdaptersHere & { readonly left: readonly AdapterFacts[] },
  chosen: AdapterFacts | undefined,
  named: string | undefined,
): Pick<DoctorReport, 'verdict' | 'summary' | 'nextStep'> {
  if (problem !== null)
    return {
      verdict: 'broken',
      summary: `Its GPUs cannot be looked at: ${problem}.`,
      nextStep: 'Run npm ci and update the driver of the GPU, or use another engine.',
    };
  if (chosen !== undefined) return verdictOfAdapter(chosen);
  const hidden = adapterAmong(adapters, named);
  if (hidden !== undefined && !left.includes(hidden))
    return {
      verdict: 'unsupported',
      summary: `CUDA_VISIBLE_DEVICES hides ${hidden.name}.`,
      nextStep: 'Leave that variable out or name the GPU in it, or use another engine.',
    };
  const nextStep = hasVulkanLoader
    ? 'Install the driver of the GPU, with Vulkan; without a GPU use the engine native.'
    : 'Install the driver of the GPU and the Vulkan loader (Debian and Ubuntu: apt install libvulkan1); without a GPU use the engine native.';
  if (named !== undefined)
    return { verdict: 'unsupported', summary: `There is no GPU called "${named}".`, nextStep };
  const software = adapters.map(({ name }) => name).join(', ');
  const besides = software === '' ? '' : `, only ${software}, which computes on the processor`;
  return { verdict: 'unsupported', summary: `No GPU was found${besides}.`, nextStep };
}

function verdictOfAdapter({
  name,
  lacking,
  product,
}: AdapterFacts): Pick<DoctorReport, 'verdict' | 'summary' | 'nextStep'> {
  if (lacking.length > 0)
    return {
      verdict: 'unsupported',
      summary: `${name} can too little: ${lacking.join(', ')}.`,
      nextStep: 'Update its driver, or use another engine.',
    };
  if (String(product) !== PRODUCT)
    return {
      verdict: 'broken',
      summary: `${name} does not compute: ${product}.`,
      nextStep: 'Update its driver, or use another engine.',
    };
  return { verdict: 'ready', summary: `Works on ${name}. ${NOT_YET_ON_A_GPU}`, nextStep: '' };
}

function dawnFinding({ problem }: AdaptersHere): DoctorFinding {
  const detail = problem ?? 'loads and ends';
  return { what: 'Dawn (npm webgpu)', found: problem === null, detail, required: true };
}

/** Of Linux alone: elsewhere the system brings what Dawn needs. */
function loaderFinding({ hasVulkanLoader }: AdaptersHere): DoctorFinding[] {
  if (process.platform !== 'linux') return [];
  const detail = hasVulkanLoader ? 'there' : 'the Vulkan loader is not installed: no GPU can be found';
  return [{ what: 'libvulkan.so.1', found: hasVulkanLoader, detail, required: true }];
}

function missingFinding({ adapters }: AdaptersHere, named: string | undefined): DoctorFinding {
  const none = adapters.length === 0 ? 'Dawn finds none' : 'none of these is taken unasked';
  const detail = named === undefined ? none : `none is called "${named}"`;
  return { what: 'GPU', found: false, detail, required: true };
}

function adapterFinding(
  { name, api, driver, isSoftware }: AdapterFacts,
  isChosen: boolean,
  isHidden: boolean,
): DoctorFinding {
  const kind = [...(isSoftware ? ['in software'] : []), ...(isHidden ? [`hidden by ${VISIBLE}`] : [])];
  const words = [api, driver, ...kind].filter((word) => word !== '');
  const detail = `${words.join(', ')}${isChosen ? '' : '; not used'}`;
  return { what: `GPU ${name}`, found: true, detail, required: isChosen };
}

function detailOf(feature: string, adapter: AdapterFacts, dataDirectory: string): string | undefined {
  if (feature === 'shader-f16') return halfDetail(adapter, dataDirectory);
  if (feature !== 'subgroups') return FEATURES[feature];
  return adapter.subgroupSize > 0
    ? `faster sums, over ${adapter.subgroupSize} invocations`
    : 'not used: their size varies here, or a try went wrong';
}

/** Half precision is used where it has been tried. */
function halfDetail(adapter: AdapterFacts, dataDirectory: string): string {
  return isTriedOn(adapter, dataDirectory)
    ? 'half precision; tried here'
    : 'half precision; not tried here: entail engines test webgpu --precision fp16';
}

function ofAdapter(adapter: AdapterFacts, dataDirectory: string): DoctorFinding[] {
  const { limits, features, product } = adapter;
  const needed = Object.entries(NEEDED_LIMITS).map(([limit, least]): DoctorFinding => {
    const has = limits[limit as keyof typeof limits];
    return { what: limit, found: has >= least, detail: `${has}; ${least} are needed`, required: true };
  });
  const able = USED_FEATURES.map((feature): DoctorFinding => {
    const found = features.includes(feature);
    const detail = found ? detailOf(feature, adapter, dataDirectory) : FEATURES[feature];
    return { what: feature, found, detail: detail ?? '', required: false };
  });
  const multiplies = String(product) === PRODUCT;
  const detail = multiplies ? 'right' : String(product);
  const test = { what: 'A product of two matrices', found: multiplies, detail, required: true };
  return [...needed, ...able, test];
}
