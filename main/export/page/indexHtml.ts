/** @file Runs anywhere. The page itself: what is there before its program runs. Whatever comes from a model is escaped. */

/** Nothing is fetched: scripts and the sheet beside it are all that it may load, from a file or from a server. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' file: 'wasm-unsafe-eval'",
  "style-src 'self' file:",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

export interface PageWords {
  readonly name: string;
  readonly labels: readonly string[];
  readonly sentencesPerExample: 1 | 2;
}

export function indexHtml({ name, labels, sentencesPerExample }: PageWords): string {
  const title = escaped(name);
  const isPair = sentencesPerExample === 2;
  const kinds = escaped(labels.join(', '));
  const explanation = isPair
    ? `Two sentences in, one answer out: ${kinds}.`
    : `A text in, one answer out: ${kinds}.`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="stylesheet" href="playground.css">
<script src="theme.js"></script>
</head>
<body data-state="loading">
<main>
<header>
<h1>${title}</h1>
<p>${explanation}</p>
</header>
<section id="loading">
<p id="status" role="status">Loading the model</p>
<span class="meter"><i id="progress"></i></span>
</section>
<section class="ready" aria-label="What to ask">
<div class="field"><label for="premise">${isPair ? 'Premise' : 'Text'}</label><textarea id="premise" rows="2" spellcheck="true"></textarea></div>
<div class="field" id="hypothesis_field"><label for="hypothesis">Hypothesis</label><textarea id="hypothesis" rows="2" spellcheck="true"></textarea></div>
</section>
<section class="ready" aria-label="Answer">
<div class="head"><span id="verdict" aria-live="polite"></span><span id="timing"></span></div>
<div id="bars"></div>
<div id="notes"></div>
</section>
<section class="ready" id="examples_panel">
<h2>Examples</h2>
<div id="examples"></div>
</section>
<footer>Everything is computed in this browser; what you type goes nowhere. Made with Entail, runs on TensorFlow.js.</footer>
</main>
<script src="playground.js"></script>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
