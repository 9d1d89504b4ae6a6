/** @file Runs under Node. Tells the world of runs that train here: pages by events, the person by notification and webhook. */
import type { StudioEvent } from '../../shared/contract/events.ts';
import { errorData, type StudioError } from '../../shared/errors.ts';
import type { RunRecord, RunState, WorkerReport } from '../../shared/runs.ts';
import { findRun } from '../db/runs.ts';
import type { TrainingListener } from './attempt.ts';
import type { HostContext } from './hosting.ts';
import { RunEvents } from './runEvents.ts';
import { postWebhook, webhookMessage } from './webhook.ts';

export type AnnouncerSetting = Pick<
  HostContext,
  'databases' | 'platform' | 'publish' | 'runIndex' | 'settings'
>;

/** Ends that a person who went away wants to hear of. */
const TOLD: ReadonlySet<RunState> = new Set(['completed', 'failed']);
/** Reports after which the queue looks different. */
const COURSE: ReadonlySet<WorkerReport['kind']> = new Set(['started', 'paused', 'continued']);

export class RunAnnouncer {
  readonly #setting: AnnouncerSetting;

  constructor(setting: AnnouncerSetting) {
    this.#setting = setting;
  }

  /** `onCourse` hears when the run has begun to wait, or goes on. */
  listenerOf(run: string, onCourse: () => void): TrainingListener {
    const { publish, runIndex } = this.#setting;
    const events = new RunEvents(run);
    return {
      onReports: (reports) => {
        runIndex.touch([run]);
        publish(events.of(reports));
        if (reports.length === 0 || reports.some(({ kind }) => COURSE.has(kind))) onCourse();
      },
      onTrouble: (trouble) => publish([troubleNotice(run, trouble)]),
    };
  }

  /** A run has ended, and that is stored. */
  ended(run: string, state: RunState): void {
    if (!TOLD.has(state)) return;
    const record = findRun(this.#setting.databases.store(), run);
    const settings = this.#setting.settings.current();
    if (settings.notifyWhenDone) this.#setting.platform.notify(notificationOf(record));
    if (settings.webhookUrl !== null) void this.#post(settings.webhookUrl, record);
  }

  async #post(url: string, record: RunRecord): Promise<void> {
    try {
      await postWebhook(url, webhookMessage(record));
    } catch (thrown) {
      const { message, nextStep } = errorData(thrown);
      const text = `${message} ${nextStep}`;
      this.#setting.publish([{ kind: 'notice', id: 'webhook', level: 'warning', text }]);
    }
  }
}

function troubleNotice(run: string, trouble: StudioError | null): StudioEvent {
  const text =
    trouble === null
      ? ''
      : `Figures of run ${run} cannot be stored at the moment and wait in memory; training goes on. ${trouble.message} ${trouble.nextStep}`;
  return { kind: 'notice', id: `storing ${run}`, level: 'warning', text };
}

function notificationOf({ id, name, state, result, error }: RunRecord) {
  const title = `${name ?? id} ${state === 'failed' ? 'has failed' : 'is done'}`;
  const accuracy = result?.testAccuracy ?? null;
  const body = error?.message ?? (accuracy === null ? '' : `Test accuracy ${(100 * accuracy).toFixed(1)} %`);
  return { title, body, run: id };
}
