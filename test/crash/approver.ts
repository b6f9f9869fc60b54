// SPDX-License-Identifier: Apache-2.0
// A person who is asked whether tools may run, and answers what waits, over any number of kills: most of it with yes.

import type { ApprovalKept } from './audit.ts';
import { ask, type Wire } from './wire.ts';

/** Between two looks, in milliseconds. */
const LOOK_MS = 20;

export class Approver {
  /** What the gateway said it has taken, by request. */
  readonly taken = new Map<string, string>();
  readonly #wire: Wire;
  readonly #random: () => number;
  #over = false;

  constructor(wire: Wire, random: () => number) {
    this.#wire = wire;
    this.#random = random;
  }

  stop(): void {
    this.#over = true;
  }

  /** Answers until it is told to stop. @param up waits until there is a gateway */
  async work(up: () => Promise<unknown>): Promise<void> {
    while (!this.#over) {
      await up();
      const listed = await ask(this.#wire, { method: 'GET', path: '/api/v1/approvals?limit=200' });
      const items = listed?.status === 200 ? (listed.body['items'] as readonly { readonly id: string }[]) : [];
      for (const { id } of items) await this.#decide(id);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async #decide(id: string): Promise<void> {
    const decision = this.#random() < 0.8 ? 'approve' : 'deny';
    const answered = await ask(this.#wire, { method: 'POST', path: `/api/v1/approvals/${id}`, body: { decision } });
    if (answered?.status === 200) this.taken.set(id, decision);
  }

  /** What was said to be taken and is kept otherwise. */
  problems(kept: ReadonlyMap<string, ApprovalKept>): readonly string[] {
    return [...this.taken].flatMap(([id, decision]) => {
      const is = kept.get(id)?.decision;
      return is === decision ? [] : [`approval ${id} was taken as ${decision} and is kept as ${is}`];
    });
  }
}
