/** @file Node. Adam in place on the GPU: a step of all parameters in a few programs, with the clipping factor inside. */
import * as tf from '@tensorflow/tfjs-core';
import {
  type AdamSettings,
  type AdamUpdate,
  type AdamVariable,
  type AdamVariableFactory,
  adamFactors,
  type SparseGradient,
} from '../../model/adam.ts';
import { sumRows } from '../../model/kernels/rows.ts';
import { adamOfMany, adamOfRows } from './adamPrograms.ts';
import type { Programs } from './dispatch.ts';
import { GROUP_SIZE } from './kernels/wgsl.ts';
import { MomentArena } from './momentArena.ts';
import { numbered } from './program.ts';

/** Numbers that one invocation goes over, in the largest parameter of a program. */
const NUMBERS_EACH = 4;

type Moments =
  | { readonly kind: 'own'; readonly tensors: readonly [first: tf.Tensor, second: tf.Tensor] }
  | { readonly kind: 'shared'; readonly arena: MomentArena; readonly member: number };

class WebgpuAdamVariable implements AdamVariable {
  readonly #programs: Programs;
  readonly #value: tf.Tensor;
  #moments: Moments;

  constructor(programs: Programs, [value, ...moments]: readonly [tf.Tensor, tf.Tensor, tf.Tensor]) {
    this.#programs = programs;
    this.#value = value;
    this.#moments = { kind: 'own', tensors: moments };
    for (const tensor of [value, ...moments]) tf.keep(tensor);
  }

  value(): tf.Tensor {
    return this.#value;
  }

