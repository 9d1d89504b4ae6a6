/**
 * @file Runs in the page, before its own scripts are there: puts on the theme of last time, so that a dark page does not
 * begin white, and asks the studio for what every page and the page of a run need first, which then arrives while those
 * scripts are read.
 */
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem('theme');
  } catch {
    // Storage can be switched off; then the system decides.
  }
  const dark =
    chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';

  // An address with a key has no session yet, and a window has a bridge instead.
  if (window.studio !== undefined || location.hash.startsWith('#k=')) return;
  const answers = {};
  const ask = (route, input) => {
    const body = JSON.stringify(input);
    const answer = fetch(`rpc/${route}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
    });
    // Whoever asks for it hears of a failure.
    answer.catch(() => {});
    answers[`${route} ${body}`] = answer;
  };
  ask('runs/table', {});
  const run = /^#\/runs\/(\w+)$/.exec(location.hash)?.[1];
  if (run !== undefined) {
    ask('runs/show', { run });
    ask('runs/log', { run, after: null });
  }
  window.earlyAnswers = answers;
})();
