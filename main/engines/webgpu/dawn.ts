/** @file Node. Dawn, the WebGPU of npm's `webgpu`: loaded when somebody wants it. */
import { StudioError } from '../../../shared/errors.ts';

/** What npm's `webgpu` offers. */
export interface Dawn {
  /** @param flags such as "backend=vulkan" and "adapter=NAME"; `requestAdapter` throws when nothing fits */
  create(flags: readonly string[]): GPU;
}

/** For measuring: further flags, separated by blanks, such as "disable-dawn-features=timestamp_quantization". */
const FURTHER_FLAGS = 'ENTAIL_DAWN_FLAGS';

let loading: Promise<Dawn> | null = null;

/**
 * By their flags, held until the process ends: when one is collected, adapters and devices that came from it crash the
 * process.
 */
const instances = new Map<string, GPU>();

/**
 * Loads Dawn once a process and puts WebGPU's classes and constants where tfjs looks for them.
 * @throws StudioError ENGINE_MISSING when there is no binary for this machine, or one that does not load
 */
export function loadDawn(): Promise<Dawn> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Dawn> {
  try {
    const { create, globals } = await import('webgpu');
    Object.assign(globalThis, globals);
    return { create: (flags) => instanceOf(flags, create) };
  } catch (thrown) {
    throw missing(thrown);
  }
}

function instanceOf(flags: readonly string[], create: (flags: string[]) => GPU): GPU {
  const further = (process.env[FURTHER_FLAGS] ?? '').split(' ').filter((flag) => flag !== '');
  const key = flags.join(' ');
  const instance = instances.get(key) ?? create([...flags, ...further]);
  instances.set(key, instance);
  return instance;
}

function missing(thrown: unknown): StudioError {
  const reason = thrown instanceof Error ? thrown.message.split('\n')[0]! : String(thrown);
  return new StudioError(
    'ENGINE_MISSING',
    `The engine webgpu does not load on ${process.platform} ${process.arch}: ${reason}`,
    { nextStep: 'Run npm ci, or use another engine: --engine native or --engine wasm.', cause: thrown },
  );
}
