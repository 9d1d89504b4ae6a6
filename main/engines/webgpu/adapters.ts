/** @file Node. The GPUs that Dawn finds, and which of them to use: the fastest real one, or one by its name. */
import { StudioError } from '../../../shared/errors.ts';
import type { Dawn } from './dawn.ts';

/** Which device is wanted when nobody names one. */
export type PowerPreference = 'high-performance' | 'low-power';

/** One that Dawn could use. */
export interface ListedAdapter {
  /** The interface it is reached by: "vulkan", "metal", "d3d12". */
  readonly api: string;
  /** As the driver calls it: "NVIDIA H200", "Apple M1 Max". */
  readonly name: string;
  /** Computed on the processor, as SwiftShader and llvmpipe do. */
  readonly isSoftware: boolean;
}

export interface FoundAdapter extends ListedAdapter {
  readonly adapter: GPUAdapter;
  readonly gpu: GPU;
  /** The driver's own words: "SwiftShader driver 5.0.0". */
  readonly driver: string;
}

/** No driver calls a device so: Dawn answers with the names that there are. */
const NO_SUCH_ADAPTER = 'a name that no adapter has';
const LISTED = /backend: '([^']*)', name: '([^']*)'/g;
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i;
/** Whose compute shaders Dawn serves in full, the best of a system first; OpenGL's it does not. */
const APIS: readonly string[] = ['metal', 'd3d12', 'vulkan'];

/** The name that the person has set for all processes of Entail, or undefined. */
export function adapterNamed(): string | undefined {
  const name = process.env['ENTAIL_WEBGPU_ADAPTER'] ?? '';
  return name === '' ? undefined : name;
}

/**
 * What Dawn can use here, GPUs before software and those before others that the preference asks for; empty without a
 * driver. Two cards of one kind have the same name, and Dawn tells them apart by nothing else: they are one.
 */
export async function listAdapters(
  dawn: Dawn,
  powerPreference: PowerPreference = 'high-performance',
): Promise<ListedAdapter[]> {
  const byName = new Map<string, ListedAdapter>();
  const listed = [...(await dawnsList(dawn, powerPreference)).matchAll(LISTED)]
    .map(([, api, name]) => ({ api: api!, name: name!, isSoftware: SOFTWARE.test(name!) }))
    .filter(({ api }) => APIS.includes(api))
    .sort((one, other) => APIS.indexOf(one.api) - APIS.indexOf(other.api));
  for (const one of listed) if (!byName.has(one.name)) byName.set(one.name, one);
  return [...byName.values()].sort((one, other) => Number(one.isSoftware) - Number(other.isSoftware));
}

/** Dawn lists in the order in which it takes them, and without a preference those that save power come first. */
async function dawnsList(dawn: Dawn, powerPreference: PowerPreference): Promise<string> {
  try {
    await dawn.create([`adapter=${NO_SUCH_ADAPTER}`]).requestAdapter({ powerPreference });
    return '';
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

/**
 * The adapter whose name contains `name`, whatever its case, else the first by power preference. One in software must
 * be named, since it is slower than the processor's own engines.
 * @throws StudioError ENGINE_MISSING saying what there is instead
 */
export async function findAdapter(
  dawn: Dawn,
  { name, powerPreference = 'high-performance' }: { name?: string; powerPreference?: PowerPreference },
): Promise<FoundAdapter> {
  const listed = await listAdapters(dawn, powerPreference);
  if (name !== undefined) {
    const wanted = byName(listed, name);
    if (wanted === undefined) throw noAdapter(name, listed);
    return await openListed(dawn, wanted, listed);
  }
  const found = await request(dawn, [], powerPreference, listed);
  if (found === null || found.isSoftware) throw noAdapter(name, listed);
  return found;
}

/** All that Dawn opens by their names, in the order of the list. */
export async function findAdapters(dawn: Dawn): Promise<FoundAdapter[]> {
  const listed = await listAdapters(dawn);
  const found: FoundAdapter[] = [];
  for (const one of listed) {
    try {
      found.push(await openListed(dawn, one, listed));
    } catch (thrown) {
      // It cannot be computed on, and must not hide the others.
      if (!(thrown instanceof StudioError)) throw thrown;
    }
  }
  return found;
}

/**
 * Dawn opens the first adapter that has the name as a part of its own: "RTX 4070 Ti" where "RTX 4070" is wanted. In the
 * order of the other preference another may be the first.
 * @throws StudioError ENGINE_MISSING when that is another adapter in both orders
 */
async function openListed(
  dawn: Dawn,
  wanted: ListedAdapter,
  listed: readonly ListedAdapter[],
): Promise<FoundAdapter> {
  const flags = [`backend=${wanted.api}`, `adapter=${wanted.name}`];
  // The wanted one first: two names may differ in nothing that Dawn's spelling keeps.
  const known = [wanted, ...listed];
  let instead: string | null = null;
  for (const powerPreference of ['high-performance', 'low-power'] as const) {
    const found = await request(dawn, flags, powerPreference, known);
    if (found?.name === wanted.name) return found;
    instead ??= found?.name ?? null;
  }
  throw instead === null ? noAdapter(wanted.name, listed) : takenFor(wanted.name, instead);
}

/** The one that is called so, else the first whose name has it as a part; the case does not matter. */
export function byName<Named extends { readonly name: string }>(
  listed: readonly Named[],
  wanted: string,
): Named | undefined {
  const lower = wanted.toLowerCase();
  const exact = listed.find(({ name }) => name.toLowerCase() === lower);
  return exact ?? listed.find(({ name }) => name.toLowerCase().includes(lower));
}

async function request(
  dawn: Dawn,
  flags: readonly string[],
  powerPreference: PowerPreference,
  listed: readonly ListedAdapter[],
): Promise<FoundAdapter | null> {
  const gpu = dawn.create(flags);
  const adapter = await gpu.requestAdapter({ powerPreference });
  if (adapter === null) return null;
  const { device, vendor, description, isFallbackAdapter } = adapter.info;
  const known = listed.find(({ name }) => inDawnsSpelling(name) === inDawnsSpelling(device));
  const name = known?.name ?? (device || description || vendor);
  const isSoftware = isFallbackAdapter || [name, description].some((words) => SOFTWARE.test(words));
  return { adapter, gpu, name, isSoftware, api: known?.api ?? '', driver: description };
}

/** As `GPUAdapterInfo.device` has it, which for "SwiftShader Device (Subzero)" ends with one more dash. */
const inDawnsSpelling = (name: string) =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');

function takenFor(wanted: string, opened: string): StudioError {
  return new StudioError(
    'ENGINE_MISSING',
    `The GPU "${wanted}" cannot be opened: its name is a part of "${opened}", which Dawn opens instead.`,
    { nextStep: `Set ENTAIL_WEBGPU_ADAPTER to "${opened}" to use that one, or use --engine native.` },
  );
}

/** Why none of these will do. */
export function noAdapter(
  named: string | undefined,
  listed: readonly Pick<ListedAdapter, 'name' | 'isSoftware'>[],
): StudioError {
  const names = listed.map(({ name }) => `"${name}"`).join(', ');
  const nextStep = 'Run npx --no entail engines doctor to see why, or use --engine native.';
  if (named !== undefined) {
    const there = listed.length === 0 ? 'there is none at all' : `there is ${names}`;
    return new StudioError('ENGINE_MISSING', `The engine webgpu finds no GPU called "${named}": ${there}.`, {
      nextStep,
    });
  }
  const besides =
    listed.length === 0
      ? ''
      : ` There is only ${names}, which computes on the processor and is not chosen by itself.`;
  return new StudioError('ENGINE_MISSING', `The engine webgpu finds no GPU here.${besides}`, { nextStep });
}
