/** @file Runs anywhere. From the pickle of a torch.save file to the tensors of its state dict, by name. */
import { MAX_TENSORS } from '../../files/tensorTypes.ts';
import { type PickleRules, shown } from '../pickle/machine.ts';
import { describeValue, PickleDict, PickleFunction, type PickleValue } from '../pickle/values.ts';
import { STORAGE_TYPES, type StorageTable } from './storages.ts';
import { TensorView, viewOf } from './tensorView.ts';

type Refuse = (why: string) => never;

/** What the pickle of a state dict may name, and nothing else (models.md). */
export function stateDictRules(storages: StorageTable, refuse: Refuse): PickleRules {
  const globals = new Map<string, PickleValue>([
    ...STORAGE_TYPES,
    ['collections OrderedDict', new PickleFunction((given) => orderedDict(given, refuse))],
    ['torch._utils _rebuild_tensor_v2', new PickleFunction((given) => rebuildTensor(given, refuse))],
    ['torch._utils _rebuild_parameter', new PickleFunction((given) => rebuildParameter(given, refuse))],
  ]);
  return { globals, persistent: (id) => storages.resolve(id), refuse };
}

function orderedDict(given: readonly PickleValue[], refuse: Refuse): PickleDict {
  requireCount('OrderedDict', given, 0, refuse);
  return new PickleDict(true);
}

/** (storage, offset, sizes, strides, requires_grad, hooks) */
function rebuildTensor(given: readonly PickleValue[], refuse: Refuse): TensorView {
  requireCount('_rebuild_tensor_v2', given, 6, refuse);
  const [storage, offset, sizes, strides, requiresGrad, hooks] = given as readonly [
    PickleValue,
    PickleValue,
    PickleValue,
    PickleValue,
    PickleValue,
    PickleValue,
  ];
  requireNoHooks(requiresGrad, hooks, refuse);
  return viewOf({ storage, offset, sizes, strides }, refuse);
}

/** (tensor, requires_grad, hooks) */
function rebuildParameter(given: readonly PickleValue[], refuse: Refuse): TensorView {
  requireCount('_rebuild_parameter', given, 3, refuse);
  const [tensor, requiresGrad, hooks] = given as readonly [PickleValue, PickleValue, PickleValue];
  requireNoHooks(requiresGrad, hooks, refuse);
  if (tensor instanceof TensorView) return tensor;
  return refuse(`its pickle makes a parameter from ${describeValue(tensor)} instead of a tensor`);
}

function requireCount(name: string, given: readonly PickleValue[], count: number, refuse: Refuse): void {
  if (given.length !== count)
    refuse(`its pickle calls ${name} with ${given.length} arguments instead of ${count}`);
}

function requireNoHooks(requiresGrad: PickleValue, hooks: PickleValue, refuse: Refuse): void {
  const noHooks = hooks instanceof PickleDict && hooks.ordered && hooks.entries.size === 0;
  if (typeof requiresGrad !== 'boolean' || !noHooks)
    refuse('its pickle makes a tensor with hooks, which are programs');
}

export interface StateDict {
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, TensorView>;
  /** Sentences about what else the file holds. */
  readonly notes: readonly string[];
}

/** Where training programs keep the state dict in a checkpoint that holds more. */
const WRAPPERS = ['state_dict', 'model_state_dict', 'model'];

/** Takes the state dict out of what the file holds: it is that, or one of a checkpoint's entries. */
export function stateDictIn(value: PickleValue, refuse: Refuse): StateDict {
  if (!(value instanceof PickleDict))
    return refuse(`it holds ${describeValue(value)} instead of tensors by name`);
  const own = tensorsOf(value, refuse);
  if (own.tensors.size > 0) return own;
  for (const wrapper of WRAPPERS) {
    const inner = value.entries.get(wrapper);
    if (!(inner instanceof PickleDict)) continue;
    const { tensors, notes } = tensorsOf(inner, refuse);
    if (tensors.size > 0)
      return { tensors, notes: [`It is a checkpoint; its ${wrapper} was read.`, ...notes] };
  }
  return refuse('it holds no tensors by name');
}

function tensorsOf(dict: PickleDict, refuse: Refuse): StateDict {
  const tensors = new Map<string, TensorView>();
  const others: string[] = [];
  for (const [name, value] of dict.entries) {
    if (value instanceof TensorView && typeof name === 'string') tensors.set(name, value);
    else others.push(shown(name));
  }
  if (tensors.size > MAX_TENSORS) refuse(`it holds more than ${MAX_TENSORS} tensors`);
  if (others.length === 0) return { tensors, notes: [] };
  const some = others.slice(0, 3).join(', ');
  return {
    tensors,
    notes: [`Entries that are not tensors were left out: ${some}${others.length > 3 ? ' and more' : ''}.`],
  };
}
