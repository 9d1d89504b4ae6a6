/** @file Runs in the exported page, before it is drawn. Light or dark as the person's system is; the tokens have both. */
const dark = matchMedia('(prefers-color-scheme: dark)');

function follow(): void {
  document.documentElement.dataset['theme'] = dark.matches ? 'dark' : 'light';
}

dark.addEventListener('change', follow);
follow();
