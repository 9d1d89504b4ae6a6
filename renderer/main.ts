/** @file Runs in the page; its entry. Chooses how to reach the studio, and shows it. */
import './withoutEval.ts';
import '@fontsource-variable/inter/index.css';
import './ui/tokens.css';
import './ui/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { BridgeTransport, type StudioBridge } from './api/bridgeTransport.ts';
import { clientOver } from './api/client.ts';
import { type EarlyAnswers, HttpTransport, openSession } from './api/httpTransport.ts';
import type { Transport } from './api/transport.ts';

declare global {
  interface Window {
    readonly studio?: StudioBridge;
    /** What public/early.js asked for. */
    readonly earlyAnswers?: EarlyAnswers;
  }
}

async function transport(): Promise<Transport> {
  if (window.studio !== undefined) return new BridgeTransport(window.studio);
  const { origin } = window.location;
  await openSession({
    origin,
    location: window.location,
    replaceHash: (hash) => window.history.replaceState(null, '', `${window.location.pathname}${hash}`),
  });
  return new HttpTransport(origin, window.earlyAnswers);
}

// An address from the terminal, pasted over that of a session that has ended, changes nothing but what follows the "#".
window.addEventListener('hashchange', () => {
  if (window.location.hash.startsWith('#k=')) window.location.reload();
});

const client = clientOver(await transport());
mount(App, { target: document.getElementById('app')!, props: { client } });
