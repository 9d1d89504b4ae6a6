/** @file Tests. What a utility process of Electron is to the program in it: a parent port, and no channel of Node's own. */
import { pathToFileURL } from 'node:url';

const send = process.send!.bind(process);
const parentPort = {
  postMessage: (message: object) => void send(message),
  on: (event: string, listener: (event: { data: unknown }) => void) =>
    process.on(event as 'message', (data: unknown) => listener({ data })),
};
Object.assign(process, { parentPort, send: undefined });
await import(pathToFileURL(process.argv[2]!).href);
