/** @file Runs anywhere. What a run waits for, in words. Pure functions. */
import type { DeviceBlock, DeviceHolder } from '../../shared/devices.ts';

/** "waits for cuda:0, used by process 4711 (python3)"; for nobody only while it cannot be told which devices there are. */
export function waitingForText(blocks: readonly DeviceBlock[]): string {
  if (blocks.length === 0) return "waits until NVIDIA's driver says which GPUs there are";
  return `waits for ${blocks.map(({ device, holder }) => `${device}, ${holderText(holder)}`).join('; ')}`;
}

export function holderText(holder: DeviceHolder): string {
  switch (holder.kind) {
    case 'run':
      return `used by run ${holder.run}, process ${holder.pid}`;
    case 'entail':
      return `used by process ${holder.pid} (entail: ${holder.purpose})`;
    case 'entailBefore':
      return `kept for process ${holder.pid} (entail: ${holder.purpose}), which has waited longer`;
    case 'process':
      return `used by process ${holder.pid} (${holder.program})`;
    case 'waiting':
      return `for which run ${holder.run} waits before it`;
  }
}
