/**
 * @file Node. Bind groups of one program, remembered by their buffers: making one takes Dawn longer than everything else
 * about a dispatch, and the pool hands out the same buffers step after step.
 */

/** As many different sets of buffers as a program is remembered with; a step of one shape needs about ten. */
const MOST_REMEMBERED = 256;

const numbers = new WeakMap<GPUBuffer, number>();
let numbered = 0;

function numberOf(buffer: GPUBuffer): number {
  const known = numbers.get(buffer);
  if (known !== undefined) return known;
  numbers.set(buffer, numbered);
  return numbered++;
}

export class BindGroups {
  readonly #device: GPUDevice;
  readonly #layout: GPUBindGroupLayout;
  readonly #made = new Map<string, GPUBindGroup>();

  constructor(device: GPUDevice, layout: GPUBindGroupLayout) {
    this.#device = device;
    this.#layout = layout;
  }

  /** Whole buffers in the order of bindings, then the sizes, whose place is told when the group is set. */
  of(buffers: readonly GPUBuffer[], sizes: GPUBufferBinding | null): GPUBindGroup {
    let key = '';
    for (const buffer of buffers) key += `${numberOf(buffer)} `;
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const resources: GPUBufferBinding[] = buffers.map((buffer) => ({ buffer }));
    if (sizes !== null) resources.push(sizes);
    const entries = resources.map((resource, binding) => ({ binding, resource }));
    const group = this.#device.createBindGroup({ layout: this.#layout, entries });
    if (this.#made.size >= MOST_REMEMBERED) this.#made.clear();
    this.#made.set(key, group);
    return group;
  }
}
