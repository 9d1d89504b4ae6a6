/** @file Runs in the page. Devices in words: what a run asks for, and who has what it waits for. */
import type { DeviceBlock, DeviceHolder, DevicesWish } from '../../shared/devices.ts';

/** "cuda:1", "any 2", "all free devices"; nothing when any one will do. */
export function wishWords(wish: DevicesWish): string {
  if (wish === 'all') return 'all devices';
  if (wish === 'free') return 'all free devices';
  if (typeof wish === 'number') return wish === 1 ? '' : `any ${wish} devices`;
  return wish.join(', ');
}

/** "python3 (process 4711)", "run seed 1" */
export function holderWords(holder: DeviceHolder, nameOf: (run: string) => string): string {
  if (holder.kind === 'entail') return `entail: ${holder.purpose} (process ${holder.pid})`;
  if (holder.kind === 'entailBefore')
    return `entail: ${holder.purpose} (process ${holder.pid}), which has waited longer`;
  if (holder.kind === 'process') return `${holder.program} (process ${holder.pid})`;
  const name = nameOf(holder.run);
  return holder.kind === 'run' ? name : `${name}, which waits before it`;
}

/** "waits for cuda:0: python3 (process 4711)" */
export function blockWords(blocks: readonly DeviceBlock[], nameOf: (run: string) => string): string {
  return `waits for ${blocks.map(({ device, holder }) => `${device}: ${holderWords(holder, nameOf)}`).join('; ')}`;
}
