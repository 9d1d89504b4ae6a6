/** @file Runs in the page. Everything a page may want to know, in one place, kept up to date by the studio's events. */
import { getContext, setContext } from 'svelte';
import type { AppInfo, Settings } from '../../shared/contract/app.ts';
import type { DatasetEntry } from '../../shared/contract/datasets.ts';
import { noticeSinceStart, type StudioEvent } from '../../shared/contract/events.ts';
import type { Job } from '../../shared/contract/jobs.ts';
import type { QueueState } from '../../shared/contract/queue.ts';
import type { Client } from '../api/client.ts';
import type { ConnectionStatus } from '../api/transport.ts';
import { Commands } from '../keys/commands.svelte.ts';
import { RunsStore } from './runsStore.svelte.ts';
import { Toasts } from './toasts.svelte.ts';
import { Upkeep } from './upkeep.ts';
import { Workspace } from './workspace.svelte.ts';

const KEY = Symbol('studio');

export type Notice = Extract<StudioEvent, { kind: 'notice' }>;
export type EventListener = (event: StudioEvent) => void;

export class StudioState {
  readonly client: Client;
  readonly runs: RunsStore;
  readonly workspace: Workspace;
  readonly toasts = new Toasts();
  readonly commands = new Commands();
  #connection: ConnectionStatus = $state('connecting');
  #info: AppInfo | null = $state.raw(null);
  #settings: Settings | null = $state.raw(null);
  #queue: QueueState | null = $state.raw(null);
  #datasets: readonly DatasetEntry[] | null = $state.raw(null);
  #jobs: readonly Job[] = $state.raw([]);
  #notices: readonly Notice[] = $state.raw([]);
  #nowMs = $state(Date.now());
  readonly #listeners = new Set<EventListener>();
  readonly #status = new Upkeep(() => this.#askForStatus());
  readonly #datasetList = new Upkeep(async () => {
    this.#datasets = await this.client.request('datasets/list', {});
  });

  constructor(client: Client) {
    this.client = client;
    this.runs = new RunsStore(client);
    this.workspace = new Workspace(client);
  }

  get connection(): ConnectionStatus {
    return this.#connection;
  }

  /** Null until the studio has answered. */
  get info(): AppInfo | null {
    return this.#info;
  }

  get settings(): Settings | null {
    return this.#settings;
  }

  get queue(): QueueState | null {
    return this.#queue;
  }

  get datasets(): readonly DatasetEntry[] | null {
    return this.#datasets;
  }

  /** Newest first. */
  get jobs(): readonly Job[] {
    return this.#jobs;
  }

  get notices(): readonly Notice[] {
    return this.#notices;
  }

  /** Moves once a second: for what counts up or down. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Listens from now on; `leave` is called when the page goes. */
  start(): () => void {
    const { transport } = this.client;
    const leaveStatus = transport.onStatus((status) => {
      this.#connection = status;
      if (status !== 'open') return;
      for (const one of [this.#status, this.#datasetList, this.runs, this.workspace]) one.catchUp();
    });
    const leave = transport.subscribe(({ events }) => {
      for (const event of events) this.#take(event);
    });
    const clock = setInterval(() => {
      this.#nowMs = Date.now();
    }, 1000);
    void this.refresh();
    return () => {
      leave();
      leaveStatus();
      clearInterval(clock);
    };
  }

  /** Asks for everything again. */
  async refresh(): Promise<void> {
    await Promise.all([this.runs.load(), this.workspace.load(), this.loadDatasets(), this.#status.refresh()]);
  }

  async loadDatasets(): Promise<void> {
    await this.#datasetList.refresh();
  }

  job(id: string): Job | null {
    return this.#jobs.find((job) => job.id === id) ?? null;
  }

  /** Settles when a job has ended. */
  async jobEnd(id: string): Promise<Job> {
    const known = this.job(id);
    if (known !== null && known.state !== 'running') return known;
    const { promise, resolve } = Promise.withResolvers<Job>();
    const leave = this.listen((event) => {
      if (event.kind === 'job' && event.job.id === id && event.job.state !== 'running') resolve(event.job);
    });
    const job = await promise;
    leave();
    return job;
  }

  dismissNotice(id: string): void {
    this.#notices = this.#notices.filter((notice) => notice.id !== id);
  }

  /** Every event after the stores have taken it. Returns how to leave. */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #take(event: StudioEvent): void {
    switch (event.kind) {
      case 'reset':
        void this.refresh();
        break;
      case 'runs':
        this.runs.touch(event.ids);
        break;
      case 'runsDeleted':
        this.runs.remove(event.ids);
        break;
      case 'progress':
        this.runs.advance(event.run, event.state, event.progress);
        break;
      case 'queue':
        this.#queue = event.queue;
        break;
      case 'job':
        this.#jobs = [event.job, ...this.#jobs.filter(({ id }) => id !== event.job.id)];
        break;
      case 'datasets':
        void this.loadDatasets();
        break;
      case 'settings':
        this.#takeSettings(event.settings);
        break;
      case 'notice':
        this.#keepNotice(event);
        break;
      default:
        break;
    }
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** What a few small answers tell, each as soon as it is here. */
  async #askForStatus(): Promise<void> {
    const { client } = this;
    await Promise.all([
      client.request('app/info', {}).then((info) => {
        this.#info = info;
        for (const [at, text] of info.notices.entries()) this.#keepNotice(noticeSinceStart(text, at));
      }),
      this.#hearing(client.request('app/settings', {}), (settings, told) => {
        if (!told.some(({ kind }) => kind === 'settings')) this.#takeSettings(settings);
      }),
      this.#hearing(client.request('queue/show', {}), (queue, told) => {
        if (!told.some(({ kind }) => kind === 'queue')) this.#queue = queue;
      }),
      this.#hearing(client.request('jobs/list', {}), (jobs, told) => {
        const newer = new Set(told.flatMap((event) => (event.kind === 'job' ? event.job.id : [])));
        const kept = this.#jobs.filter(({ id }) => newer.has(id));
        this.#jobs = [...kept, ...jobs.filter(({ id }) => !newer.has(id))];
      }),
    ]);
  }

  /** Takes an answer, with the events that came while it was on its way: what they told of is newer than it. */
  async #hearing<Answer>(
    asked: Promise<Answer>,
    take: (answer: Answer, told: readonly StudioEvent[]) => void,
  ): Promise<void> {
    const told: StudioEvent[] = [];
    const leave = this.listen((event) => void told.push(event));
    try {
      take(await asked, told);
    } finally {
      leave();
    }
  }

  #takeSettings(settings: Settings): void {
    this.#settings = settings;
  }

  #keepNotice(notice: Notice): void {
    const others = this.#notices.filter(({ id }) => id !== notice.id);
    this.#notices = notice.text === '' ? others : [...others, notice];
  }
}

export function provideStudio(client: Client): StudioState {
  return setContext(KEY, new StudioState(client));
}

/** The studio of this page; for components. */
export function studioOf(): StudioState {
  return getContext<StudioState>(KEY);
}
