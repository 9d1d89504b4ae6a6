/** @file Runs under Node. What can be done with engines in one data directory. */
import type { DoctorReport, EngineName } from '../../shared/engines.ts';
import { chooseEngine, doctor, workerEnvironment } from '../engines/registry.ts';
import {
  type InstallOptions,
  type InstallOutcome,
  installTensorflow,
} from '../engines/tensorflow/install.ts';
import { type RemovablePart, tensorflowParts, uninstallTensorflow } from '../engines/tensorflow/uninstall.ts';

export class EngineService {
  readonly #dataDirectory: string;

  constructor(dataDirectory: string) {
    this.#dataDirectory = dataDirectory;
  }

  async doctor(engines: readonly EngineName[]): Promise<DoctorReport[]> {
    return await doctor({ dataDirectory: this.#dataDirectory, engines });
  }

  /** The engine asked for, or the best that works. @throws StudioError ENGINE_MISSING. */
  async choose(asked: EngineName | null): Promise<EngineName> {
    return await chooseEngine({ dataDirectory: this.#dataDirectory, asked });
  }

  /** Variables that a process needs to run an engine, such as where its libraries are. */
  workerEnvironment(engine: EngineName, threads: number | null): Record<string, string> {
    return workerEnvironment(engine, { dataDirectory: this.#dataDirectory, threads });
  }

  async installTensorflow(options: Omit<InstallOptions, 'dataDirectory'>): Promise<InstallOutcome> {
    return await installTensorflow({ ...options, dataDirectory: this.#dataDirectory });
  }

  /** What `uninstallTensorflow` would remove. */
  tensorflowParts(): RemovablePart[] {
    return tensorflowParts(this.#dataDirectory);
  }

  uninstallTensorflow(): RemovablePart[] {
    return uninstallTensorflow(this.#dataDirectory);
  }
}
