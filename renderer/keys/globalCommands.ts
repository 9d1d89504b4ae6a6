/** @file Runs in the page. What can be done from anywhere: go to pages, begin a run, open the palette. */
import { hrefTo, type PageName, router } from '../router/router.svelte.ts';
import type { StudioState } from '../state/studio.svelte.ts';
import type { Command } from './commands.svelte.ts';

const PAGES: readonly (readonly [PageName, string, string])[] = [
  ['runs', 'Runs', 'g r'],
  ['queue', 'Queue', 'g q'],
  ['compare', 'Compare', 'g c'],
  ['errors', 'Errors', 'g e'],
  ['playground', 'Playground', 'g p'],
  ['datasets', 'Data sets', 'g d'],
  ['models', 'Models', 'g m'],
  ['exports', 'Exports', 'g x'],
  ['engines', 'Engines', 'g n'],
  ['settings', 'Settings', 'Mod+,'],
];

interface Openers {
  readonly openPalette: () => void;
  readonly openKeys: () => void;
}

export function globalCommands(studio: StudioState, { openPalette, openKeys }: Openers): Command[] {
  const setTheme = (theme: 'light' | 'dark' | 'system') => () =>
    void studio.client.request('app/changeSettings', { theme }).catch((thrown) => studio.toasts.fail(thrown));
  return [
    { id: 'palette', name: 'Search everything', group: 'Anywhere', key: 'Mod+k', act: openPalette },
    { id: 'keys', name: 'All keys', group: 'Anywhere', key: '?', act: openKeys },
    { id: 'new', name: 'New run', group: 'Anywhere', key: 'n', act: () => router.go(hrefTo('new')) },
    { id: 'filter', name: 'Filter this page', group: 'Anywhere', key: '/', act: focusFilter },
    ...PAGES.map(([page, name, key]) => ({
      ...{ id: `go ${page}`, name: `Go to ${name}`, group: 'Pages', key },
      act: () => router.go(hrefTo(page)),
    })),
    { id: 'start', name: 'Ways to begin', group: 'Pages', key: null, act: () => router.go(hrefTo('start')) },
    { id: 'light', name: 'Light theme', group: 'Settings', key: null, act: setTheme('light') },
    { id: 'dark', name: 'Dark theme', group: 'Settings', key: null, act: setTheme('dark') },
    { id: 'system', name: 'Theme of the system', group: 'Settings', key: null, act: setTheme('system') },
  ];
}

/** The page's own filter carries the attribute. */
function focusFilter(): void {
  document.querySelector<HTMLElement>('[data-filter]')?.focus();
}
