/** @file Runs anywhere. Queries, keys and values: three linear layers on the same rows, without activation. */
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, KERNELS, runKernel } from './dispatch.ts';
import { type LinearWeights, linear } from './linear.ts';

/** Of the queries, the keys, the values. */
type Three<Part> = readonly [Part, Part, Part];

/** x [R, H] -> three times [R, H] */
export function projections(x: tf.Tensor2D, layers: Three<LinearWeights>): Three<tf.Tensor2D> {
  if (!hasKernel(KERNELS.projections)) {
    const [queries, keys, values] = layers;
    return [linear(x, queries), linear(x, keys), linear(x, values)];
  }
  const weights = Object.fromEntries(
    layers.flatMap(({ weight, bias }, layer) => [
      [`weight${layer}`, weight],
      [`bias${layer}`, bias],
    ]),
  );
  return runKernel(KERNELS.projections, { x, ...weights }, {}) as unknown as Three<tf.Tensor2D>;
}

/**
 * Tells tfjs the gradient of the kernel: `tf.customGrad` knows one output only. Registered pair: (x, weight0, bias0, …)
 * -> y0, y1, y2, and (dy0, dy1, dy2, x, weight0, …) -> dx, dWeight0 … dWeight2, dBias0 … dBias2. An engine that
 * registers the kernel calls this once.
 */
export function registerProjectionsGradient(): void {
  if (tf.getGradient(KERNELS.projections) !== undefined) return;
  tf.registerGradient({
    kernelName: KERNELS.projections,
    inputsToSave: ['x', 'weight0', 'weight1', 'weight2'],
    gradFunc: (dy, [x, ...weights]) => {
      const named = (name: string, tensors: readonly tf.Tensor[]) =>
        Object.fromEntries(tensors.map((tensor, layer) => [`${name}${layer}`, tensor]));
      const inputs = { x: x!, ...named('dy', dy as tf.Tensor[]), ...named('weight', weights) };
      const [dx, ...rest] = runKernel(KERNELS.projectionsGradient, inputs, {});
      // As in `withGradient`: the tape would keep them to its end.
      tf.dispose([...(dy as tf.Tensor[]), x!, ...weights]);
      const gradients = { x: dx!, ...named('weight', rest.slice(0, 3)), ...named('bias', rest.slice(3)) };
      return Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, () => gradient]));
    },
  });
}
