/** @file Runs in the page. Everything that can be done, by name and key: the palette and the help are made from it. */

import { untrack } from 'svelte';

export interface Command {
  readonly id: string;
  readonly name: string;
  /** Where it stands in the palette and in the list of keys. */
  readonly group: string;
  /** Such as "n", "/", "g r", "Mod+k"; null has none. */
  readonly key: string | null;
  readonly act: () => void;
}

/** The first key of "g r" waits so long for the second. */
const SECOND_KEY_MS = 1200;

export class Commands {
  #commands: readonly Command[] = $state.raw([]);
  #first: { readonly key: string; readonly atMs: number } | null = null;

  get all(): readonly Command[] {
    return this.#commands;
  }

  /** Returns how to take them back; later ones of the same key win while they are there. */
  add(commands: readonly Command[]): () => void {
    // Effects add commands, and must not run again because of what they added.
    untrack(() => {
      this.#commands = [...this.#commands, ...commands];
    });
    return () => {
      const gone = new Set(commands);
      this.#commands = untrack(() => this.#commands).filter((command) => !gone.has(command));
    };
  }

  /** @returns true when the key did something. */
  press(event: KeyboardEvent): boolean {
    const pressed = keyOf(event);
    if (pressed === null || (isTyping(event.target) && !pressed.startsWith('Mod+'))) return false;
    const first = this.#first;
    this.#first = null;
    const both = first !== null && Date.now() - first.atMs < SECOND_KEY_MS ? `${first.key} ${pressed}` : null;
    const found = (both === null ? undefined : this.#withKey(both)) ?? this.#withKey(pressed);
    if (found !== undefined) {
      found.act();
      return true;
    }
    if (this.#commands.some(({ key }) => key?.startsWith(`${pressed} `)))
      this.#first = { key: pressed, atMs: Date.now() };
    return false;
  }

  #withKey(key: string): Command | undefined {
    return this.#commands.findLast((command) => command.key === key);
  }
}

function keyOf({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): string | null {
  if (altKey || key === 'Control' || key === 'Meta' || key === 'Shift') return null;
  return ctrlKey || metaKey ? `Mod+${key.toLowerCase()}` : key;
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
