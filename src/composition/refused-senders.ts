// SPDX-License-Identifier: Apache-2.0
// Messages nobody takes of their sender, noted in the audit: the first of its kind at once, what follows summed up once a minute.

import type { Failure } from '../errors.ts';
import { type AuditNote, auditNote } from '../stores/audit.ts';
import type { World } from '../world.ts';

const WINDOW_MS = 60_000;
/** Senders told apart within a window; the others are counted together. */
const TOLD_APART = 20;
/** What is refused for who somebody is. */
const ABOUT_SENDER: ReadonlySet<string> = new Set(['forbidden', 'not_a_member']);

interface Refusals {
  readonly user_id: string;
  readonly workspace_id: string;
  readonly error: Failure;
  /** Those that are not noted yet. */
  count: number;
}

export class RefusedSenders {
  readonly #world: Pick<World, 'after'>;
  readonly #note: (note: AuditNote) => void;
  /** Since the window opened; null while none is open. */
  #seen: Map<string, Refusals> | null = null;
  #others = 0;
  #stop: () => void = () => undefined;

  constructor(world: Pick<World, 'after'>, note: (note: AuditNote) => void) {
    this.#world = world;
    this.#note = note;
  }

  /** A message was refused; what is not refused for who its sender is, is nobody's business here. */
  count(user_id: string, workspace_id: string, error: Failure): void {
    if (!ABOUT_SENDER.has(error.code)) return;
    this.#open();
    const seen = this.#seen ?? new Map<string, Refusals>();
    const key = JSON.stringify([user_id, workspace_id, error.code]);
    const before = seen.get(key);
    if (before !== undefined) before.count += 1;
    else if (seen.size >= TOLD_APART) this.#others += 1;
    else {
      const first = { user_id, workspace_id, error, count: 0 };
      seen.set(key, first);
      this.#write(first, 1);
    }
  }

  /** Writes what is counted and not noted yet. */
  flush(): void {
    this.stop();
    for (const refusals of this.#seen?.values() ?? []) if (refusals.count > 0) this.#write(refusals, refusals.count);
    this.#seen = null;
    const others = this.#others;
    this.#others = 0;
    if (others > 0) this.#note(auditNote('message.refused', 'anonymous', { refused: others }, { result: 'refused' }));
  }

  /** Nothing is written any more. */
  stop(): void {
    this.#stop();
    this.#stop = () => undefined;
  }

  #open(): void {
    if (this.#seen !== null) return;
    this.#seen = new Map();
    this.#stop = this.#world.after(WINDOW_MS, () => this.flush());
  }

  #write({ user_id, workspace_id, error }: Refusals, refused: number): void {
    const details = { refused, code: error.code, reason: error.message };
    this.#note(auditNote('message.refused', user_id, details, { workspace_id, result: 'refused' }));
  }
}
