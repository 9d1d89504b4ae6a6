/** @file Tests. Where a window may go, by the events through which Electron asks; and both of its questions about permissions. */
import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { servePages } from '../../../main/desktop/pageProtocol.ts';
import { confine, refusePermissions } from '../../../main/desktop/window.ts';

type OpenHandler = (details: { readonly url: string }) => { readonly action: string };

class FakeContents extends EventEmitter {
  openHandler: OpenHandler = () => ({ action: 'allow' });

  setWindowOpenHandler(handler: OpenHandler): void {
    this.openHandler = handler;
  }

  /** True when whoever listens has prevented it. */
  prevented(name: string, url: string): boolean {
    let prevented = false;
    const event = {
      url,
      preventDefault: () => {
        prevented = true;
      },
    };
    this.emit(name, event, url);
    return prevented;
  }
}

function confined() {
  const contents = new FakeContents();
  const opened: string[] = [];
  confine(contents as unknown as Parameters<typeof confine>[0], (address) => opened.push(address));
  return { contents, opened };
}

const HOSTILE = [
  'https://evil.test/',
  'http://127.0.0.1:8080/',
  'http://localhost/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'data:text/html,x',
  'blob:https://evil.test/1',
  'app://studio.evil/',
  'app://evil/studio',
  'app://studio@evil/',
  'app://user:word@studio/',
  'smb://studio/share',
];

describe('a window', () => {
  it.each(['will-navigate', 'will-redirect', 'will-frame-navigate'])('is held by %s', (name) => {
    const { contents } = confined();
    expect(HOSTILE.filter((url) => !contents.prevented(name, url))).toEqual([]);
    expect(contents.prevented(name, 'app://studio/#/runs')).toBe(false);
  });

  it('has no other page inside it and opens no second one', () => {
    const { contents, opened } = confined();
    expect(contents.prevented('will-attach-webview', 'https://d2l.ai/')).toBe(true);
    for (const url of HOSTILE) expect(contents.openHandler({ url })).toEqual({ action: 'deny' });
    expect(opened).toEqual([]);
    expect(contents.openHandler({ url: 'https://d2l.ai/' })).toEqual({ action: 'deny' });
    expect(opened).toEqual(['https://d2l.ai/']);
  });

  it('gets no permission, asked for or looked up, but to copy text', () => {
    const names = ['media', 'geolocation', 'notifications', 'midi', 'midiSysex', 'pointerLock', 'fullscreen'];
    const more = ['openExternal', 'display-capture', 'clipboard-read', 'hid', 'storage-access'];
    const given: string[] = [];
    refusePermissions({
      setPermissionRequestHandler: (handler) => {
        for (const name of [...names, ...more, 'clipboard-sanitized-write'])
          handler?.(
            null as never,
            name as never,
            (yes) => void (yes && given.push(`asked ${name}`)),
            {} as never,
          );
      },
      setPermissionCheckHandler: (handler) => {
        for (const name of [...names, ...more, 'clipboard-sanitized-write'])
          if (handler?.(null, name as never, '', {} as never) === true) given.push(`looked up ${name}`);
      },
    });
    expect(given).toEqual(['asked clipboard-sanitized-write', 'looked up clipboard-sanitized-write']);
  });
});

describe('the protocols', () => {
  it('are app for the page, and file for nothing', async () => {
    const handlers = new Map<string, (request: Request) => Response | Promise<Response>>();
    servePages({ handle: (scheme, handler) => void handlers.set(scheme, handler as never) }, new Map());
    expect([...handlers.keys()]).toEqual(['app', 'file']);
    expect((await handlers.get('file')!(new Request('file:///etc/passwd'))).status).toBe(404);
  });
});
