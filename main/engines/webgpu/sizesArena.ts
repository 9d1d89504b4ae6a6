/**
 * @file Node. The sizes of all programs that are recorded before one submit: collected here, and written to the device
 * in one go when the commands are submitted (a write reaches the device before the commands that are submitted after
 * it, and after those before).
 */
import type { Pipeline } from './program.ts';

const SLOTS = 256;

export class SizesArena {
  readonly #device: GPUDevice;
  readonly #buffer: GPUBuffer;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  /** As much as one program may have. */
  readonly slotBytes: number;
  #used = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.slotBytes = device.limits.minUniformBufferOffsetAlignment;
    this.#bytes = new Uint8Array(SLOTS * this.slotBytes);
    this.#view = new DataView(this.#bytes.buffer);
    this.#buffer = device.createBuffer({
      label: 'sizes',
      size: this.#bytes.byteLength,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
  }

  /** Full arenas must be submitted before the next program. */
  get isFull(): boolean {
    return this.#used === SLOTS;
  }

  /** What a program's bind group binds; where its numbers begin is told when the group is set. */
  binding(names: Pipeline['sizeNames']): GPUBufferBinding {
    return { buffer: this.#buffer, offset: 0, size: Math.max(16, Math.ceil(names.length / 4) * 16) };
  }

  /** Keeps the numbers of one program until the submit. -> their offset. @throws Error for a number that is missing */
  add(names: Pipeline['sizeNames'], numbers: Readonly<Record<string, number>>): number {
    if (names.length * 4 > this.slotBytes) throw new Error(`A program has ${names.length} sizes, too many.`);
    const offset = this.#used++ * this.slotBytes;
    names.forEach(([name, type], position) => {
      const value = numbers[name];
      if (value === undefined) throw new Error(`The size ${name} of a program is missing.`);
      const at = offset + position * 4;
      if (type === 'f32') this.#view.setFloat32(at, value, true);
      else if (type === 'i32') this.#view.setInt32(at, value, true);
      else this.#view.setUint32(at, value, true);
    });
    return offset;
  }

  /** The same for a program whose numbers are laid out by the caller. */
  addBytes(size: number, write: (view: DataView, offset: number) => void): GPUBufferBinding {
    const offset = this.#used++ * this.slotBytes;
    write(this.#view, offset);
    return { buffer: this.#buffer, offset, size };
  }

  /** Right before the commands are submitted. */
  flush(): void {
    if (this.#used === 0) return;
    this.#device.queue.writeBuffer(this.#buffer, 0, this.#bytes, 0, this.#used * this.slotBytes);
    this.#used = 0;
  }
}
