// SPDX-License-Identifier: Apache-2.0
// What may be asked about the directory, the audit and usage: more questions of the read thread. Times are epoch milliseconds.

import type { AuditBreak, AuditHead, AuditQuery, AuditRow } from './audit.ts';
import type { TokenRow } from './directory-commands.ts';
import type { PairingStatus, StoredPairing, StoredUser } from './directory-records.ts';
import type { Page, PageRequest } from './page.ts';

/** What usage is summed up by; `total` is everything in one. */
export type UsageBy = 'total' | 'provider' | 'model' | 'workspace' | 'user' | 'session';
/** One sum over all, or one for each hour or day (UTC). */
export type UsagePer = 'all' | 'hour' | 'day';

export interface UsageQuery {
  readonly by: UsageBy;
  /** Whole hours: the one that holds `from` counts, the one that begins at `to` does not. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Only what this user used; not together with a workspace, and not by workspace or session, which is not kept. */
  readonly user_id?: string | undefined;
  /** Only what was used in this workspace; not by user, which is not kept. */
  readonly workspace_id?: string | undefined;
  readonly per: UsagePer;
}

export interface UsageRow extends UsageSums {
  /** A provider's name, `provider/model`, or the id of a workspace, user or session; empty in a total. */
  readonly key: string;
  /** When the hour or the day began; null in a sum over all. */
  readonly hour: number | null;
}

export interface UsageSums {
  readonly calls: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
  /** Of calls that were interrupted, at what was reserved for them: nobody was told what they used. */
  readonly settled_tokens: number;
  readonly cost_usd: number;
}

/** How far a check of the audit has come. */
export interface AuditStep {
  /** The last entry that is sound. */
  readonly at: AuditHead;
  readonly broken: AuditBreak | null;
  /** Nothing is left to check. */
  readonly done: boolean;
  /** The newest entry as it was written. */
  readonly head: AuditHead;
}

/** Where somebody has something. Lists are cut at {@link CONTENT_MOST}: what is listed goes away, and then it is asked again. */
export interface UserContent {
  readonly sessions: readonly { readonly session_id: string; readonly workspace_id: string }[];
  readonly workspaces: readonly string[];
}

export const CONTENT_MOST = 1_000;

export type DirectoryQueries = {
  /** What somebody has in sessions and workspaces, whether they are a user here or not. */
  readonly 'user.content': { readonly body: { readonly user_id: string }; readonly reply: UserContent };
  readonly 'user.get': { readonly body: { readonly id: string }; readonly reply: StoredUser };
  /** Null: nobody is known so. */
  readonly 'user.by_identity': {
    readonly body: { readonly channel: string; readonly platform_id: string };
    readonly reply: { readonly user: StoredUser | null };
  };
  /** By id. */
  readonly 'user.list': { readonly body: { readonly page: PageRequest }; readonly reply: Page<StoredUser> };
  readonly 'pairing.get': { readonly body: { readonly id: string }; readonly reply: StoredPairing };
  readonly 'pairing.by_channel': {
    readonly body: { readonly channel: string; readonly channel_id: string };
    readonly reply: { readonly pairing: StoredPairing | null };
  };
  /** Oldest first; all that is given must hold. */
  readonly 'pairing.list': {
    readonly body: {
      readonly filter: {
        readonly user_id?: string | undefined;
        readonly channel?: string | undefined;
        readonly status?: PairingStatus | undefined;
      };
      readonly page: PageRequest;
    };
    readonly reply: Page<StoredPairing>;
  };
  /** Oldest first. */
  readonly 'token.list': {
    readonly body: { readonly filter: { readonly user_id?: string | undefined }; readonly page: PageRequest };
    readonly reply: Page<TokenRow>;
  };
  /** Newest first. A page may hold fewer than its limit, or none, and still have one after it. */
  readonly 'audit.query': {
    readonly body: { readonly query: AuditQuery; readonly page: PageRequest };
    readonly reply: Page<AuditRow>;
  };
  /** Checks so many entries after `at`. */
  readonly 'audit.verify': {
    readonly body: { readonly at: AuditHead; readonly most: number };
    readonly reply: AuditStep;
  };
  /** Null: there is no such entry. */
  readonly 'audit.hash': { readonly body: { readonly n: number }; readonly reply: { readonly hash: string | null } };
  /** By key, then by hour. */
  readonly 'usage.list': {
    readonly body: { readonly query: UsageQuery; readonly page: PageRequest };
    /** `totals` adds up all pages; null on those after the first. */
    readonly reply: Page<UsageRow> & { readonly totals: UsageSums | null };
  };
};
