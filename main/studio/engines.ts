/** @file Runs under Node. What can be done with engines in one data directory. */
import type { Device, DevicesWish } from '../../shared/devices.ts';
import type { DoctorReport, EngineName } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import type { DeviceSurroundings } from '../engines/devices.ts';
import { DriverSilent } from '../engines/driverSilent.ts';
import type { HardwarePlaces } from '../engines/hardware.ts';
import type { PrecisionWish } from '../engines/precision.ts';
import type { InstallOptions, InstallOutcome } from '../engines/tensorflow/install.ts';
import type { RemovablePart } from '../engines/tensorflow/uninstall.ts';

/** Loaded when first needed: the registry brings all of tfjs, which most commands do without. */
const loadRegistry = () => import('../engines/registry.ts');
const loadPrecision = () => import('../engines/precision.ts');
const loadDevices = () => import('../engines/devices.ts');
const loadReadiness = () => import('../engines/tensorflow/cudaReadiness.ts');
const loadInstall = () => import('../engines/tensorflow/install.ts');
const loadUninstall = () => import('../engines/tensorflow/uninstall.ts');

/** Makes ready what can be made ready where it is needed, such as an engine that is built on first use. */
export type PrepareEngines = () => Promise<void>;

/** GPUs come and go with drivers, not with the minute. */
const DEVICES_KEPT_MS = 60_000;

export interface EngineSurroundings {
  /** Told once, what a person should know of an engine: that it is taken in another's place, that it uses no GPU. */
  readonly onNotice?: (notice: string) => void;
  /** Where an NVIDIA driver is looked for. */
  readonly hardware?: HardwarePlaces | undefined;
  /** How long the devices of an engine are not asked for again. */
  readonly devicesKeptMs?: number;
}

export class EngineService {
  readonly #dataDirectory: string;
  readonly #prepare: PrepareEngines;
  readonly #onNotice: (notice: string) => void;
  readonly #hardware: HardwarePlaces | undefined;
  readonly #devicesKeptMs: number;
  readonly #told = new Set<string>();
  #prepared: Promise<void> | null = null;
  readonly #devices = new Map<EngineName, { readonly devices: Promise<Device[]>; readonly atMs: number }>();

  constructor(
    dataDirectory: string,
    prepare: PrepareEngines = async () => {},
    { onNotice = () => {}, hardware, devicesKeptMs = DEVICES_KEPT_MS }: EngineSurroundings = {},
  ) {
    this.#dataDirectory = dataDirectory;
    this.#prepare = prepare;
    this.#onNotice = onNotice;
    this.#hardware = hardware;
    this.#devicesKeptMs = devicesKeptMs;
  }

