/** @file Node. New tensors for rows of activations and of their gradients, in the bits in which a call keeps them. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { gradientScale } from '../gradientScale.ts';
import type { Packing } from './fours.ts';
import type { Call } from './kernel.ts';

export const emptyRows = (
  { programs }: Pick<Call, 'programs'>,
  packing: Packing,
  shape: readonly number[],
): TensorInfo => (packing === 'halves' ? programs.emptyHalf(shape) : programs.empty(shape));

export const emptyGradientRows = (
  { programs }: Pick<Call, 'programs'>,
  packing: Packing,
  shape: readonly number[],
): TensorInfo => (packing === 'halves' ? programs.emptyHalf(shape, gradientScale()) : programs.empty(shape));
