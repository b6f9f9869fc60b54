// SPDX-License-Identifier: Apache-2.0
// What the stores' threads answer to on the bus, and under which addresses.

import type { JournalProtocol } from './journal.ts';
import type { ReadProtocol } from './session-store.ts';

/** What the views' thread is told and asked. */
export type ViewsProtocol = {
  /** The journal is durable up to here. A number is enough: the view reads the file itself from its checkpoint. */
  readonly 'views.wake': { readonly body: { readonly upto: number }; readonly reply: undefined };
  /** Answered once everything up to `upto` is applied. */
  readonly 'views.await': { readonly body: { readonly upto: number }; readonly reply: { readonly upto: number } };
  readonly 'views.stats': { readonly body: Record<string, never>; readonly reply: { readonly upto: number; readonly applied: number; readonly behind: number } };
};

/** Told to the read thread: the views have applied everything up to here. */
export type ReadNews = { readonly 'read.advanced': { readonly body: { readonly upto: number }; readonly reply: undefined } };

export type StoreProtocol = JournalProtocol & ViewsProtocol & ReadNews & ReadProtocol;

/** Ids of the stores' doors: `store/journal`, `store/views`, `store/read`. */
export const STORE_IDS = { journal: 'journal', views: 'views', read: 'read' } as const;