  async doctor(engines: readonly EngineName[]): Promise<DoctorReport[]> {
    const { doctor } = await loadRegistry();
    return await doctor({ dataDirectory: this.#dataDirectory, engines });
  }

  /** The engine asked for, or the best that works, made ready. @throws StudioError ENGINE_MISSING. */
  async choose(asked: EngineName | null): Promise<EngineName> {
    this.#prepared ??= asked === null || asked === 'native' ? this.#prepare() : null;
    await this.#prepared;
    const engine = await this.best(asked);
    if (asked === null || engine === 'tensorflow') await this.#tellOfGpu(engine);
    return engine;
  }

  /**
   * A GPU that TensorFlow was installed for and cannot use is told aloud, with what is taken instead. Where TensorFlow is given one
   * all the same, its worker tells.
   */
  async #tellOfGpu(engine: EngineName): Promise<void> {
    const { cudaObstacle } = await loadReadiness();
    const obstacle = await cudaObstacle(this.#dataDirectory, this.#hardware);
    if (obstacle === null || this.#told.has(obstacle.name)) return;
    if (engine === 'tensorflow' && !(await this.#computesOnProcessor())) return;
    this.#told.add(obstacle.name);
    const { sentence, nextStep } = obstacle;
    const instead =
      engine === 'tensorflow' ? 'It computes on the processor.' : `The engine ${engine} is taken.`;
    this.#onNotice(`TensorFlow cannot use the GPU: ${sentence}. ${instead} ${nextStep}`);
  }

  async #computesOnProcessor(): Promise<boolean> {
    try {
      return (await this.devices('tensorflow')).every(({ name }) => name === 'cpu');
    } catch (thrown) {
      if (thrown instanceof DriverSilent) return false;
      throw thrown;
    }
  }

  /** What a process says to a person of the engine that it has opened; each sentence is told once. */
  tell(notice: string): void {
    if (this.#told.has(notice)) return;
    this.#told.add(notice);
    this.#onNotice(notice);
  }

  /** The same as things are, without making anything ready. @throws StudioError ENGINE_MISSING. */
  async best(asked: EngineName | null = null): Promise<EngineName> {
    const { chooseEngine } = await loadRegistry();
    const hardware = this.#hardware;
    return await chooseEngine({
      dataDirectory: this.#dataDirectory,
      asked,
      ...(hardware === undefined ? {} : { hardware }),
    });
  }

  /** @throws StudioError USAGE when the engine cannot compute here as a run wishes. */
  async check(
    engine: EngineName,
    { precision, untried = false }: Pick<PrecisionWish, 'precision' | 'untried'>,
  ): Promise<void> {
    const { checkPrecision } = await loadPrecision();
    checkPrecision(engine, { precision, untried, dataDirectory: this.#dataDirectory });
  }

  /**
   * What an engine can compute on here, the best first; never empty. As it was found last: asking a driver takes a while.
   * @throws DriverSilent where the driver cannot be asked and has not answered before
   */
  async devices(engine: EngineName): Promise<readonly Device[]> {
    const known = this.#devices.get(engine);
    if (known !== undefined && performance.now() - known.atMs < this.#devicesKeptMs)
      return await known.devices;
    const devices = this.#askForDevices(engine, known?.devices ?? null);
    const asked = { devices, atMs: performance.now() };
    this.#devices.set(engine, asked);
    try {
      return await devices;
    } catch (thrown) {
      if (this.#devices.get(engine) === asked) this.#devices.delete(engine);
      throw thrown;
    }
  }

  /** A driver that is late for once has the GPUs that it had `before`. */
  async #askForDevices(engine: EngineName, before: Promise<Device[]> | null): Promise<Device[]> {
    const { listDevices } = await loadDevices();
    try {
      return await listDevices(engine, this.#surroundings);
    } catch (thrown) {
      if (before === null || !(thrown instanceof DriverSilent)) throw thrown;
      return await before;
    }
  }

  /** In place of the error that a device is not there: why the engine cannot compute on it, where it is there. */
  async refusal(engine: EngineName, wish: DevicesWish, error: StudioError): Promise<StudioError> {
    if (error.code !== 'NOT_FOUND' || !Array.isArray(wish)) return error;
    const { unableDevices } = await loadDevices();
    const unable = await unableDevices(engine, this.#surroundings);
    const asked = unable.find(({ name }) =>
      wish.some((reference) => name === reference || name.endsWith(`:${reference}`)),
    );
    if (asked === undefined) return error;
    const { name, sentence, nextStep } = asked;
    return new StudioError('NOT_FOUND', `The engine ${engine} cannot compute on ${name}: ${sentence}.`, {
      nextStep: `Name another device (npx --no entail devices shows what there is). ${nextStep}`,
    });
  }

  get #surroundings(): DeviceSurroundings {
    const hardware = this.#hardware === undefined ? {} : { hardware: this.#hardware };
    return { dataDirectory: this.#dataDirectory, ...hardware };
  }

  /** What an engine (null: the best that works) computes on when nobody says. @throws StudioError ENGINE_MISSING. */
  async deviceOf(asked: EngineName | null): Promise<Device> {
    return (await this.devices(await this.best(asked)))[0]!;
  }

  /**
   * Variables that a process needs to run an engine on a device, such as where its libraries are. The device is the one that was
   * found, and is locked: one of its name that is looked for again may be another GPU.
   * @throws StudioError ENGINE_FAILED for a GPU that a process cannot be shown alone
   */
  async workerEnvironment(
    engine: EngineName,
    { threads, device }: { readonly threads: number | null; readonly device: Device },
  ): Promise<Record<string, string>> {
    const { workerEnvironment } = await loadRegistry();
    return workerEnvironment(engine, { dataDirectory: this.#dataDirectory, threads, device });
  }

  async installTensorflow(options: Omit<InstallOptions, 'dataDirectory'>): Promise<InstallOutcome> {
    const { installTensorflow } = await loadInstall();
    const outcome = await installTensorflow({ ...options, dataDirectory: this.#dataDirectory });
    this.#devices.clear();
    return outcome;
  }

  /** What `uninstallTensorflow` would remove. */
  async tensorflowParts(): Promise<RemovablePart[]> {
    const { tensorflowParts } = await loadUninstall();
    return tensorflowParts(this.#dataDirectory);
  }

  async uninstallTensorflow(): Promise<RemovablePart[]> {
    const { uninstallTensorflow } = await loadUninstall();
    this.#devices.clear();
    return uninstallTensorflow(this.#dataDirectory);
  }
}
