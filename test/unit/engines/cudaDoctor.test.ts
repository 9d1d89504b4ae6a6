/** @file Tests. What the doctor finds of NVIDIA's driver and GPUs, against what the wheel of TensorFlow has code for. */
import { expect, it } from 'vitest';
import { gpuFindings } from '../../../main/engines/tensorflow/cudaDoctor.ts';

const gpu = (name: string, computeCapability: string | null, memoryBytes: number | null = null) => {
  return { name, computeCapability, memoryBytes };
};

it('is a driver that is too old, with the version that is needed', () => {
  expect(gpuFindings({ version: '470.57.02', gpus: [gpu('NVIDIA A100', '8.0')] }, true)[0]).toEqual({
    ...{ what: 'NVIDIA driver', found: false, required: false },
    detail: '470.57.02 is older than the 525.60.13 that CUDA 12 needs',
  });
});

it.each(['525.60.13', '580.95.05'])('is a driver that is new enough: %s', (version) => {
  expect(gpuFindings({ version, gpus: [] }, true)).toEqual([
    {
      ...{ what: 'NVIDIA driver', found: true, required: false },
      detail: `${version}; CUDA 12 needs 525.60.13 or newer`,
    },
    { what: 'GPU', found: false, detail: 'the driver shows none', required: false },
  ]);
});

it('is every GPU by its number, and what the wheel lacks for it', () => {
  const gpus = [
    gpu('NVIDIA A100', '8.0', 40 * 2 ** 30),
    gpu('GTX 980', '5.2'),
    gpu('NVIDIA H200', '9.0'),
    gpu('Tesla', null),
  ];
  const [, ...found] = gpuFindings({ version: '580.95.05', gpus }, true);
  expect(found.map(({ what, found: isAble }) => [what, isAble])).toEqual([
    ['GPU 0', true],
    ['GPU 1', false],
    ['GPU 2', true],
    ['GPU 3', true],
  ]);
  const details = found.map(({ detail }) => detail);
  expect(details[0]).toMatch(/^NVIDIA A100, compute capability 8\.0, \d+(\.\d+)? G[iB]+$/);
  expect(details[1]).toBe('GTX 980, compute capability 5.2: 6.0 or more is needed');
  expect(details[2]).toContain(
    'NVIDIA H200, compute capability 9.0: the wheel has code for 6.0, 7.0, 8.0, 8.9',
  );
  expect(details[2]).toContain('the driver compiles at the first start');
  expect(details[3]).toBe('Tesla, compute capability not known');
});

it.each([
  [true, 'loaded, but it does not answer: run nvidia-smi; after an update of the driver restart the machine'],
  [false, 'none found: TensorFlow runs on the CPU'],
])('is no driver, loaded: %s', (isLoaded, detail) =>
  expect(gpuFindings(null, isLoaded)).toEqual([
    { what: 'NVIDIA driver', found: false, detail, required: false },
  ]),
);
