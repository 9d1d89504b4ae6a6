/**
 * @file Node. What `engines install tensorflow` fetches, pinned: names, versions, sizes and SHA-256 of every wheel,
 * for each platform. TensorFlow's Python wheel carries the C library and its headers; Python itself is needed only for
 * pip, whose settings (index, proxy, cache) decide where the files come from. The library does not depend on the
 * user's Python: the wheel is asked for by tag.
 */

export interface Wheel {
  /** Name and version as pip knows them. */
  readonly project: string;
  readonly version: string;
  readonly file: string;
  /** The tag for pip's --platform. */
  readonly platformTag: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Size of what we take out of it. */
  readonly unpackedBytes: number;
}

export interface Recipe {
  readonly kind: 'cpu' | 'cuda';
  readonly tensorflowVersion: string;
  readonly wheels: readonly Wheel[];
  /** The two libraries, relative to the installation, main library first. */
  readonly libraries: readonly [string, string];
  /** False: the files are pinned, but nobody has run this recipe on such a machine yet. */
  readonly tried: boolean;
}

export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
}

export const TENSORFLOW_VERSION = '2.21.0';
/** The C library that the wheels were built against. */
export const LEAST_GLIBC = '2.27';

const LINUX_LIBRARIES = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
] as const;
const MAC_LIBRARIES = [
  'tensorflow/libtensorflow_cc.2.dylib',
  'tensorflow/libtensorflow_framework.2.dylib',
] as const;

/** One row a wheel: project, version, the file's tag part, platform tag, bytes, unpacked bytes, SHA-256. */
type WheelRow = readonly [string, string, string, string, number, number, string];

const LINUX_X64_CPU: WheelRow = [
  'tensorflow-cpu',
  '2.21.0',
  'cp312-cp312-manylinux_2_27_x86_64',
  'manylinux_2_27_x86_64',
  274_000_871,
  853_308_936,
  'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
];
const LINUX_ARM64_CPU: WheelRow = [
  'tensorflow',
  '2.21.0',
  'cp312-cp312-manylinux_2_27_aarch64',
  'manylinux_2_27_aarch64',
  281_946_471,
  883_062_208,
  'b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552',
];
const MAC_ARM64_CPU: WheelRow = [
  'tensorflow',
  '2.21.0',
  'cp312-cp312-macosx_12_0_arm64',
  'macosx_12_0_arm64',
  223_488_205,
  740_805_624,
  '56ecd7d47429acbe1df2694d50b75bf9fc3995ac92cb367cd9af6c4780ead712',
];

/** TensorFlow for CUDA 12, and what its metadata lists under the extra "and-cuda". */
const LINUX_X64_CUDA: readonly WheelRow[] = [
  [
    'tensorflow',
    '2.21.0',
    'cp312-cp312-manylinux_2_27_x86_64',
    'manylinux_2_27_x86_64',
    572_611_111,
    1_259_021_080,
    'b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0',
  ],
  [
    'nvidia-cublas-cu12',
    '12.9.3.13',
    'py3-none-manylinux_2_27_x86_64',
    'manylinux_2_27_x86_64',
    581_217_458,
    855_064_416,
    'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
  ],
  [
    'nvidia-cuda-cupti-cu12',
    '12.9.79',
    'py3-none-manylinux_2_25_x86_64',
    'manylinux_2_25_x86_64',
    10_814_997,
    43_365_768,
    '096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f',
  ],
  [
    'nvidia-cuda-nvcc-cu12',
    '12.9.86',
    'py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64',
    'manylinux_2_12_x86_64',
    40_546_229,
    35_417_224,
    '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
  ],
  [
    'nvidia-cuda-nvrtc-cu12',
    '12.9.86',
    'py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64',
    'manylinux_2_12_x86_64',
    89_568_129,
    227_340_992,
    '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
  ],
  [
    'nvidia-cuda-runtime-cu12',
    '12.9.79',
    'py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64',
    'manylinux_2_17_x86_64',
    3_493_179,
    741_088,
    '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
  ],
  [
    'nvidia-cudnn-cu12',
    '9.28.0.42',
    'py3-none-manylinux_2_27_x86_64',
    'manylinux_2_27_x86_64',
    716_538_495,
    1_162_393_472,
    '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
  ],
  [
    'nvidia-cufft-cu12',
    '11.4.1.4',
    'py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64',
    'manylinux_2_17_x86_64',
    200_877_592,
    293_609_416,
    'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
  ],
  [
    'nvidia-curand-cu12',
    '10.3.10.19',
    'py3-none-manylinux_2_27_x86_64',
    'manylinux_2_27_x86_64',
    68_295_626,
    166_965_432,
    '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
  ],
  [
    'nvidia-cusolver-cu12',
    '11.7.5.82',
    'py3-none-manylinux_2_27_x86_64',
    'manylinux_2_27_x86_64',
    338_117_415,
    494_975_064,
    '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
  ],
  [
    'nvidia-cusparse-cu12',
    '12.5.10.65',
    'py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64',
    'manylinux_2_17_x86_64',
    366_465_088,
    486_556_368,
    '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
  ],
  [
    'nvidia-nccl-cu12',
    '2.32.3',
    'py3-none-manylinux_2_27_x86_64',
    'manylinux_2_27_x86_64',
    351_526_311,
    473_614_536,
    'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c',
  ],
  [
    'nvidia-nvjitlink-cu12',
    '12.9.86',
    'py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64',
    'manylinux_2_12_x86_64',
    39_748_338,
    95_935_344,
    'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
  ],
];

