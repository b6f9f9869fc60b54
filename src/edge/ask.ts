// SPDX-License-Identifier: Apache-2.0
// The bus as promises: what is callbacks inside becomes something to await at the wall, and nowhere else.

import type { Address, Kind } from '../bus/address.ts';
import { address } from '../bus/address.ts';
import type { Bus, BusFailure, Protocols } from '../bus/envelope.ts';
import type { Failure } from '../errors.ts';
import { SigilError } from '../errors.ts';
import type { World } from '../world.ts';

/** The edge as a sender: answers come back to the thread it runs on. */
export const EDGE = address('thread', 'main');

/** How long a question about state may take. */
export const STATE_MS = 1_000;

/**
 * Asks and waits.
 *
 * @throws SigilError with the {@link BusFailure} when the answer is one.
 */
export function ask<P extends Protocols, K extends Kind & keyof P, T extends keyof P[K] & string>(
  bus: Bus<P>,
  to: Address<K>,
  type: T,
  body: P[K][T]['body'],
  within: number,
  trace?: string,
): Promise<P[K][T]['reply']> {
  return new Promise((resolve, reject) => {
    bus.ask(to, type, body, { from: EDGE, within, trace }, (answer) => {
      if (answer.ok) resolve(answer.body);
      else reject(new SigilError(answer.error));
    });
  });
}

/** What is known of a part that was asked how it is: its answer, or why there is none. */
export type Asked<R> = { readonly ok: true; readonly answer: R } | { readonly ok: false; readonly error: Failure };

/** Asks and never throws: for pages that show what they can get. */
export async function tryAsk<P extends Protocols, K extends Kind & keyof P, T extends keyof P[K] & string>(
  bus: Bus<P>,
  to: Address<K>,
  type: T,
  body: P[K][T]['body'],
): Promise<Asked<P[K][T]['reply']>> {
  try {
    return { ok: true, answer: await ask(bus, to, type, body, STATE_MS) };
  } catch (thrown) {
    if (thrown instanceof SigilError) return { ok: false, error: thrown.failure };
    throw thrown;
  }
}

/** Whether the receiver's thread ended over this, so that asking again (under the same key) finds its next life. */
export function lostOnTheWay(thrown: unknown): boolean {
  if (!(thrown instanceof SigilError)) return false;
  const failure: BusFailure = thrown.failure;
  return (failure.code === 'thread_lost' && failure.retryable) || failure.in_doubt === true;
}

/** Whether the same question may be answered a moment later. */
export function passing(thrown: unknown): boolean {
  return lostOnTheWay(thrown) || (thrown instanceof SigilError && PASSING.has(thrown.failure.code));
}

const PASSING: ReadonlySet<string> = new Set(['overloaded', 'view_behind', 'deadline_exceeded']);

/** How long something that keeps failing is tried again, in milliseconds: longer than the watchdog takes. */
export const PATIENCE_MS = 30_000;
/** Short: most of what fails in passing was asked of a life of a thread whose next is there already. */
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 1_000;

/** Tries again and again: pauses that double, with jitter, within a bound of time that progress renews. */
export class Patience {
  readonly #world: World;
  #since: number;
  #pause = FIRST_PAUSE_MS;
  constructor(world: World) {
    this.#world = world;
    this.#since = world.monotonic();
  }

  /** It worked: from here the bound counts anew. */
  renew(): void {
    this.#since = this.#world.monotonic();
    this.#pause = FIRST_PAUSE_MS;
  }

  /** Waits for the next try; rethrows when there is to be none. */
  async after(thrown: unknown, worthIt: (thrown: unknown) => boolean): Promise<void> {
    if (!worthIt(thrown) || this.#world.monotonic() - this.#since > PATIENCE_MS) throw thrown;
    const pause = this.#pause * (0.5 + this.#world.random());
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    await new Promise<void>((resolve) => {
      this.#world.after(pause, resolve);
    });
  }
}
