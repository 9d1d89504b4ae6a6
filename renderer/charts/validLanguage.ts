/**
 * @file Runs in the page. Imported before uPlot, which formats numbers in the browser's language as soon as it is loaded:
 * under LC_ALL=C Chromium calls it "en-US@posix", which no formatter takes, and the whole page would stay empty.
 */
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true });
}
