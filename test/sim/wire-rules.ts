// SPDX-License-Identifier: Apache-2.0
// What must hold of the batches between threads: ids of different lives never meet, and what nobody read goes to the next life.

import { type Batch, isForActor, packedLength, unpack } from '../../src/bus/wire.ts';
import type { Broke } from './broke.ts';
import type { Life } from './clock.ts';
import type { PostRules } from './ports.ts';

export class WireRules implements PostRules {
  private readonly broke: Broke;
  /** The highest message id of each thread's newest life. */
  private readonly ids = new Map<string, { readonly life: string; readonly highest: number }>();
  /** For actors, posted to a life that ended without reading them, by their sender. */
  private readonly kept = new Map<Life, Map<number, string>>();

  constructor(broke: Broke) {
    this.broke = broke;
  }

  posted(from: Life, batch: Batch): void {
    // A batch begins with the optional fields and the id of its first message.
    const id = Number(batch[1]);
    const thread = from.name.slice(0, from.name.lastIndexOf('.'));
    const known = this.ids.get(thread);
    if (known !== undefined && known.life !== from.name && id <= known.highest) {
      this.broke('ids', `${from.name} sends ${id}, and ${known.life} has sent ${known.highest}`);
    }
    this.ids.set(thread, { life: from.name, highest: Math.max(id, known?.highest ?? 0) });
    const kept = this.kept.get(from);
    if (kept === undefined || kept.size === 0) return;
    for (let at = 0; at < batch.length; at += packedLength(batch, at)) kept.delete(Number(batch[at + 1]));
  }

  unread(from: Life, batch: Batch): void {
    if (from.dead) return;
    const kept = this.kept.get(from) ?? new Map<number, string>();
    this.kept.set(from, kept);
    for (let at = 0; at < batch.length; at += packedLength(batch, at)) {
      const envelope = unpack(batch, at);
      if (isForActor(envelope)) kept.set(envelope.id, `${envelope.type} to ${envelope.to}`);
    }
  }

  /** Nothing is under way any more. */
  rests(): void {
    for (const [from, kept] of this.kept) {
      if (from.dead) continue;
      for (const what of kept.values()) this.broke('unanswered', `${from.name}: ${what} was read by no life`);
    }
  }
}
