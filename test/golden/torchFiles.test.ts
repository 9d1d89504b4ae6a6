/** @file Runs in tests. Files that PyTorch itself wrote, in both of its formats, against what it says stands in them. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openTorchFile } from '../../main/models/torchArchive.ts';
import { readFixture } from './fixtures.ts';

const { tensors } = readFixture('torch_files.json');

describe.each(['torch_zip.pt', 'torch_legacy.pt'])('%s', (name) => {
  it('gives every tensor as PyTorch does', async () => {
    const file = await openTorchFile(fileURLToPath(new URL(name, import.meta.url)));
    expect(file.notes).toEqual([]);
    expect([...file.tensors.keys()]).toEqual(Object.keys(tensors));
    for (const [tensor, expected] of Object.entries(tensors)) {
      const { shape, values } = await file.read(tensor);
      expect({ tensor, shape, values: Array.from(values, Number) }).toEqual({ tensor, ...expected });
    }
    await file.close();
  });

  it('keeps whole numbers, and tells every type', async () => {
    const file = await openTorchFile(fileURLToPath(new URL(name, import.meta.url)));
    const types = [...file.tensors].filter(([tensor]) => tensor.startsWith('type.'));
    const given = await Promise.all(
      types.map(async ([tensor, { dtype }]) => [tensor.slice(5), dtype, (await file.read(tensor)).dtype]),
    );
    expect(given).toEqual([
      ['half', 'F16', 'F32'],
      ['brain', 'BF16', 'F32'],
      ['double', 'F64', 'F32'],
      ['long', 'I64', 'I64'],
      ['int', 'I32', 'I32'],
      ['short', 'I16', 'I16'],
      ['char', 'I8', 'I8'],
      ['byte', 'U8', 'U8'],
      ['bool', 'BOOL', 'BOOL'],
    ]);
    await file.close();
  });
});
