/** @file Runs in the page. What a person has chosen across pages, and what is remembered: baseline, pins, hidden and selected runs, sizes. */
import { z } from 'zod';
import type { Client } from '../api/client.ts';

const workspaceSchema = z.object({
  baseline: z.string().nullable().default(null),
  pins: z.array(z.string()).max(20).default([]),
  hidden: z.array(z.string()).default([]),
  /** Sizes of split panes by name, as a share. */
  splits: z.record(z.string(), z.number().min(0).max(1)).default({}),
});
type Stored = z.infer<typeof workspaceSchema>;

const SAVE_MS = 600;

export class Workspace {
  readonly #client: Client;
  #stored: Stored = $state.raw(workspaceSchema.parse({}));
  /** Selected runs, by any page; not remembered. */
  #selected: ReadonlySet<string> = $state.raw(new Set());
  readonly #hidden = $derived(new Set(this.#stored.hidden));
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
    const views = await this.#client.request('views/list', { page: 'workspace' }).catch(() => []);
    const last = workspaceSchema.safeParse(views.find(({ name }) => name === '')?.state ?? {});
    if (last.success) this.#stored = last.data;
  }

  setBaseline(run: string | null): void {
    this.#change({ baseline: run });
  }

  togglePin(run: string): void {
    const pins = this.pins.includes(run)
      ? this.pins.filter((id) => id !== run)
      : [...this.pins, run].slice(-20);
    this.#change({ pins: [...pins] });
  }

  setHidden(runs: readonly string[], hidden: boolean): void {
    const next = new Set(this.#hidden);
    for (const run of runs) {
      if (hidden) next.add(run);
      else next.delete(run);
    }
    this.#change({ hidden: [...next] });
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
    this.#change({ splits: { ...this.#stored.splits, [name]: share } });
  }

  #change(change: Partial<Stored>): void {
    this.#stored = { ...this.#stored, ...change };
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#save(), SAVE_MS);
  }

  async #save(): Promise<void> {
    // How a page looks is not worth an error.
    await this.#client
      .request('views/save', { page: 'workspace', name: '', state: this.#stored })
      .catch(() => {});
  }
}
