/** @file Runs in the page. What a probe has measured, in words that say on what. */
import type { ProbeResult } from '../../shared/contract/jobs.ts';
import { formatBytes, formatDuration, formatNumber } from '../table/format.ts';

type Timed = Pick<ProbeResult, 'devices' | 'engine' | 'epochSeconds' | 'pairsPerSecond'>;

/** "measured on one of 2 devices: 3 min an epoch, 120 pairs/s on tensorflow" */
export function timeWords({ devices, engine, epochSeconds, pairsPerSecond }: Timed): string {
  const speed = `${formatDuration(epochSeconds)} an epoch, ${formatNumber(Math.round(pairsPerSecond))} pairs/s on ${engine}`;
  if (devices.most === 1) return `measured: ${speed}`;
  const count = devices.least === devices.most ? `${devices.most}` : `up to ${devices.most}`;
  return `measured on one of ${count} devices: ${speed}`;
}

/** "of 12 GB free"; every device has a worker, and one was measured. */
export function memoryWords({
  devices,
  freeMemoryBytes,
}: Pick<ProbeResult, 'devices' | 'freeMemoryBytes'>): string {
  const free = `of ${formatBytes(freeMemoryBytes)} free`;
  return devices.most === 1 ? free : `of one worker, and each device has one; ${free}`;
}
