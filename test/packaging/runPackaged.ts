/**
 * @file Tests. A process that runs the packaged program as Electron would: evaluates its entry, then becomes ready, and
 * lets the test ask as the window's page asks. Arguments: the entry, the folder beside its archive; then the program's.
 */
import { pathToFileURL } from 'node:url';
import { app, ipcMain, pages, told, windows } from './electronUnderNode.ts';

interface Question {
  readonly id: number;
  readonly kind: 'invoke' | 'page' | 'facts' | 'quit';
  readonly words: readonly string[];
  readonly input: unknown;
}

async function answer({ kind, words, input }: Question): Promise<unknown> {
  const [first = '', ...more] = words;
  if (kind === 'quit') return app.quit();
  if (kind === 'facts') return { told, options: windows.map(({ options }) => options) };
  if (kind === 'page') {
    const response = await pages.get(new URL(first).protocol.slice(0, -1))!(new Request(first));
    return {
      status: response.status,
      policy: response.headers.get('Content-Security-Policy'),
      text: await response.text(),
    };
  }
  const from = { page: windows[0]!.webContents, frame: { url: windows[0]!.url, parent: null } };
  return await ipcMain.invoke(from, first, ...more, input);
}

process.on('message', (question: Question) => {
  void answer(question).then((value) => process.send?.({ kind: 'answer', id: question.id, value }));
});
Object.assign(process, { resourcesPath: process.argv[3] });
process.on('disconnect', () => process.exit(1));
await import(pathToFileURL(process.argv[2]!).href);
app.becomeReady();
