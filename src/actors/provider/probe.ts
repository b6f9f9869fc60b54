// SPDX-License-Identifier: Apache-2.0
// One probe: a lane's thread is asked to make the smallest call there is, and another one if that does not answer.

import { type Address, address } from '../../bus/address.ts';
import type { SigilBus } from '../protocols.ts';
import type { CallOutcome } from './protocol.ts';

export interface ProberOptions {
  readonly bus: Pick<SigilBus, 'ask'>;
  readonly from: Address;
  readonly provider: string;
  /** Names of the threads that can make calls. */
  readonly lanes: readonly string[];
  /** How long a call may take by the provider's own timeouts, in milliseconds. */
  readonly within: number;
}

/** What a lane has on top of the call's own time to answer in, in milliseconds. */
const ANSWER_MS = 5_000;

export class Prober {
  private options: ProberOptions;
  /** Which lane is asked first: another one each time. */
  private first = -1;
  /** Probes begun. */
  made = 0;

  constructor(options: ProberOptions) {
    this.options = options;
  }

  /** @param within as {@link ProberOptions.within} */
  follow(within: number): void {
    this.options = { ...this.options, within };
  }

  /** Calls back once, with null when no lane could make it. @returns the way to hear nothing of it any more */
  probe(model: string, done: (outcome: CallOutcome | null) => void): () => void {
    const { lanes } = this.options;
    let over = false;
    this.made += 1;
    this.first = (this.first + 1) % Math.max(1, lanes.length);
    const from = this.first;
    const ask = (tried: number): void => {
      const lane = lanes[(from + tried) % lanes.length];
      if (lane === undefined || tried >= lanes.length) {
        over = true;
        return done(null);
      }
      this.ask(lane, model, (outcome) => {
        if (over) return;
        if (outcome === null) return ask(tried + 1);
        over = true;
        done(outcome);
      });
    };
    ask(0);
    return () => {
      over = true;
    };
  }

  private ask(lane: string, model: string, answered: (outcome: CallOutcome | null) => void): void {
    const { bus, from, provider, within } = this.options;
    const options = { from, within: within + ANSWER_MS };
    bus.ask(address('thread', lane), 'thread.probe', { provider, model, within }, options, (answer) =>
      answered(answer.ok ? answer.body : null),
    );
  }
}
