/** @file Tests. The packaged program running under plain Node, asked as its window's page would ask. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CHANNELS } from '../../main/desktop/bridge.ts';
import type { Input, Output, RouteName } from '../../shared/contract/contract.ts';
import type { Result } from '../../shared/contract/route.ts';
import { until } from '../support/until.ts';

interface Message {
  readonly kind: string;
  readonly id?: number;
  readonly value?: unknown;
}

/** What was asked of Electron. */
export interface Facts {
  readonly told: readonly string[];
  readonly options: readonly {
    readonly icon: string;
    readonly webPreferences: { readonly preload: string };
  }[];
}

export class PackagedStudio {
  readonly #child: ChildProcess;
  readonly #messages: Message[] = [];
  #asked = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message: Message) => this.#messages.push(message));
    child.once('exit', (code) => this.#messages.push({ kind: 'error', value: `it has ended with ${code}` }));
  }

  /**
   * Opens what was extracted to `app` from the archive in `resources`, with a package "electron" that is played. Settles
   * when its window loads.
   */
  static async open(app: string, resources: string, dataDirectory: string): Promise<PackagedStudio> {
    const electron = join(app, 'node_modules', 'electron');
    mkdirSync(electron);
    writeFileSync(join(electron, 'package.json'), '{"type":"module","exports":"./index.js"}');
    const played = pathToFileURL(join(import.meta.dirname, 'electronUnderNode.ts')).href;
    writeFileSync(join(electron, 'index.js'), `export * from '${played}';\n`);
    const words = [join(app, 'dist', 'desktop', 'desktop.js'), resources, '--data-dir', dataDirectory];
    const studio = new PackagedStudio(
      fork(join(import.meta.dirname, 'runPackaged.ts'), words, {
        ...{ execArgv: [], serialization: 'advanced', cwd: app },
      }),
    );
    await until(() => studio.#messages.some(({ kind }) => kind === 'loaded' || kind === 'error'));
    const error = studio.#messages.find(({ kind }) => kind === 'error');
    if (error !== undefined) throw new Error(JSON.stringify(error));
    return studio;
  }

  async #question(kind: string, words: readonly string[], input?: unknown): Promise<unknown> {
    this.#asked++;
    const id = this.#asked;
    this.#child.send({ id, kind, words, input });
    const answer = () => this.#messages.find((message) => message.kind === 'answer' && message.id === id);
    return (await until(answer))?.value;
  }

  /** @throws what the studio says is wrong. */
  async ask<Name extends RouteName>(route: Name, input: Input<Name>): Promise<Output<Name>> {
    const words = [CHANNELS.request, route];
    const result = (await this.#question('invoke', words, input)) as Result<Output<Name>>;
    if (result.ok) return result.value;
    throw new Error(`${route}: ${result.error.code} ${result.error.message}`);
  }

  async subscribe(): Promise<void> {
    await this.#question('invoke', [CHANNELS.subscribe], null);
  }

  /** How many batches the page was sent. */
  get batches(): number {
    return this.#messages.filter(({ kind }) => kind === 'event').length;
  }

  async page(address: string): Promise<{ status: number; policy: string | null; text: string }> {
    return (await this.#question('page', [address])) as {
      status: number;
      policy: string | null;
      text: string;
    };
  }

  async facts(): Promise<Facts> {
    return (await this.#question('facts', [])) as Facts;
  }

  /** @returns the exit code. */
  async quit(): Promise<number | null> {
    const left = new Promise<number | null>((resolve) => this.#child.once('exit', resolve));
    this.#child.send({ id: 0, kind: 'quit', words: [] });
    return await left;
  }

  /** For a test that has failed. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
