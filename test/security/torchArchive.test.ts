/** @file Tests. Files of torch.save from strangers: P1 to P12 and their neighbours, each refused with its reason. */
import { describe, expect, it } from 'vitest';
import { bytesInMemory } from '../../main/files/byteSource.ts';
import { openTorchArchive } from '../../main/models/torchArchive.ts';
import { BAD_TORCH_FILES, replaced, tensor } from '../fixtures/bad/torchFiles.ts';
import { seededRandom } from '../support/powerCutDisk.ts';
import { studioRejectionOf } from '../support/studioErrorOf.ts';
import { torchLegacy, torchZip } from '../support/torchBytes.ts';

describe('a file of torch.save is refused', () => {
  it.each(BAD_TORCH_FILES)('%s', async (_, file, words) => {
    const error = await studioRejectionOf(openTorchArchive(bytesInMemory('theirs.bin', file)));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toContain('theirs.bin');
    expect(error.message).toContain(words);
    expect(error.message.length).toBeLessThan(500);
    expect(error.nextStep).not.toBe('');
    expect(error.place).toEqual({ file: 'theirs.bin' });
  });

  it('when a storage was changed after it was packed', async () => {
    const file = replaced('weights/data/0', { declaredChecksum: 1 });
    const opened = await openTorchArchive(bytesInMemory('theirs.bin', file));
    expect((await studioRejectionOf(opened.read('w'))).code).toBe('CHECKSUM_MISMATCH');
  });
});

it.each([
  ['zip', torchZip([tensor])],
  ['legacy', torchLegacy([tensor])],
])('whatever is changed in a %s file, it is read or refused, and nothing else happens', async (_, file) => {
  const random = seededRandom(17);
  let refused = 0;
  for (let round = 0; round < 2000; round++) {
    const end = random() < 0.2 ? Math.floor(random() * file.byteLength) : file.byteLength;
    const one = Buffer.from(file.subarray(0, end));
    for (let flips = 0; flips < 1 + random() * 3 && one.byteLength > 0; flips++)
      one[Math.floor(random() * one.byteLength)] = Math.floor(random() * 256);
    try {
      const opened = await openTorchArchive(bytesInMemory('theirs.bin', one));
      for (const name of opened.tensors.keys()) await opened.read(name);
    } catch (thrown) {
      refused += 1;
      if (!['BAD_FILE', 'CHECKSUM_MISMATCH'].includes((thrown as { code?: string }).code ?? '')) throw thrown;
    }
  }
  expect(refused).toBeGreaterThan(1000);
});
