/** @file Runs in the page. What a person has chosen across pages, and what is remembered: baseline, pins, hidden and selected runs, sizes. */
import { z } from 'zod';
import type { Client } from '../api/client.ts';
import { Upkeep } from './upkeep.ts';

const workspaceSchema = z.object({
  baseline: z.string().nullable().default(null),
  pins: z.array(z.string()).max(20).default([]),
  hidden: z.array(z.string()).default([]),
  /** Sizes of split panes by name, as a share. */
  splits: z.record(z.string(), z.number().min(0).max(1)).default({}),
});
type Stored = z.infer<typeof workspaceSchema>;
/** Made twice, it changes nothing more: what it is made on may have it already. */
type Change = (stored: Stored) => Partial<Stored>;

const SAVE_MS = 600;

export class Workspace {
  readonly #client: Client;
  #stored: Stored = $state.raw(workspaceSchema.parse({}));
  /** Selected runs, by any page; not remembered. */
  #selected: ReadonlySet<string> = $state.raw(new Set());
  readonly #hidden = $derived(new Set(this.#stored.hidden));
  /** Changes that the studio does not know yet: what it answers meanwhile is older. */
  #unsaved: readonly Change[] = [];
  /** Whoever saved before this would drop what was there. */
  readonly #loaded = Promise.withResolvers<void>();
  readonly #upkeep = new Upkeep(() => this.#ask());
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(client: Client) {
    this.#client = client;
  }

  get baseline(): string | null {
    return this.#stored.baseline;
  }

  get pins(): readonly string[] {
    return this.#stored.pins;
  }

  get hidden(): ReadonlySet<string> {
    return this.#hidden;
  }

  get selected(): ReadonlySet<string> {
    return this.#selected;
  }

  async load(): Promise<void> {
    await this.#upkeep.refresh();
  }

  /** The studio can be reached again. */
  catchUp(): void {
    this.#upkeep.catchUp();
  }

  async #ask(): Promise<void> {
    const views = await this.#client.request('views/list', { page: 'workspace' });
    const last = workspaceSchema.safeParse(views.find(({ name }) => name === '')?.state ?? {});
    if (last.success) this.#stored = last.data;
    for (const change of this.#unsaved) this.#stored = { ...this.#stored, ...change(this.#stored) };
    this.#loaded.resolve();
  }

  setBaseline(run: string | null): void {
    this.#change(() => ({ baseline: run }));
  }

  togglePin(run: string): void {
    const isPinned = this.pins.includes(run);
    this.#change((stored) => {
      const others = stored.pins.filter((id) => id !== run);
      return { pins: isPinned ? others : [...others, run].slice(-20) };
    });
  }

  setHidden(runs: readonly string[], hidden: boolean): void {
    this.#change((stored) => {
      const next = new Set(stored.hidden);
      for (const run of runs) {
        if (hidden) next.add(run);
        else next.delete(run);
      }
      return { hidden: [...next] };
    });
  }

  select(runs: Iterable<string>): void {
    this.#selected = new Set(runs);
  }

  toggleSelected(run: string): void {
    const next = new Set(this.#selected);
    if (!next.delete(run)) next.add(run);
    this.#selected = next;
  }

  /** Share of a split pane that the first part takes. */
  split(name: string, otherwise: number): number {
    return this.#stored.splits[name] ?? otherwise;
  }

  setSplit(name: string, share: number): void {
    this.#change(({ splits }) => ({ splits: { ...splits, [name]: share } }));
  }

  #change(change: Change): void {
    this.#unsaved = [...this.#unsaved, change];
    this.#stored = { ...this.#stored, ...change(this.#stored) };
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#save(), SAVE_MS);
  }

  async #save(): Promise<void> {
    await this.#loaded.promise;
    const saved = this.#unsaved;
    // How a page looks is not worth an error.
    await this.#client
      .request('views/save', { page: 'workspace', name: '', state: this.#stored })
      .catch(() => {});
    this.#unsaved = this.#unsaved.filter((change) => !saved.includes(change));
  }
}
