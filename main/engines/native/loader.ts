/**
 * @file Node. Finds the compiled crate and loads it: a prebuilt binary for this platform first, then the one that was
 * built here (main/start/buildNative.ts). What does not load is told, and the next is tried.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { StudioError } from '../../../shared/errors.ts';
import { programPath } from '../../files/resources.ts';
import type { NativeBinding } from './binding.ts';

/** Where a binary may lie. */
export interface NativePlaces {
  readonly prebuilt: string;
  readonly built: string;
}

/** "linux-x64.node": a binary serves one operating system on one kind of processor. */
export const binaryName = (platform: string = process.platform, arch: string = process.arch) =>
  `${platform}-${arch}.node`;

export function nativePlaces(root = programPath()): NativePlaces {
  return {
    prebuilt: `${root}/native/prebuilt/${binaryName()}`,
    built: `${root}/dist/native/${binaryName()}`,
  };
}

/** One place that was looked at. */
export interface NativeTrial {
  readonly origin: 'prebuilt' | 'built here';
  readonly path: string;
  /** Why it does not load; null when there is nothing at all. */
  readonly trouble: string | null;
}

export type NativeSearch =
  | { readonly kind: 'found'; readonly origin: NativeTrial['origin']; readonly binding: NativeBinding }
  | { readonly kind: 'missing'; readonly trials: readonly NativeTrial[] };

/** Never throws. A library is loaded once a process, however often it is asked for. */
export function findNative(places = nativePlaces()): NativeSearch {
  const trials: NativeTrial[] = [];
  const candidates = [
    { origin: 'prebuilt', path: places.prebuilt },
    { origin: 'built here', path: places.built },
  ] as const;
  for (const { origin, path } of candidates) {
    const loaded = existsSync(path) ? load(path) : null;
    if (loaded !== null && typeof loaded !== 'string') return { kind: 'found', origin, binding: loaded };
    trials.push({ origin, path, trouble: loaded });
  }
  return { kind: 'missing', trials };
}

/** @throws StudioError ENGINE_MISSING, saying what is wrong with what is there. */
export function loadNative(places = nativePlaces()): NativeBinding {
  const search = findNative(places);
  if (search.kind === 'found') return search.binding;
  throw new StudioError('ENGINE_MISSING', missingText(search.trials), { nextStep: NEXT_STEP });
}

export const NEXT_STEP =
  'Build it with npm run native (it needs Rust: https://rustup.rs), or use --engine wasm.';

export function missingText(trials: readonly NativeTrial[]): string {
  const broken = trials.find(({ trouble }) => trouble !== null);
  return broken === undefined
    ? `The engine native is not here: there is no binary for ${process.platform} on ${process.arch}.`
    : `The engine native does not load: its binary (${broken.origin}) ${broken.trouble}.`;
}

/** Null when the library at a path loads, else what is wrong with it: "is of another version of Entail". */
export function loadTrouble(path: string): string | null {
  const loaded = load(path);
  return typeof loaded === 'string' ? loaded : null;
}

/** -> what it offers, or what is wrong with it: "is damaged, or of another platform (…)". */
function load(path: string): NativeBinding | string {
  try {
    const loaded = createRequire(import.meta.url)(path) as Partial<NativeBinding>;
    if (typeof loaded.describe !== 'function') return 'is of another version of Entail';
    return loaded as NativeBinding;
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message.split('\n')[0]! : String(thrown);
    return `is damaged, or of another platform (${reason.replaceAll(`${path}: `, '')})`;
  }
}
