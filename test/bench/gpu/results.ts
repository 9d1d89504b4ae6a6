/** @file Benchmarks. What a run has found so far: kept in files that are written anew whenever there is more. */
import { join } from 'node:path';
import { writeFileAtomic } from '../../../main/files/atomicWrite.ts';
import type { ProfileAnswer, RoundAnswer } from './answers.ts';
import type { Machine } from './machine.ts';
import { profileText } from './profileTable.ts';
import type { SizeName } from './sizes.ts';
import { tableText } from './table.ts';
import type { VulkanSearch } from './vulkan.ts';

export interface CheckResult {
  readonly name: string;
  readonly title: string;
  readonly outcome: 'passed' | 'failed' | 'not run';
  readonly seconds: number;
  /** What it said last, or why it did not run. */
  readonly lastWords: string;
}

export interface ProgramResult {
  readonly name: string;
  readonly title: string;
  readonly size: SizeName;
  device: string | null;
  preparedInSeconds: number | null;
  /** Why it has no figure, or no further one; null while all is well. */
  trouble: string | null;
  readonly rounds: RoundAnswer[];
  profile: ProfileAnswer | null;
}

export interface Findings {
  machine: Machine | null;
  vulkan: VulkanSearch | null;
  readonly checks: CheckResult[];
  readonly programs: ProgramResult[];
}

export class Results implements Findings {
  machine: Machine | null = null;
  vulkan: VulkanSearch | null = null;
  readonly checks: CheckResult[] = [];
  readonly programs: ProgramResult[] = [];
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  write(): void {
    const { machine, vulkan, checks, programs } = this;
    this.#write('results.json', `${JSON.stringify({ machine, vulkan, checks, programs }, null, 1)}\n`);
    this.#write('table.md', tableText(this));
    this.#write('profile.md', profileText(this));
  }

  #write(name: string, text: string): void {
    writeFileAtomic(join(this.#folder, name), text);
  }
}
