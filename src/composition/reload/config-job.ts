// SPDX-License-Identifier: Apache-2.0
// The configuration read again as at the start, in a worker of its own: parsing and checking it takes no time of a thread that serves.

import { randomBytes } from 'node:crypto';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { Quarantined } from '../../actors/gateway/protocol.ts';
import type { Config } from '../../config/schema.ts';
import type { ConfigError } from '../../edge/ports.ts';
import { type Failure, failure, SigilError, toFailure } from '../../errors.ts';
import type { World } from '../../world.ts';

/** How a gateway was told to load its configuration, so that it can be loaded again the same way. */
export interface Loading {
  /** Of the command line, nested like the configuration. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly flagNames: Readonly<Record<string, string>>;
}

/** What the worker is born with. */
export interface ConfigJobData {
  readonly job: 'config';
}

/** What it is asked to read. */
export interface AskedConfig extends Loading {
  /** The file; null reads the environment and the flags alone. */
  readonly file: string | null;
  readonly dataDir: string;
  /** Under which values of secrets are told apart: nobody but this process has it. */
  readonly salt: Uint8Array;
}

/** What was read. */
export type ConfigRead =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly declared: Config;
      readonly quarantined: readonly Quarantined[];
      readonly warnings: readonly string[];
      /** Values that are hidden before anything is made of them. */
      readonly hidden: readonly string[];
      /** What secrets stand for, by their keys, as hashes under the salt. */
      readonly prints: ReadonlyMap<string, string>;
    }
  | { readonly ok: false; readonly errors: readonly ConfigError[]; readonly warnings: readonly string[] };

export type FromConfigJob =
  | { readonly say: 'read'; readonly read: ConfigRead }
  | { readonly say: 'failed'; readonly error: Failure };

/** A file on a disk that hangs is not waited for longer, in milliseconds; a keyring may ask a person meanwhile. */
const READ_MS = 90_000;
/** Who edits once edits again: so long the worker stands ready then, in milliseconds, and what it has loaded with it. */
const READY_MS = 10_000;
/** What reading may take of memory, in MiB: some sixteen times the largest file. */
const HEAP_MB = 512;

/** For {@link AskedConfig.salt}. */
export function newSalt(): Uint8Array {
  return new Uint8Array(randomBytes(32));
}

/** Has it read, one at a time. */
export class ConfigReader {
  readonly #entry: URL;
  readonly #world: Pick<World, 'after'>;
  #worker: Worker | null = null;
  #dismiss = (): void => undefined;

  /** @param entry the file a worker begins with */
  constructor(entry: URL, world: Pick<World, 'after'>) {
    this.#entry = entry;
    this.#world = world;
  }

  /** @throws SigilError when it cannot be read at all, which says nothing of what is written */
  read(asked: AskedConfig): Promise<ConfigRead> {
    this.#dismiss();
    const worker = this.#worker ?? this.#start();
    this.#worker = worker;
    return new Promise<ConfigRead>((resolve, reject) => {
      const over = (): void => {
        late();
        worker.off('message', heard);
        worker.off('exit', ended);
        worker.off('error', failed);
      };
      const fail = (error: Failure): void => {
        over();
        this.stop();
        reject(new SigilError(error));
      };
      const heard = (message: FromConfigJob): void => {
        if (message.say === 'failed') return fail(message.error);
        over();
        this.#dismiss = this.#world.after(READY_MS, () => this.stop());
        resolve(message.read);
      };
      const ended = (): void => fail(failure('internal', 'Reading the configuration ended before it was done.'));
      const failed = (error: Error): void => fail(toFailure(error));
      const late = this.#world.after(READ_MS, () =>
        fail(failure('deadline_exceeded', `The configuration could not be read within ${READ_MS / 1_000} s.`)),
      );
      worker.on('message', heard);
      worker.on('exit', ended);
      worker.on('error', failed);
      worker.postMessage(asked);
    });
  }

  stop(): void {
    this.#dismiss();
    const worker = this.#worker;
    this.#worker = null;
    void worker?.terminate();
  }

  #start(): Worker {
    const data: ConfigJobData = { job: 'config' };
    const resourceLimits = { maxOldGenerationSizeMb: HEAP_MB };
    const worker = new Worker(this.#entry, { name: 'config', workerData: data, env: SHARE_ENV, resourceLimits });
    // Told to whoever waits; while nobody does there is nothing to tell.
    worker.on('error', () => undefined);
    worker.once('exit', () => {
      if (this.#worker === worker) this.#worker = null;
    });
    return worker;
  }
}
