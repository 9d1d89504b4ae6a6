/** @file Benchmarks. Runs in the page, before its own scripts: notes when curves were stroked, and times what a person does. */

export interface Probe {
  /** Curves stroked since the page was opened, and when the last one was. */
  strokes: number;
  lastStrokeAtMs: number;
  /** Charts on which a curve was stroked. */
  charts: number;
  /** Questions for curves: how many were asked, are on their way, and when the last was answered. */
  asked: number;
  pending: number;
  lastAnswerAtMs: number;
  /** Does something, waits until `done` holds and the page is laid out: the milliseconds in between. */
  time(act: () => void, done: () => boolean): Promise<number>;
  /** Milliseconds from the page's start until `done` holds and the page is laid out. */
  sinceStart(done: () => boolean): Promise<number>;
}

declare global {
  interface Window {
    probe: Probe;
  }
}

/** Is sent to the page as text: it may use nothing from outside. */
export function installProbe(): void {
  const probe: Probe = {
    strokes: 0,
    lastStrokeAtMs: 0,
    charts: 0,
    asked: 0,
    pending: 0,
    lastAnswerAtMs: 0,
    time: async (act, done) => {
      const from = performance.now();
      act();
      await until(done);
      void document.documentElement.offsetHeight;
      return performance.now() - from;
    },
    sinceStart: async (done) => {
      await until(done);
      void document.documentElement.offsetHeight;
      return performance.now();
    },
  };
  // Looked at whenever the page has changed, a curve was stroked or an answer came: neither later nor all the time, and
  // without waiting for frames, as drawing by software is not what is measured.
  const waiting = new Set<() => void>();
  const look = () => {
    for (const check of [...waiting]) check();
  };
  new MutationObserver(look).observe(document, {
    ...{ subtree: true, childList: true, attributes: true, characterData: true },
  });
  const until = (done: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!done()) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  // Only curves are stroked from kept paths; grids and axes are not.
  const stroked = new Set<HTMLCanvasElement>();
  const { stroke } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.stroke = function (this: CanvasRenderingContext2D, path?: Path2D) {
    if (path === undefined) return (stroke as () => void).call(this);
    stroke.call(this, path as Path2D);
    probe.strokes++;
    probe.charts = stroked.add(this.canvas).size;
    probe.lastStrokeAtMs = performance.now();
    queueMicrotask(look);
  } as typeof stroke;
  const { fetch } = globalThis;
  globalThis.fetch = async (...words: Parameters<typeof fetch>) => {
    if (!String(words[0]).includes('/rpc/series/')) return fetch(...words);
    probe.asked++;
    probe.pending++;
    const answer = await fetch(...words);
    const { json } = answer;
    answer.json = async () => {
      const value: unknown = await json.call(answer);
      probe.pending--;
      probe.lastAnswerAtMs = performance.now();
      queueMicrotask(look);
      return value;
    };
    return answer;
  };
  window.probe = probe;
}
