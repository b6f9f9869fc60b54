// SPDX-License-Identifier: Apache-2.0
// What plugins keep for themselves: values by key, apart for each plugin and workspace, within a quota.

import type { DateTime } from './date-time.ts';
import type { Page, PageRequest } from './page.ts';

/** A value comes back as what it was set as: text or bytes. */
export type StoredValue = string | Uint8Array;

/** Whose values. */
export interface ValueScope {
  readonly workspaceId: string;
  /** The plugin's name. */
  readonly plugin: string;
}

/** An entry without its value. */
export interface ValueEntry {
  readonly key: string;
  /** Of the value: its UTF-8 when it is text. */
  readonly bytes: number;
  readonly updatedAt: DateTime;
}

export interface ValuePage {
  readonly items: readonly ValueEntry[];
  /** Where the rest begins; null when there is none. */
  readonly nextCursor: string | null;
}

/** Durable when a change resolves: also past a power cut. Reads see everything that was resolved before. */
export interface KeyValueStore {
  /** @throws SigilError `not_found`. */
  get(scope: ValueScope, key: string): Promise<StoredValue>;
  /** @throws SigilError `payload_too_large` past {@link VALUE_MOST} or the quota; what was there stays. */
  set(scope: ValueScope, key: string, value: StoredValue): Promise<void>;
  /** @throws SigilError `not_found`. */
  delete(scope: ValueScope, key: string): Promise<void>;
  /** Keys that begin with `prefix`, in the order of their UTF-8. */
  list(scope: ValueScope, prefix?: string, page?: Partial<PageRequest>): Promise<ValuePage>;
  close(): Promise<void>;
}

/** The largest of each, in bytes of UTF-8. */
export const VALUE_MOST = { key: 512, value: 1_048_576, plugin: 128 } as const;

/** What one plugin may keep in one workspace. */
export interface ValueQuota {
  readonly keys: number;
  /** Of keys and values together. */
  readonly bytes: number;
}

export const VALUE_QUOTA: ValueQuota = { keys: 10_000, bytes: 64 * 1024 * 1024 };

interface Place {
  readonly workspace_id: string;
  readonly plugin: string;
  readonly key: string;
}

/** Changes, asked of the views' thread. */
export type ValueChanges = {
  readonly 'values.set': {
    readonly body: Place & { readonly value: StoredValue };
    readonly reply: Record<string, never>;
  };
  readonly 'values.delete': { readonly body: Place; readonly reply: Record<string, never> };
};

/** Reads, asked of the read thread. They wait for no view: values are no view. */
export type ValueQueries = {
  readonly 'values.get': { readonly body: Place; readonly reply: { readonly value: StoredValue } };
  readonly 'values.list': {
    readonly body: Omit<Place, 'key'> & { readonly prefix: string; readonly page: PageRequest };
    /** Times are RFC 3339. */
    readonly reply: Page<{ readonly key: string; readonly bytes: number; readonly updated_at: string }>;
  };
};
