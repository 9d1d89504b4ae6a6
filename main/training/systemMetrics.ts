/** @file Runs in the training worker. Memory and CPU of this process and, where nvidia-smi answers, of the GPU. */
import { execFile } from 'node:child_process';
import type { MetricName } from '../../shared/runs.ts';

export type SystemFigures = ReadonlyMap<MetricName, number>;

const GPU_QUERY = [
  '--query-gpu=utilization.gpu,memory.used,temperature.gpu,power.draw',
  '--format=csv,noheader,nounits',
];
const GPU_METRICS = [
  'system/gpuPercent',
  'system/gpuMemoryBytes',
  'system/gpuCelsius',
  'system/gpuWatts',
] as const;
const MIB = 1024 * 1024;

/** Calls back every `everyMs` until stopped. `cudaDevice` is the number that the driver gives to the GPU of this process. */
export function watchSystem(
  onFigures: (figures: SystemFigures) => void,
  { everyMs, cudaDevice }: { everyMs: number; cudaDevice: number | null },
): () => void {
  let cpu = process.cpuUsage();
  let atMs = performance.now();
  const timer = setInterval(() => {
    const used = process.cpuUsage(cpu);
    const now = performance.now();
    const figures = new Map<MetricName, number>([
      ['system/memoryBytes', process.memoryUsage.rss()],
      ['system/cpuPercent', ((used.user + used.system) / 1000 / (now - atMs)) * 100],
    ]);
    cpu = process.cpuUsage();
    atMs = now;
    if (cudaDevice === null) onFigures(figures);
    else
      askGpu(cudaDevice, (values) => {
        for (const [position, value] of values.entries()) figures.set(GPU_METRICS[position]!, value);
        onFigures(figures);
      });
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Nothing when the program is missing or says something else. */
function askGpu(index: number, answer: (values: number[]) => void): void {
  execFile('nvidia-smi', [`--id=${index}`, ...GPU_QUERY], { timeout: 3000 }, (error, output) => {
    const values = (output ?? '').split('\n')[0]!.split(',').map(Number);
    if (error !== null || values.length !== GPU_METRICS.length || values.some(Number.isNaN))
      return answer([]);
    values[1] = values[1]! * MIB;
    answer(values);
  });
}
