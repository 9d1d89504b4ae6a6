/** @file Node. What gradients in 16 bits are multiplied by. */
import { gradientMagnitude } from '../../model/gradientMagnitude.ts';

/** The largest of a gradient are about so large then, and may grow four thousandfold on their way back. */
const LARGEST = 16;
/** Beyond it single precision ends, too. */
const MOST_EXPONENT = 30;

/** A power of two, by the pass that is under way: half precision has few small numbers. */
export function gradientScale(): number {
  const exponent = Math.floor(Math.log2(LARGEST / gradientMagnitude()));
  return 2 ** Math.min(MOST_EXPONENT, Math.max(-MOST_EXPONENT, exponent));
}
