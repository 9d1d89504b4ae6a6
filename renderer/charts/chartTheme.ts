/** @file Runs in the page. Colours of the design tokens for canvases, and word of their change when the theme changes. */

export interface ChartTheme {
  /** The run palette, 0 to 7. */
  readonly runs: readonly string[];
  readonly ink: string;
  readonly quiet: string;
  readonly grid: string;
  readonly font: string;
}

const RUN_TOKENS = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => `--run-${number}`);

export function readTheme(element: Element): ChartTheme {
  const style = getComputedStyle(element);
  const token = (name: string, otherwise: string) => style.getPropertyValue(name).trim() || otherwise;
  return {
    runs: RUN_TOKENS.map((name) => token(name, '#3d52d5')),
    ink: token('--ink', '#1d1c1a'),
    quiet: token('--ink-3', '#6f6c65'),
    grid: token('--line', '#e4e3df'),
    font: `11px ${style.fontFamily}`,
  };
}

/** Returns how to leave. */
export function onThemeChange(listener: () => void): () => void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme', 'class'] });
  dark.addEventListener('change', listener);
  return () => {
    observer.disconnect();
    dark.removeEventListener('change', listener);
  };
}
