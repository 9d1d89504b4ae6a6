/** @file Runs under Node. `entail devices`: what runs can be computed on here, and who uses it. */
import type { Command } from 'commander';
import type { DeviceStanding } from '../../shared/devices.ts';
import { formatBytes } from '../files/disk.ts';
import { holderText } from '../studio/deviceText.ts';
import { type Cli, type CommonOptions, describe } from './command.ts';
import { tableLines } from './tables.ts';
import { printable } from './terminal.ts';

const COLUMNS = [
  ...[{ title: 'device' }, { title: '' }, { title: 'memory' }, { title: 'driver' }],
  ...[{ title: 'engines' }, { title: 'now' }],
];

export function addDevices(program: Command, cli: Cli): void {
  const command = describe(program.command('devices'), {
    summary: 'what runs can be computed on here, and who uses it',
    details:
      'The names are those of --devices. A GPU computes one run at a time; a run waits while another one, of whichever\n' +
      'data directory, or another program has it. NVIDIA tells which programs use its GPUs, others do not.',
    examples: [
      ['devices', 'one line a device'],
      ['devices --json', 'the same as a JSON object: devices, byEngine'],
    ],
  });
  command.action((options: CommonOptions) =>
    cli.run(options, async ({ terminal, studio }) => {
      const overview = await (await studio()).devices.overview();
      terminal.document(overview);
      const rows = overview.devices.map((device) => {
        const engines = overview.byEngine.filter(({ devices }) => devices.includes(device.name));
        return [
          ...[device.name, printable(titleOf(device))],
          device.memoryBytes === null ? '' : formatBytes(device.memoryBytes),
          ...[device.driver ?? '', engines.map(({ engine }) => engine).join(', ')],
          standingOf(device),
        ];
      });
      for (const line of tableLines(COLUMNS, rows)) terminal.line(line);
      return undefined;
    }),
  );
}

function titleOf({ title, computeCapability }: DeviceStanding): string {
  return computeCapability === null ? title : `${title} (compute capability ${computeCapability})`;
}

function standingOf({ holders }: DeviceStanding): string {
  return holders.length === 0 ? 'free' : printable(holders.map(holderText).join('; '));
}
