/**
 * @file Runs anywhere. The opcodes of a pickle that a state dict needs (models.md), and the names of those that are
 * refused.
 */
import type { PickleMachine } from './machine.ts';
import { PickleDict, PickleFunction, PickleList, PickleTuple } from './values.ts';

export const STOP = 0x2e;
export const PROTO = 0x80;
/** What PyTorch writes; later ones have other opcodes. */
const PROTOCOL = 2;

type Act = (machine: PickleMachine) => void;

/** By the opcode's byte; the letter is how Python's pickletools shows it. */
export const OPCODES: ReadonlyMap<number, Act> = new Map<number, Act>([
  [PROTO, requireProtocol],
  [0x28, (machine) => machine.mark()], // ( MARK
  [0x29, (machine) => machine.pushTuple([])], // ) EMPTY_TUPLE
  [0x47, (machine) => machine.push(machine.take(8).readDoubleBE())], // G BINFLOAT
  [0x4a, (machine) => machine.push(machine.take(4).readInt32LE())], // J BININT
  [0x4b, (machine) => machine.push(machine.take(1).readUInt8())], // K BININT1
  [0x4d, (machine) => machine.push(machine.take(2).readUInt16LE())], // M BININT2
  [0x4e, (machine) => machine.push(null)], // N NONE
  [0x51, pushPersistent], // Q BINPERSID
  [0x52, reduce], // R REDUCE
  [0x58, pushText], // X BINUNICODE
  [0x5d, (machine) => machine.push(new PickleList())], // ] EMPTY_LIST
  [0x61, (machine) => machine.append([machine.pop()])], // a APPEND
  [0x62, build], // b BUILD
  [0x63, pushGlobal], // c GLOBAL
  [0x65, (machine) => machine.append(machine.popToMark())], // e APPENDS
  [0x68, (machine) => machine.recall(machine.take(1).readUInt8())], // h BINGET
  [0x6a, (machine) => machine.recall(machine.take(4).readUInt32LE())], // j LONG_BINGET
  [0x71, (machine) => machine.memorise(machine.take(1).readUInt8())], // q BINPUT
  [0x72, (machine) => machine.memorise(machine.take(4).readUInt32LE())], // r LONG_BINPUT
  [0x73, (machine) => machine.setItems([machine.pop(), machine.pop()].reverse())], // s SETITEM
  [0x74, (machine) => machine.pushTuple(machine.popToMark())], // t TUPLE
  [0x75, (machine) => machine.setItems(machine.popToMark())], // u SETITEMS
  [0x7d, (machine) => machine.push(new PickleDict(false))], // } EMPTY_DICT
  [0x85, (machine) => machine.pushTuple([machine.pop()])], // TUPLE1
  [0x86, (machine) => machine.pushTuple([machine.pop(), machine.pop()].reverse())], // TUPLE2
  [0x87, (machine) => machine.pushTuple([machine.pop(), machine.pop(), machine.pop()].reverse())], // TUPLE3
  [0x88, (machine) => machine.push(true)], // NEWTRUE
  [0x89, (machine) => machine.push(false)], // NEWFALSE
  [0x8a, pushLong], // LONG1
]);

function requireProtocol(machine: PickleMachine): void {
  const protocol = machine.take(1).readUInt8();
  if (protocol !== PROTOCOL)
    machine.rules.refuse(`its pickle is of protocol ${protocol}; PyTorch writes protocol ${PROTOCOL}`);
}

function pushText(machine: PickleMachine): void {
  const bytes = machine.take(machine.take(4).readUInt32LE());
  try {
    machine.push(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    machine.rules.refuse('its pickle has text that is not UTF-8');
  }
}

/** A whole number of up to 255 bytes, two's complement, little-endian. */
function pushLong(machine: PickleMachine): void {
  const bytes = machine.take(machine.take(1).readUInt8());
  let value = 0n;
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at]!);
  const signed = BigInt.asIntN(8 * bytes.length, value);
  machine.push(Number.isSafeInteger(Number(signed)) ? Number(signed) : signed);
}

function pushGlobal(machine: PickleMachine): void {
  const module = machine.line();
  const name = `${module} ${machine.line()}`;
  const known = machine.rules.globals.get(name);
  if (known === undefined)
    machine.rules.refuse(`its pickle asks for ${name.replace(' ', '.')}, which no state dict needs`);
  machine.push(known);
}

function pushPersistent(machine: PickleMachine): void {
  machine.push(machine.rules.persistent(machine.pop()));
}

function reduce(machine: PickleMachine): void {
  const given = machine.pop();
  const callable = machine.pop();
  if (!(callable instanceof PickleFunction))
    machine.rules.refuse('its pickle calls what is not one of the functions of a state dict');
  if (!(given instanceof PickleTuple))
    machine.rules.refuse('its pickle calls a function with what is not a tuple');
  machine.push(callable.call(given.items));
}

/** PyTorch sets an OrderedDict's `_metadata` in this way (versions of modules); nothing in it is needed. */
function build(machine: PickleMachine): void {
  const state = machine.pop();
  const target = machine.top();
  if (!(target instanceof PickleDict && target.ordered && state instanceof PickleDict))
    machine.rules.refuse('its pickle sets the state of something other than an OrderedDict');
}

/** Opcodes that pickles may have elsewhere, by name, so that a refusal can say which it was. */
const REFUSED_NAMES: ReadonlyMap<number, string> = new Map([
  [0x30, 'POP'],
  [0x31, 'POP_MARK'],
  [0x32, 'DUP'],
  [0x42, 'BINBYTES'],
  [0x43, 'SHORT_BINBYTES'],
  [0x46, 'FLOAT'],
  [0x49, 'INT'],
  [0x4c, 'LONG'],
  [0x50, 'PERSID'],
  [0x53, 'STRING'],
  [0x54, 'BINSTRING'],
  [0x55, 'SHORT_BINSTRING'],
  [0x56, 'UNICODE'],
  [0x64, 'DICT'],
  [0x67, 'GET'],
  [0x69, 'INST'],
  [0x6c, 'LIST'],
  [0x6f, 'OBJ'],
  [0x70, 'PUT'],
  [0x81, 'NEWOBJ'],
  [0x82, 'EXT1'],
  [0x83, 'EXT2'],
  [0x84, 'EXT4'],
  [0x8b, 'LONG4'],
  [0x8c, 'SHORT_BINUNICODE'],
  [0x8d, 'BINUNICODE8'],
  [0x8e, 'BINBYTES8'],
  [0x8f, 'EMPTY_SET'],
  [0x90, 'ADDITEMS'],
  [0x91, 'FROZENSET'],
  [0x92, 'NEWOBJ_EX'],
  [0x93, 'STACK_GLOBAL'],
  [0x94, 'MEMOIZE'],
  [0x95, 'FRAME'],
  [0x96, 'BYTEARRAY8'],
  [0x97, 'NEXT_BUFFER'],
  [0x98, 'READONLY_BUFFER'],
]);

export function opcodeName(code: number): string {
  return REFUSED_NAMES.get(code) ?? `0x${code.toString(16).padStart(2, '0')}`;
}
