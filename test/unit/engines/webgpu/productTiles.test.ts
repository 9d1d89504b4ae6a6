/** @file Tests. How matrix products on `webgpu` are cut into the work of workgroups. */
import { describe, expect, it } from 'vitest';
import { cutProduct } from '../../../../main/engines/webgpu/kernels/productTiles.ts';
import { Inputs } from '../../../support/onEngine.ts';

const SPLITS = ['not', 'whereLong', 'finely'] as const;

describe('cutting a product', () => {
  it('takes large tiles for large products, and pieces of the inner axis where the result is small', () => {
    expect(cutProduct({ rows: 12_800, columns: 512, inner: 256 }, { splits: 'not' }).tile.size).toBe(128);
    const ofWeights = cutProduct({ rows: 256, columns: 256, inner: 12_900 }, { splits: 'finely' });
    expect(ofWeights.pieces).toBeGreaterThan(8);
    expect(ofWeights.pieces * ofWeights.pieceLength).toBeGreaterThanOrEqual(12_900);
    expect((ofWeights.pieces - 1) * ofWeights.pieceLength).toBeLessThan(12_900);
    expect(cutProduct({ rows: 3, columns: 5, inner: 0 }, { splits: 'finely' }).pieces).toBe(1);
  });

  it('has pieces of 32 rows where a gradient of few numbers is a sum over rows', () => {
    const ofHead = { rows: 256, columns: 256, inner: 512 };
    expect(cutProduct(ofHead, { splits: 'finely' })).toMatchObject({ pieces: 16, pieceLength: 32 });
    expect(cutProduct(ofHead, { splits: 'whereLong' }).pieces).toBe(2);
    expect(cutProduct({ rows: 2, columns: 3, inner: 2 ** 22 }, { splits: 'finely' }).pieces).toBe(4096);
  });

  it('has pieces that end with a tile, whatever the sizes', () => {
    const inputs = new Inputs(8);
    for (let round = 0; round < 500; round++) {
      const shape = {
        rows: 1 + inputs.below(900),
        columns: 1 + inputs.below(900),
        inner: inputs.below(20_000),
      };
      const { tile, pieces, pieceLength } = cutProduct(shape, { splits: SPLITS[round % 3]! });
      expect(pieceLength % tile.inner).toBe(0);
      expect(pieces * pieceLength).toBeGreaterThanOrEqual(shape.inner);
      if (pieces > 1) expect((pieces - 1) * pieceLength).toBeLessThan(shape.inner);
      if (round % 3 === 0) expect(pieces).toBe(1);
    }
  });
});
