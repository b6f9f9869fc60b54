// SPDX-License-Identifier: Apache-2.0
// A workspace's vectors.db as the projection of memory writes it: items with the batch, their vectors later.

import type { ReadRowOf } from '../streams.ts';
import type { VectorItem, VectorModel } from '../vector-store.ts';
import { applyToVectors, type VectorItems } from '../vector-view.ts';
import type { JournalRows } from './journal-source.ts';
import { VectorsWriter } from './vectors-writer.ts';
import type { WipePlace, WipeSteps } from './wipe.ts';
import type { WorkspaceView } from './workspace-files.ts';

export class VectorsView implements WorkspaceView<ReadRowOf<'session' | 'workspace'>>, VectorItems {
  readonly writer: VectorsWriter;
  readonly #wanted: () => void;

  /** @param wanted told when something is to be embedded, now and after each batch that brought something */
  constructor(file: string, model: VectorModel, wanted: () => void) {
    this.writer = new VectorsWriter(file, model);
    this.#wanted = wanted;
    if (this.writer.lacking().length > 0) wanted();
  }

  get upto(): number {
    return this.writer.view.upto;
  }

  belongsTo(source: JournalRows): boolean {
    return this.writer.view.belongsTo(source);
  }

  apply(journal: string, batch: readonly ReadRowOf<'session' | 'workspace'>[]): void {
    const { upto } = this;
    const fresh = batch.filter(({ row }) => row.seq > upto);
    const last = fresh.at(-1);
    if (last === undefined) return;
    this.writer.transact(() => {
      for (const read of fresh) applyToVectors(this, read);
      this.writer.view.write(journal, last.row);
    });
    this.#wanted();
  }

  clear(): void {
    this.writer.clear();
  }

  wipe(place: WipePlace): WipeSteps {
    return this.writer.wipe(place);
  }

  close(): void {
    this.writer.close();
  }

  userOf(session_id: string): string | undefined {
    return this.writer.userOf(session_id);
  }

  has(id: string): boolean {
    return this.writer.has(id);
  }

  put(items: readonly VectorItem[]): void {
    this.writer.put(items);
  }

  delete(ids: readonly string[]): void {
    this.writer.delete(ids);
  }

  deleteMessages(message_ids: readonly string[]): void {
    this.writer.deleteRefs('message', message_ids);
  }

  deleteFacts(fact_ids: readonly string[]): void {
    this.writer.deleteRefs('fact', fact_ids);
  }

  deleteSummariesWith(user_id: string): void {
    this.writer.deleteSummariesWith(user_id);
  }

  deleteOf(whose: { readonly session_id: string } | { readonly user_id: string }): void {
    this.writer.deleteOf(whose);
  }

  deleteBeginning(id_prefix: string): void {
    this.writer.deleteBeginning(id_prefix);
  }
}
