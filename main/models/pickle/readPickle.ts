/** @file Runs anywhere. Reads one pickle to its STOP, opcode by opcode, without running any of it. */
import { PickleMachine, type PickleRules } from './machine.ts';
import { OPCODES, opcodeName, PROTO, STOP } from './opcodes.ts';
import type { PickleValue } from './values.ts';

const MAX_OPCODES = 1_000_000;

export interface ReadPickle {
  readonly value: PickleValue;
  /** The first byte after it. */
  readonly end: number;
}

/** @param start where in `bytes` the pickle begins; what comes after its STOP is left alone. */
export function readPickle(bytes: Buffer, start: number, rules: PickleRules): ReadPickle {
  if (bytes[start] !== PROTO) rules.refuse('it has no pickle of a protocol that PyTorch writes');
  const machine = new PickleMachine(bytes, start, rules);
  for (let count = 0; count < MAX_OPCODES; count++) {
    const code = machine.take(1).readUInt8();
    if (code === STOP) return { value: machine.result(), end: machine.at };
    const act = OPCODES.get(code);
    if (act === undefined)
      return rules.refuse(`its pickle has the opcode ${opcodeName(code)}, which no state dict needs`);
    act(machine);
  }
  return rules.refuse(`its pickle has more than ${MAX_OPCODES} opcodes`);
}