  moments(): { first: tf.Tensor; second: tf.Tensor } {
    const moments = this.#moments;
    if (moments.kind === 'shared') return moments.arena.copyOf(moments.member, this.#value.shape);
    const [first, second] = moments.tensors.map((tensor) => {
      const copy = tf.engine().makeTensorFromTensorInfo(this.#programs.empty(tensor.shape));
      this.#programs.copy({ tensor, start: 0 }, { tensor: copy, start: 0 }, copy.size);
      return copy;
    });
    return { first: first!, second: second! };
  }

  /** Where the moments are now. */
  get place(): Moments {
    return this.#moments;
  }

  /** The moments lie in an arena from now on, which took the tensors over. */
  moveTo(arena: MomentArena, member: number): void {
    this.#moments = { kind: 'shared', arena, member };
  }

  update(gradient: tf.Tensor, settings: AdamSettings): void {
    updateMany(this.#programs, [{ variable: this, gradient, settings }], null);
  }

  updateRows(gradient: SparseGradient, settings: AdamSettings): void {
    updateTable(this.#programs, { variable: this, gradient, settings }, null);
  }

  dispose(): void {
    this.#value.dispose();
    if (this.#moments.kind === 'own') tf.dispose([...this.#moments.tensors]);
    else this.#moments.arena.release();
  }
}

interface Update<Gradient> {
  readonly variable: WebgpuAdamVariable;
  readonly gradient: Gradient;
  readonly settings: AdamSettings;
}

function checkSize(given: number, wanted: number): void {
  if (given !== wanted)
    throw new Error(`Error in Adam: a gradient of ${given} numbers instead of ${wanted}.`);
}

const commonSizes = ({ beta1, beta2, eps }: AdamSettings) => ({
  beta1,
  beta2,
  rest1: 1 - beta1,
  rest2: 1 - beta2,
  eps,
});

/** Dense gradients: those whose moments share an arena go in one program. */
function updateMany(
  programs: Programs,
  updates: readonly Update<tf.Tensor>[],
  scale: tf.Tensor | null,
): void {
  for (const { variable, gradient } of updates) checkSize(gradient.size, variable.value().size);
  settle(programs, updates);
  const byArena = new Map<MomentArena, Update<tf.Tensor>[]>();
  for (const update of updates) {
    const { place } = update.variable;
    if (place.kind !== 'shared') throw new Error('Error in Adam: moments without a place.');
    byArena.set(place.arena, [...(byArena.get(place.arena) ?? []), update]);
  }
  for (const [arena, members] of byArena) updateArena(programs, { arena, members, scale });
}

/** Parameters that are updated for the first time move together, as many as one program binds. */
function settle(programs: Programs, updates: readonly Update<tf.Tensor>[]): void {
  const fresh = updates.map(({ variable }) => variable).filter(({ place }) => place.kind === 'own');
  // Beside the value and the gradient of each there are the moments of all, and the scale.
  const most = Math.floor((programs.backend.device.limits.maxStorageBuffersPerShaderStage - 2) / 2);
  for (let begin = 0; begin < fresh.length; begin += most) {
    const together = fresh.slice(begin, begin + most);
    const tensors = together.map(({ place }) => (place as Moments & { kind: 'own' }).tensors);
    const arena = new MomentArena(programs, tensors);
    for (const [member, variable] of together.entries()) variable.moveTo(arena, member);
  }
}

function updateArena(
  programs: Programs,
  {
    arena,
    members,
    scale,
  }: { arena: MomentArena; members: readonly Update<tf.Tensor>[]; scale: tf.Tensor | null },
): void {
  const each = <Value>(name: string, of: (update: Update<tf.Tensor>) => Value) =>
    Object.fromEntries(numbered(name, members.length).map((one, at) => [one, of(members[at]!)]));
  const factor = (name: 'stepSize' | 'inverseRoot' | 'keep') =>
    each(name, ({ settings }) => adamFactors(settings)[name]);
  const longest = Math.max(...members.map(({ gradient }) => gradient.size));
  programs.run(adamOfMany({ count: members.length, scaled: scale !== null }), {
    inputs: { ...each('gradient', ({ gradient }) => gradient), ...(scale === null ? {} : { scale }) },
    outputs: { ...each('value', ({ variable }) => variable.value()), moments: arena.tensor },
    sizes: {
      ...commonSizes(members[0]!.settings),
      half: arena.half,
      ...each('length', ({ gradient }) => gradient.size),
      ...each('offset', ({ variable: { place } }) =>
        place.kind === 'shared' ? arena.offsetOf(place.member) : 0,
      ),
      ...factor('stepSize'),
      ...factor('inverseRoot'),
      ...factor('keep'),
    },
    groups: [Math.ceil(longest / (GROUP_SIZE * NUMBERS_EACH)), members.length],
  });
}

function updateTable(
  programs: Programs,
  { variable, gradient: { ids, rows }, settings }: Update<SparseGradient>,
  scale: tf.Tensor | null,
): void {
  const value = variable.value();
  const width = value.size / value.shape[0]!;
  checkSize(rows.size, ids.length * width);
  const { place } = variable;
  if (place.kind !== 'own') {
    // It had a dense gradient before.
    const gradient = tf.tidy(() => sumRows(rows, ids, value.shape[0]!));
    updateMany(programs, [{ variable, gradient, settings }], scale);
    gradient.dispose();
    return;
  }
  const [firsts, seconds] = place.tensors;
  const fours = width % 4 === 0;
  const numbers = fours ? 4 : 1;
  const length = value.size / numbers;
  programs.run(adamOfRows({ fours, scaled: scale !== null }), {
    inputs: { rows, ids, ...(scale === null ? {} : { scale }) },
    outputs: { value, firsts, seconds },
    sizes: {
      ...commonSizes(settings),
      ...adamFactors(settings),
      ...{ distinct: ids.length, width: width / numbers, length },
    },
    groups: [Math.ceil(length / GROUP_SIZE)],
  });
}

export function webgpuAdamVariables(programs: Programs): AdamVariableFactory {
  const create = (...tensors: [tf.Tensor, tf.Tensor, tf.Tensor]) => new WebgpuAdamVariable(programs, tensors);
  return Object.assign(create, {
    scales: true,
    updateAll: (updates: readonly AdamUpdate[], scale: tf.Tensor | null) => {
      const dense: Update<tf.Tensor>[] = [];
      for (const { variable, gradient, settings } of updates) {
        const own = variable as WebgpuAdamVariable;
        if (gradient instanceof tf.Tensor) dense.push({ variable: own, gradient, settings });
        else updateTable(programs, { variable: own, gradient, settings }, scale);
      }
      updateMany(programs, dense, scale);
    },
  });
}