/** The CUDA libraries that TensorFlow opens by name at run time; all come with the wheels above. */
export const CUDA_LIBRARIES = [
  'libcudart.so.12',
  'libcublas.so.12',
  'libcublasLt.so.12',
  'libcufft.so.11',
  'libcusolver.so.11',
  'libcusparse.so.12',
  'libcudnn.so.9',
  'libcupti.so.12',
  'libnccl.so.2',
  'libnvJitLink.so.12',
] as const;
/**
 * The wheel was built with CUDA 12.5.1 (its build_info.py), and 12.9's libraries come with it: both run on this driver and
 * newer ones (NVIDIA's minor-version compatibility).
 */
export const LEAST_NVIDIA_DRIVER = '525.60.13';
/** What the wheel was built for (its build_info.py): sm_60, sm_70, sm_80, sm_89, compute_90. */
export const COMPILED_CAPABILITIES = ['6.0', '7.0', '8.0', '8.9'] as const;
/** The intermediate code, which the driver compiles for this capability and for newer ones. */
export const PORTABLE_CAPABILITY = '9.0';
export const LEAST_COMPUTE_CAPABILITY = COMPILED_CAPABILITIES[0];

/** The recipe for a machine, or a sentence that says by name why there is none. */
export function recipeFor(machine: Machine, kind: Recipe['kind']): Recipe | { readonly unsupported: string } {
  const { platform, arch } = machine;
  if (platform === 'linux' && arch === 'x64')
    return recipe(kind, kind === 'cuda' ? LINUX_X64_CUDA : [LINUX_X64_CPU], LINUX_LIBRARIES, kind === 'cpu');
  if (kind === 'cuda')
    return {
      unsupported: `TensorFlow with CUDA is offered for Linux on x64 only, and this is ${platform} on ${arch}.`,
    };
  if (platform === 'linux' && arch === 'arm64')
    return recipe('cpu', [LINUX_ARM64_CPU], LINUX_LIBRARIES, false);
  if (platform === 'darwin' && arch === 'arm64') return recipe('cpu', [MAC_ARM64_CPU], MAC_LIBRARIES, false);
  if (platform === 'win32')
    return { unsupported: 'Windows is not supported: nobody has made this recipe work there yet.' };
  if (platform === 'darwin')
    return { unsupported: `TensorFlow ${TENSORFLOW_VERSION} has no wheel for Intel Macs.` };
  return { unsupported: `TensorFlow ${TENSORFLOW_VERSION} has no wheel for ${platform} on ${arch}.` };
}

function recipe(
  kind: Recipe['kind'],
  rows: readonly WheelRow[],
  libraries: Recipe['libraries'],
  tried: boolean,
): Recipe {
  return { kind, tensorflowVersion: TENSORFLOW_VERSION, wheels: rows.map(wheel), libraries, tried };
}

function wheel([project, version, tags, platformTag, sizeBytes, unpackedBytes, sha256]: WheelRow): Wheel {
  const file = `${project.replaceAll('-', '_')}-${version}-${tags}.whl`;
  return { project, version, file, platformTag, sizeBytes, sha256, unpackedBytes };
}

/** What of a wheel is kept: the libraries, and the few headers that the binding includes. */
const KEPT = [
  /^tensorflow\/libtensorflow_(cc|framework)\.[^/]+$/,
  /^tensorflow\/include\/tensorflow\/c\/.+\.h$/,
  /^tensorflow\/include\/(tensorflow\/core|tsl)\/platform\/ctstring[^/]*\.h$/,
  /^tensorflow\/include\/xla\/tsl\/c\/.+\.h$/,
  /^nvidia\/[^/]+\/lib\/[^/]+\.so[^/]*$/,
  /^nvidia\/cuda_nvcc\/(bin\/ptxas|nvvm\/libdevice\/[^/]+)$/,
];

/** Whether a file inside a wheel belongs into the installation. */
export function isKept(nameInWheel: string): boolean {
  return KEPT.some((pattern) => pattern.test(nameInWheel));
}

export function downloadBytes(recipe: Recipe): number {
  return recipe.wheels.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

export function unpackedBytes(recipe: Recipe): number {
  return recipe.wheels.reduce((sum, wheel) => sum + wheel.unpackedBytes, 0);
}
