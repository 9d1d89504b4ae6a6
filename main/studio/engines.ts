/** @file Runs under Node. What can be done with engines in one data directory. */
import type { DoctorReport, EngineName } from '../../shared/engines.ts';
import type { InstallOptions, InstallOutcome } from '../engines/tensorflow/install.ts';
import type { RemovablePart } from '../engines/tensorflow/uninstall.ts';

/** Loaded when first needed: the registry brings all of tfjs, which most commands do without. */
const loadRegistry = () => import('../engines/registry.ts');
const loadInstall = () => import('../engines/tensorflow/install.ts');
const loadUninstall = () => import('../engines/tensorflow/uninstall.ts');

export class EngineService {
  readonly #dataDirectory: string;

  constructor(dataDirectory: string) {
    this.#dataDirectory = dataDirectory;
  }

  async doctor(engines: readonly EngineName[]): Promise<DoctorReport[]> {
    const { doctor } = await loadRegistry();
    return await doctor({ dataDirectory: this.#dataDirectory, engines });
  }

  /** The engine asked for, or the best that works. @throws StudioError ENGINE_MISSING. */
  async choose(asked: EngineName | null): Promise<EngineName> {
    const { chooseEngine } = await loadRegistry();
    return await chooseEngine({ dataDirectory: this.#dataDirectory, asked });
  }

  /** What an engine (null: the best that works) computes on: two runs on one device would only slow each other. */
  async deviceOf(asked: EngineName | null): Promise<'cpu' | 'cuda:0'> {
    const { deviceOfEngine } = await loadRegistry();
    return deviceOfEngine(await this.choose(asked));
  }

  /** Variables that a process needs to run an engine, such as where its libraries are. */
  async workerEnvironment(engine: EngineName, threads: number | null): Promise<Record<string, string>> {
    const { workerEnvironment } = await loadRegistry();
    return workerEnvironment(engine, { dataDirectory: this.#dataDirectory, threads });
  }

  async installTensorflow(options: Omit<InstallOptions, 'dataDirectory'>): Promise<InstallOutcome> {
    const { installTensorflow } = await loadInstall();
    return await installTensorflow({ ...options, dataDirectory: this.#dataDirectory });
  }

  /** What `uninstallTensorflow` would remove. */
  async tensorflowParts(): Promise<RemovablePart[]> {
    const { tensorflowParts } = await loadUninstall();
    return tensorflowParts(this.#dataDirectory);
  }

  async uninstallTensorflow(): Promise<RemovablePart[]> {
    const { uninstallTensorflow } = await loadUninstall();
    return uninstallTensorflow(this.#dataDirectory);
  }
}
