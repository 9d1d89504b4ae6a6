/** @file Runs under Node. What one of several runs writes to: its lines bear its name while others write there too. */
import type { Terminal } from './terminal.ts';

/** The part of a terminal that a run is shown on. */
export type RunScreen = Pick<Terminal, 'live' | 'paint' | 'line' | 'event' | 'showLive'>;

/** @param isCrowded whether other runs write to the terminal now: a line that is drawn over itself can be only one run's */
export function runScreen(terminal: Terminal, runId: string, isCrowded: () => boolean): RunScreen {
  const label = () => (isCrowded() ? `${terminal.paint('dim', runId)}  ` : '');
  return {
    get live() {
      return terminal.live && !isCrowded();
    },
    paint: (style, text) => terminal.paint(style, text),
    line: (text = '') => terminal.line(`${label()}${text}`),
    event: (event, fields = {}) => terminal.event(event, { run: runId, ...fields }),
    showLive: (text) => {
      if (!isCrowded()) terminal.showLive(text);
    },
  };
}
