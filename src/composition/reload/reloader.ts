// SPDX-License-Identifier: Apache-2.0
// Reading the configuration again while the gateway runs: one reading at a time, and what came of it. Loaded after the start.

import { thisMachine } from '../../config/load.ts';
import { configSearchPaths } from '../../config/paths.ts';
import { deepFreeze } from '../../config/schema.ts';
import type { Reloaded } from '../../edge/ports.ts';
import { failure, SigilError, toFailure } from '../../errors.ts';
import type { Actor } from '../../stores/directory-commands.ts';
import { threadEntry } from '../early-threads.ts';
import type { ApplyConfig } from './apply.ts';
import { type ConfigRead, ConfigReader, newSalt } from './config-job.ts';
import { ConfigWatch } from './config-watch.ts';
import type { LiveParts } from './live-parts.ts';
import { renewedSecrets, secretPrints } from './secret-prints.ts';

/** Errors written to the audit and to the log; all of them are in the status. */
const NOTED_MOST = 50;
const SYSTEM: Actor = { user_id: 'system', via: '' };

/** Who waits for a reading that has not begun. */
interface Waiting {
  readonly by: Actor;
  readonly why: string;
  readonly resolve: (outcome: Reloaded) => void;
  readonly reject: (thrown: unknown) => void;
}

export class Reloader {
  readonly #parts: LiveParts;
  readonly #apply: ApplyConfig;
  readonly #salt = newSalt();
  #prints: ReadonlyMap<string, string>;
  #waiting: Waiting[] = [];
  #running = false;
  readonly #reader: ConfigReader;
  #stopped = false;
  readonly #watch: ConfigWatch;

  constructor(parts: LiveParts, apply: ApplyConfig) {
    this.#parts = parts;
    this.#apply = apply;
    const { state, log, context } = parts;
    this.#reader = new ConfigReader(threadEntry('config'), context.world);
    this.#prints = secretPrints(context.house.config, thisMachine(), this.#salt);
    const says = 'the configuration file cannot be watched: changes of it are seen after some seconds';
    this.#watch = new ConfigWatch({
      world: context.world,
      places: state.file === null ? configSearchPaths(thisMachine()) : [state.file],
      changed: (file) => {
        state.file = file;
        this.reload(SYSTEM, 'the file').catch((error: unknown) =>
          log.error({ error: toFailure(error) }, 'the configuration cannot be read again'),
        );
      },
      blinded: (folder, why) => log.warn({ folder, why }, says),
    });
  }

  /** Begins to watch the file. */
  start(): Promise<void> {
    return this.#watch.start(performance.timeOrigin);
  }

  stop(): void {
    this.#stopped = true;
    this.#watch.stop();
    this.#reader.stop();
  }

  /** Reads and applies; whoever asks while it is being read is told what comes of another reading, which begins after that. */
  reload(by: Actor, why: string): Promise<Reloaded> {
    if (this.#stopped) return Promise.reject(new SigilError(failure('draining', 'The gateway is stopping.')));
    const { promise, resolve, reject } = Promise.withResolvers<Reloaded>();
    this.#waiting.push({ by, why, resolve, reject });
    if (!this.#running) void this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const asked = this.#waiting;
      this.#waiting = [];
      // Of those who asked together, one is a person rather than the file.
      const first = asked.find(({ by }) => by !== SYSTEM) ?? asked[0];
      if (first === undefined) break;
      try {
        const outcome = await this.#once(first);
        for (const { resolve } of asked) resolve(outcome);
      } catch (thrown) {
        for (const { reject } of asked) reject(thrown);
      }
    }
    // In the same breath as nobody waits: whoever asks next begins anew.
    this.#running = false;
  }

  async #once({ by, why }: Waiting): Promise<Reloaded> {
    const { state, loading, dataDir, log } = this.#parts;
    const asked = { file: state.file, dataDir, salt: this.#salt, ...loading };
    const seen = await this.#watch.look();
    const found = await this.#reader.read(asked);
    this.#watch.saw(seen);
    if (this.#stopped) throw new SigilError(failure('draining', 'The gateway is stopping.'));
    for (const message of found.warnings) log.warn({ file: state.file }, message);
    if (!found.ok) return this.#refused(found, by, why);
    const renewed = renewedSecrets(this.#prints, found.prints);
    const applied = await this.#apply({
      wanted: deepFreeze(found.config),
      declared: deepFreeze(found.declared),
      ...{ quarantined: found.quarantined, hidden: found.hidden, renewed, by, why },
    });
    this.#prints = found.prints;
    state.errors = [];
    state.errors_at = null;
    return { ok: true, ...applied };
  }

  #refused({ errors }: ConfigRead & { readonly ok: false }, by: Actor, why: string): Reloaded {
    const { state, context, log, note } = this.#parts;
    const { redactor } = context.secrets;
    const told = errors.map((error) => redactor.data(error));
    state.errors = told;
    state.errors_at = context.world.iso(context.world.now());
    const says = 'the configuration is not valid: the one before stays in force';
    const some = told.slice(0, NOTED_MOST).map(({ message }) => message);
    log.error({ file: state.file, why, errors: told.length, problems: some }, says);
    const details = { file: state.file, why, errors: told.length, problems: some.map((text) => text.slice(0, 500)) };
    note('config.refused', details, 'refused', by);
    context.tell({ type: 'config_refused', data: { problems: details.problems } });
    return { ok: false, errors: told };
  }
}
