/** @file Runs anywhere. Errors as data: a closed set of codes, a sentence, and what to do next. */

/** Every way in which the studio can say no. A code is part of the contract: scripts and the window branch on it. */
export const ERROR_CODES = [
  'USAGE', // the caller's words are wrong (exit code 2)
  'NOT_FOUND', // a data set, run, checkpoint, file or engine of that name does not exist
  'ALREADY_EXISTS',
  'BAD_FILE', // a file's content is not what it must be
  'TOO_MANY_BAD_ROWS',
  'UNREADABLE', // permission, directory, FIFO, vanished
  'DISK_FULL',
  'WRITE_FAILED',
  'DATABASE_CORRUPT',
  'DATABASE_NEWER',
  'DATABASE_BUSY',
  'LOCKED', // another process holds the run, the cache or the data directory
  'CHECKSUM_MISMATCH',
  'DOWNLOAD_FAILED',
  'OFFLINE',
  'ENGINE_MISSING',
  'ENGINE_FAILED',
  'LOSS_NOT_FINITE',
  'OUT_OF_MEMORY',
  'DEVICE_LOST', // a GPU was reset or taken away in the middle of its work
  'WORKER_CRASHED',
  'WORKER_HUNG',
  'PARTNER_LOST', // another worker of the same run is gone
  'WEIGHTS_DIFFER', // devices that train a run together do not compute alike
  'CANCELLED',
  'INTERRUPTED',
  'ROUTE_NOT_FOUND', // there is no such call in the contract
  'BAD_INPUT', // what was sent to a call does not fit its schema: a defect of the sender
  'NOT_AVAILABLE', // this host cannot do it: a native dialog in a browser
  'UNAUTHORISED', // no session, or one that has ended
  'FORBIDDEN', // asked from where nobody may ask
  'TOO_LARGE',
  'TOO_MANY_ATTEMPTS',
  'SHUTTING_DOWN', // the studio is ending
  'CONNECTION_LOST', // made by the page when the studio cannot be reached
  'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** Where in which file something is wrong; line and column count from 1. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** What crosses a process boundary instead of an Error object. */
export interface ErrorData {
  readonly code: ErrorCode;
  /** One sentence that says what is wrong. */
  readonly message: string;
  /** One sentence that says what to do; empty when nothing can be done. */
  readonly nextStep: string;
  readonly place?: Place;
  readonly offer?: Offer;
}

/** What a page can do about it in the person's stead. */
export interface Offer {
  /** To go on with a run, so many tokens at once. */
  readonly microBatchTokens: number;
}

/** An error that a person is meant to read. Anything else that is thrown is a defect and becomes INTERNAL. */
export class StudioError extends Error {
  readonly code: ErrorCode;
  readonly nextStep: string;
  readonly place: Place | undefined;
  readonly offer: Offer | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { nextStep?: string; place?: Place; offer?: Offer; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'StudioError';
    this.code = code;
    this.nextStep = options.nextStep ?? '';
    this.place = options.place;
    this.offer = options.offer;
  }

  toData(): ErrorData {
    return {
      ...{ code: this.code, message: this.message, nextStep: this.nextStep },
      ...(this.place === undefined ? {} : { place: this.place }),
      ...(this.offer === undefined ? {} : { offer: this.offer }),
    };
  }
}

/** A full disk is the one failure that a run waits for: there may be room later. */
export function isDiskFull(thrown: unknown): thrown is StudioError {
  return thrown instanceof StudioError && thrown.code === 'DISK_FULL';
}

/** Turns whatever was thrown (an Error, its data, a string, null, a cyclic object) into data; never throws itself. */
export function errorData(thrown: unknown): ErrorData {
  if (thrown instanceof StudioError) return thrown.toData();
  if (isErrorData(thrown)) return thrown;
  return {
    code: 'INTERNAL',
    message: messageOf(thrown),
    nextStep: 'This is a defect of Entail: please report it with the log.',
  };
}

function isErrorData(thrown: unknown): thrown is ErrorData {
  if (typeof thrown !== 'object' || thrown === null || thrown instanceof Error) return false;
  try {
    const { code, message, nextStep } = thrown as Partial<ErrorData>;
    return (
      ERROR_CODES.some((one) => one === code) && typeof message === 'string' && typeof nextStep === 'string'
    );
  } catch {
    // An object whose fields throw when they are read.
    return false;
  }
}

function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    // An object that has no text, or whose way to it throws.
    return 'Something was thrown that has no text.';
  }
}

/** The inverse of `toData`, for errors that arrive from another process. */
export function errorFromData({ code, message, ...details }: ErrorData): StudioError {
  return new StudioError(code, message, details);
}
