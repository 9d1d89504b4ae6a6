/** @file Tests. Random numbers in WGSL: the generator against Random123's vectors, and masks against those of JavaScript. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { programsOf } from '../../../../main/engines/webgpu/dispatch.ts';
import { PHILOX } from '../../../../main/engines/webgpu/kernels/dropout.ts';
import { mainOf } from '../../../../main/engines/webgpu/kernels/wgsl.ts';
import { openWebgpu } from '../../../../main/engines/webgpu.ts';
import type { DropoutSource } from '../../../../main/model/dropout.ts';
import { attentionMask, rowsMask } from '../../../../main/model/kernels/dropoutMask.ts';
import { readFixture } from '../../../golden/fixtures.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { layoutOf } from '../../../support/fusedWork.ts';
import { Inputs, valuesOn } from '../../../support/onEngine.ts';

beforeEach(({ skip }) => void engineForTests('webgpu', skip));

const fixture = readFixture('philox.json');

it('Philox4x32-10 gives the words of the vectors', async () => {
  const { backend } = await openWebgpu({ dataDirectory: '', adapter: process.env['ENTAIL_WEBGPU_ADAPTER']! });
  const programs = programsOf(backend);
  const words = programs.empty([fixture.vectors.length, 4], 'int32');
  programs.run(
    {
      name: 'philoxVectors',
      inputs: { given: 'u32' },
      outputs: { words: 'vec4<i32>' },
      sizes: { count: 'u32' },
      source: `${PHILOX}
${mainOf()} {
  if (lane >= sizes.count) { return; }
  let at = lane * 6u;
  let counter = vec4u(given[at], given[at + 1u], given[at + 2u], given[at + 3u]);
  words[lane] = bitcast<vec4<i32>>(philox(counter, vec2u(given[at + 4u], given[at + 5u])));
}`,
    },
    {
      inputs: {
        given: Uint32Array.from(fixture.vectors.flatMap(({ counter, key }) => [...counter, ...key])),
      },
      outputs: { words },
      sizes: { count: fixture.vectors.length },
      groups: [1],
    },
  );
  const read = (await backend.read(words.dataId)) as Int32Array;
  programs.free(words);
  expect(Array.from(read, (word) => word >>> 0)).toEqual(fixture.vectors.flatMap((vector) => vector.words));
});

describe('a mask has the bits of every other engine', () => {
  const source = (seed: number, rate: number): DropoutSource => ({
    rate,
    seed,
    step: 7 + seed,
    microBatch: 0,
  });
  const seeds = Array.from({ length: 12 }, (_, seed) => seed);

  it.each(seeds)('of rows and of attention: shapes of seed %i', async (seed) => {
    const inputs = new Inputs(seed);
    const width = 1 + inputs.below(40);
    const heads = 1 + inputs.below(4);
    const layout = layoutOf(Array.from({ length: inputs.below(5) }, () => inputs.below(20)));
    const drops = source(2 ** 32 - 1 - seed, (seed + 1) / 13);
    const masks = () => [
      rowsMask(layout, width, drops, 3),
      attentionMask(layout, { heads, firstQueryOnly: false }, drops, seed),
      attentionMask(layout, { heads, firstQueryOnly: true }, drops, 1),
    ];
    expect(tf.getKernel('EntailDropoutMask', 'webgpu')).toBeDefined();
    expect(await valuesOn('webgpu', masks)).toEqual(await valuesOn('cpu', masks));
  });
});
