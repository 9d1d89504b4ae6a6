/** @file Runs under Node. Handlers of shared/contract/texts.ts. */
import { basename } from 'node:path';
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { textRoutes } from '../../../shared/contract/texts.ts';
import type { TextRecord } from '../../../shared/texts.ts';
import { formatBytes } from '../../files/disk.ts';
import type { HostContext } from '../hosting.ts';
import type { JobProgress } from '../jobs.ts';
import type { TextLinks, TextProgress } from '../texts.ts';

export function textsHandlers(context: HostContext): HandlersOf<typeof textRoutes> {
  const { texts } = context;
  return {
    'texts/list': () => texts.list(),
    'texts/add': ({ path, layout }) => ({
      job: startText(context, `Read ${basename(path)}`, (links) => texts.add(path, layout, links)),
    }),
    'texts/download': () => ({
      job: startText(context, 'Download WikiText-2', (links) => texts.download(links)),
    }),
  };
}

function startText(
  { jobs }: HostContext,
  title: string,
  work: (links: TextLinks) => Promise<TextRecord>,
): string {
  return jobs.start({
    title,
    outcome: { kind: 'addText', text: null },
    work: async ({ signal, onProgress }) => {
      const text = await work({ signal, onProgress: (progress) => onProgress(progressOf(progress)) });
      return { kind: 'addText', text };
    },
  });
}

function progressOf(progress: TextProgress): JobProgress {
  if (progress.step === 'read') return { fraction: progress.fraction, note: 'reading' };
  const { receivedBytes, totalBytes } = progress;
  const all = totalBytes === null ? '' : ` of ${formatBytes(totalBytes)}`;
  const fraction = totalBytes === null ? null : receivedBytes / totalBytes;
  return { fraction, note: `downloading, ${formatBytes(receivedBytes)}${all}` };
}
