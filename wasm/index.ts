/**
 * The kernels of the `wasm` engine, written in AssemblyScript and compiled to resources/kernels.wasm by
 * `npm run kernels`. They work on the memory of tfjs' own wasm backend and own none themselves: no static data.
 */
export { attentionBackward, attentionForward, attentionWorkspaceBytes } from './attention';
export { matmul, matmulWorkspaceBytes } from './matmul';
export { matmulOverRows, matmulOverRowsWorkspaceBytes } from './matmulOverRows';
export { addDropoutNormBackward, addDropoutNormForward, normaliseWorkspaceBytes } from './normalise';
export { adam, adamRows } from './optimizer';
export { pooledBackward, pooledForward, pooledWorkspaceBytes } from './pooledAttention';
export { embeddingSum, reluGradient, tanhGradient } from './rows';
export { columnSums, columnSumsWorkspaceBytes, rowSums, sumRows, sumRowsWorkspaceBytes } from './sums';
export { addKeepingRest } from './twoSum';
