/** @file Node. tfjs keeps the gradients of its plain ops in the union package: loading it registers them. */

/** Registers the gradients of all tfjs ops, which composites need; loading twice does nothing. */
export async function registerGradients(): Promise<void> {
  await import('@tensorflow/tfjs');
}
