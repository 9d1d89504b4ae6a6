/** @file Node. Programs by variant: the WGSL of each is put together once. */
import type { Program } from '../program.ts';

/** `make`, remembering what it made. A variant is an object of plain values, always made with the same keys. */
export function byVariant<Variant extends object>(
  make: (variant: Variant) => Program,
): (variant: Variant) => Program {
  const made = new Map<string, Program>();
  return (variant) => {
    const key = Object.values(variant).join();
    const program = made.get(key) ?? make(variant);
    made.set(key, program);
    return program;
  };
}
