/** @file Runs under Node, read by vite. How the page is built: under its policy no inline code or style may be left in it. */
import { join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  root: join(import.meta.dirname, 'renderer'),
  base: './',
  plugins: [svelte({ configFile: false })],
  build: {
    outDir: join(import.meta.dirname, 'dist', 'renderer'),
    emptyOutDir: true,
    target: 'chrome136',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: {
      // One file: the page comes from this very machine, and a chunk more costs more than what it holds.
      output: { codeSplitting: false },
    },
  },
});
