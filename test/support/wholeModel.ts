/** @file Tests. Models read to their last number, as a test wants to see them. */
import type { NamedTensor } from '../../main/files/tensorTypes.ts';
import type { OpenedWeights } from '../../main/models/importedModel.ts';

/** What was opened, with all its numbers by our names, and what is odd about them among its notes. */
export type Whole<Opened extends OpenedWeights> = Opened & {
  readonly tensors: ReadonlyMap<string, NamedTensor>;
};

export async function wholeModel<Opened extends OpenedWeights>(
  opening: Promise<Opened>,
): Promise<Whole<Opened>> {
  const opened = await opening;
  try {
    const tensors = new Map<string, NamedTensor>();
    for (const { name, shape } of opened.shapes)
      tensors.set(name, { dtype: 'F32', shape: [...shape], values: await opened.read(name) });
    return { ...opened, tensors, notes: [...opened.notes, ...opened.doubts()] };
  } finally {
    await opened.close();
  }
}
