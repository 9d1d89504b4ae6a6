/** @file Tests. Wheels that pip takes and that are a few hundred bytes large, in the place of TensorFlow's. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Recipe, Wheel } from '../../main/engines/tensorflow/recipe.ts';
import { zipBytes } from './zipBytes.ts';

const TAGS = 'cp312-cp312-manylinux_2_27_x86_64';

/** Writes a wheel of project `entail-test-wheel` into `folder`; `content` makes its bytes differ. */
export function writeSmallWheel(folder: string, content = 'library'): Wheel {
  const file = `entail_test_wheel-1.0-${TAGS}.whl`;
  const info = 'entail_test_wheel-1.0.dist-info';
  const bytes = zipBytes([
    { name: 'tensorflow/libtensorflow_cc.so.2', content },
    { name: 'tensorflow/libtensorflow_framework.so.2', content: 'framework' },
    { name: 'tensorflow/include/tensorflow/c/c_api.h', content: '// header' },
    { name: 'tensorflow/python/not_kept.py', content: 'pass' },
    { name: `${info}/METADATA`, content: 'Metadata-Version: 2.1\nName: entail-test-wheel\nVersion: 1.0\n' },
    {
      name: `${info}/WHEEL`,
      content: `Wheel-Version: 1.0\nGenerator: entail\nRoot-Is-Purelib: false\nTag: ${TAGS}\n`,
    },
    { name: `${info}/RECORD`, content: '' },
  ]);
  writeFileSync(join(folder, file), bytes);
  return {
    project: 'entail-test-wheel',
    version: '1.0',
    file,
    platformTag: 'manylinux_2_27_x86_64',
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    unpackedBytes: 1_000,
  };
}

export function recipeOf(wheel: Wheel, kind: Recipe['kind'] = 'cpu'): Recipe {
  return {
    kind,
    tensorflowVersion: '2.21.0',
    wheels: [wheel],
    libraries: ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'],
    tried: true,
  };
}
