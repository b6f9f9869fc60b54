// SPDX-License-Identifier: Apache-2.0
// Erases all that is held about somebody, from every store: begun by a record, carried on from it at every start until it is done.

import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Address, address } from '../bus/address.ts';
import type { Answer } from '../bus/envelope.ts';
import type { UserErasure } from '../edge/ports.ts';
import { SigilError, toFailure } from '../errors.ts';
import { pairingKey } from '../stores/channel-fold.ts';
import { OWNER_ID } from '../stores/configured-directory.ts';
import type { Actor } from '../stores/directory-commands.ts';
import type { StoredErasure } from '../stores/directory-records.ts';
import type { AuditStore } from '../stores/gateway-store.ts';
import type { ReadStore } from '../stores/session-store.ts';
import { attachmentFiles } from '../stores/sqlite/attachment-files.ts';
import type { ThreadContext } from './context.ts';
import type { RootDirectory } from './root-directory.ts';
import { folderOf, hasFolder } from './skills/folders.ts';

export interface UserErasuresOptions {
  readonly context: ThreadContext;
  readonly directory: RootDirectory;
  readonly store: ReadStore;
  readonly audit: AuditStore;
  /** Configured workspaces somebody is a member of. */
  readonly memberOf: (user_id: string) => readonly string[];
  /** Where skills lie, and the command line keeps lines typed at this machine. */
  readonly dataDir: string;
  readonly acknowledged: (seq: number) => void;
  /** Files they uploaded and sent with nothing yet. */
  readonly uploads: { erase(user_id: string): Promise<void> };
}

const FRESH = { after: 'latest' } as const;
/** How long one step may take, in milliseconds: a large file is redacted and overwritten. */
const WITHIN = { session: 60_000, write: 60_000, wipe: 600_000 } as const;
/** Pauses before it is carried on after a failure, in milliseconds: they double. */
const PAUSE = { first: 500, longest: 60_000 } as const;
/** How often it is looked whether messages are still on their way to a session, in milliseconds. */
const LOOK_MS = 20;
/** Sessions one record of a workspace names, and those that are deleted at once. */
const NAMED_TOGETHER = 1_000;
const DELETED_TOGETHER = 8;

interface Progress {
  sessions: number;
  readonly workspaces: Set<string>;
  /** Sessions that were deleted, here or before, by workspace: what memory made of them names them. */
  readonly deleted: Map<string, Set<string>>;
}

/**
 * The order is what makes it safe to cut short anywhere: first nothing new is taken of them; then each workspace writes that
 * what is theirs goes, before the sessions by which the workspace is found; then the sessions; then all workspaces once more,
 * for what was on its way; then the views have applied it and files are overwritten; and last it is noted that it is done.
 */
export class UserErasures implements UserErasure {
  readonly #options: UserErasuresOptions;
  /** Messages on their way to a session, by who sent them. */
  readonly #delivering = new Map<string, number>();
  readonly #running = new Set<string>();
  #stopped = false;
  #wake: () => void = () => undefined;

  constructor(options: UserErasuresOptions) {
    this.#options = options;
  }

  erasing(user_id: string): boolean {
    return this.find(user_id)?.done_at === null;
  }

  find(user_id: string): StoredErasure | undefined {
    return this.#options.directory.state?.erasures.get(user_id);
  }

  /** A message of somebody goes to its session: to be called when it has got there; null when nothing is taken of them. */
  enter(user_id: string): (() => void) | null {
    if (this.erasing(user_id)) return null;
    this.#delivering.set(user_id, (this.#delivering.get(user_id) ?? 0) + 1);
    return () => {
      const left = (this.#delivering.get(user_id) ?? 1) - 1;
      if (left > 0) this.#delivering.set(user_id, left);
      else this.#delivering.delete(user_id);
    };
  }

  /** @throws SigilError why it could not be begun: `storage_failed` when it could not be noted */
  async begin(user_id: string, by: Actor): Promise<StoredErasure> {
    const { directory, store, memberOf } = this.#options;
    const { workspaces } = await store.read('user.content', { user_id }, FRESH);
    const all = [...new Set([...workspaces, ...memberOf(user_id), `personal:${user_id}`])];
    const erasure = await directory.apply('user.erase', { id: user_id, workspaces: all }, by);
    this.#carryOn(erasure);
    return erasure;
  }

  /** Goes on with what another life began. */
  resume(): void {
    for (const erasure of this.#options.directory.state?.erasures.values() ?? [])
      if (erasure.done_at === null) this.#carryOn(erasure);
  }

  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  #carryOn(erasure: StoredErasure): void {
    const { user_id } = erasure;
    if (this.#running.has(user_id)) return;
    this.#running.add(user_id);
    void this.#tryOn(erasure).finally(() => this.#running.delete(user_id));
  }

  async #tryOn(erasure: StoredErasure): Promise<void> {
    const { context } = this.#options;
    for (let pause: number = PAUSE.first; !this.#stopped; pause = Math.min(PAUSE.longest, 2 * pause)) {
      try {
        return await this.#erase(erasure);
      } catch (thrown) {
        if (this.#stopped) return;
        context.fault(address('gateway', 'root'), toFailure(thrown));
        await this.#rest(pause);
      }
    }
  }

  async #erase({ user_id, workspaces, pairings = [] }: StoredErasure): Promise<void> {
    const { directory, context } = this.#options;
    while (this.#delivering.has(user_id) && !this.#stopped) await this.#rest(LOOK_MS);
    const deleted = await this.#deletedBefore(user_id);
    const progress: Progress = { sessions: 0, workspaces: new Set([...workspaces, ...deleted.keys()]), deleted };
    // While memory still knows in whose summaries they are; and once more, for one that was made meanwhile.
    const summed = await this.#summedWith(user_id, progress.workspaces);
    await this.#forgetSummaries(user_id, summed);
    await this.#sessionsOf(user_id, progress);
    context.point('erasure.sessions');
    for (const workspace_id of progress.workspaces) await this.#tell(user_id, workspace_id, progress);
    await this.#forgetSummaries(user_id, summed);
    await this.#tellChannels([user_id, ...pairings.map(pairingKey)]);
    context.point('erasure.told');
    await this.#overwrite(user_id, progress);
    context.point('erasure.overwritten');
    if (this.#stopped) return;
    const counts = { sessions: progress.sessions, workspaces: progress.workspaces.size };
    await directory.apply('user.erased', { id: user_id, ...counts }, { user_id: 'system', via: '' });
  }

  /** Sessions of others that were summed up with something they said; their own go with all that is in them. */
  async #summedWith(user_id: string, known: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const { store } = this.#options;
    const { workspaces, sessions: own } = await store.read('user.content', { user_id }, FRESH);
    const sessions = new Set<string>();
    for (const workspace_id of new Set([...known, ...workspaces])) {
      const found = await store.read('memory.summed_with', { workspace_id, user_id }, FRESH);
      for (const id of found.sessions) sessions.add(id);
    }
    for (const { session_id } of own) sessions.delete(session_id);
    return sessions;
  }

  /** What those sessions are told of before goes, whosever they are. */
  async #forgetSummaries(user_id: string, sessions: ReadonlySet<string>): Promise<void> {
    for (const id of sessions) {
      const session = address('session', id);
      await this.#ask<{ seq: number }>((from, answered) =>
        this.#bus.ask(session, 'session.erase_summary', { user_id }, { from, within: WITHIN.session }, answered),
      ).then(
        ({ seq }) => this.#options.acknowledged(seq),
        (thrown: unknown) => {
          // Deleted meanwhile, with all that was in it.
          if (toFailure(thrown).code !== 'not_found' && toFailure(thrown).code !== 'conflict') throw thrown;
        },
      );
    }
  }

  /** Until none is left: some may have been on their way. */
  async #sessionsOf(user_id: string, progress: Progress): Promise<void> {
    const { store } = this.#options;
    for (;;) {
      const { sessions, workspaces } = await store.read('user.content', { user_id }, FRESH);
      for (const id of workspaces) progress.workspaces.add(id);
      if (sessions.length === 0 || this.#stopped) return;
      const by_workspace = Map.groupBy(sessions, ({ workspace_id }) => workspace_id);
      for (const [workspace_id, of] of by_workspace) {
        const known = progress.deleted.get(workspace_id) ?? new Set<string>();
        for (const { session_id } of of) known.add(session_id);
        progress.deleted.set(workspace_id, known);
        await this.#tell(user_id, workspace_id, progress);
      }
      for (let at = 0; at < sessions.length; at += DELETED_TOGETHER) {
        const some = sessions.slice(at, at + DELETED_TOGETHER);
        progress.sessions += some.length;
        await Promise.all(some.map(({ session_id }) => this.#delete(session_id)));
      }
    }
  }

  /** Sessions of theirs that somebody deleted before: the audit knows them still. */
  async #deletedBefore(user_id: string): Promise<Progress['deleted']> {
    const deleted: Progress['deleted'] = new Map();
    for (let cursor: string | undefined; ; ) {
      const page = { limit: 200, ...(cursor === undefined ? {} : { cursor }) };
      const { items, next_cursor } = await this.#options.audit.query({ action: 'session.deleted' }, page);
      for (const { details, workspaceId, sessionId } of items) {
        if (details['user_id'] !== user_id) continue;
        const known = deleted.get(workspaceId) ?? new Set<string>();
        deleted.set(workspaceId, known.add(sessionId));
      }
      if (next_cursor === null) return deleted;
      cursor = next_cursor;
    }
  }

  async #delete(session_id: string): Promise<void> {
    try {
      const body = { by: 'system' };
      const { seq } = await this.#ask<{ seq: number }>((from, answered) =>
        this.#bus.ask(
          address('session', session_id),
          'session.delete',
          body,
          { from, within: WITHIN.session },
          answered,
        ),
      );
      this.#options.acknowledged(seq);
    } catch (thrown) {
      // Gone already, as after a crash between the record and the view.
      if (toFailure(thrown).code !== 'not_found') throw thrown;
    }
  }

  /** The workspace writes that what is theirs goes. */
  async #tell(user_id: string, workspace_id: string, { deleted }: Progress): Promise<void> {
    const sessions = [...(deleted.get(workspace_id) ?? [])];
    const own = workspace_id === `personal:${user_id}`;
    for (let at = 0; at === 0 || at < sessions.length; at += NAMED_TOGETHER) {
      const session_ids = sessions.slice(at, at + NAMED_TOGETHER);
      const records = [{ type: 'user_erased', user_id, session_ids, own } as const];
      const options = { within: WITHIN.write };
      const { seq } = await this.#ask<{ seq: number }>((from, answered) =>
        this.#bus.ask(
          address('workspace', workspace_id),
          'workspace.write',
          { records },
          { from, ...options },
          answered,
        ),
      );
      this.#options.acknowledged(seq);
    }
  }

  /** Files that came with what they said, and those of sessions that were theirs. */
  async #attachments(
    user_id: string,
    { workspaces, deleted }: Pick<Progress, 'workspaces' | 'deleted'>,
  ): Promise<void> {
    const files = attachmentFiles(this.#options.dataDir);
    await this.#options.uploads.erase(user_id);
    await files.eraseWorkspace(`personal:${user_id}`);
    for (const workspace_id of workspaces) {
      for (const session_id of deleted.get(workspace_id) ?? []) await files.eraseSession(workspace_id, session_id);
      await files.eraseUser(workspace_id, user_id);
    }
  }

  /** What chat channels were given to say to them, or have said; and what they said to others of their asking to be let in. */
  async #tellChannels(those: readonly string[]): Promise<void> {
    const names = Object.keys(this.#options.context.house.config.channels);
    for (const [name, user_id] of names.flatMap((one) => those.map((who) => [one, who] as const))) {
      const { seq } = await this.#ask<{ seq: number }>((from, answered) =>
        this.#bus.ask(
          address('channel', name),
          'channel.erase',
          { session_id: '', user_id },
          { from, within: WITHIN.write },
          answered,
        ),
      );
      this.#options.acknowledged(seq);
    }
  }

  async #overwrite(user_id: string, { workspaces, deleted }: Progress): Promise<void> {
    const { dataDir } = this.#options;
    const [journal, views] = [address('store', 'journal'), address('store', 'views')];
    const { seq: upto } = await this.#ask<{ seq: number }>((from, answered) =>
      this.#bus.ask(journal, 'journal.stats', {}, { from, within: WITHIN.write }, answered),
    );
    const wiped = [...workspaces].map((id) => ({ id, values: id === `personal:${user_id}` }));
    await this.#ask((from, answered) =>
      this.#bus.ask(views, 'views.wipe', { upto, workspaces: wiped }, { from, within: WITHIN.wipe }, answered),
    );
    await this.#ask((from, answered) =>
      this.#bus.ask(journal, 'journal.erase', {}, { from, within: WITHIN.wipe }, answered),
    );
    await this.#attachments(user_id, { workspaces, deleted });
    // Skills of a workspace that was theirs alone: they may say anything.
    const own = `personal:${user_id}`;
    if (await hasFolder(dataDir, own)) await rm(folderOf(dataDir, own), { recursive: true, force: true });
    // Lines typed in a chat at this machine: unless told otherwise the command line speaks as the owner.
    if (user_id === OWNER_ID) rmSync(join(dataDir, 'chat_history'), { force: true });
  }

  get #bus(): ThreadContext['bus'] {
    return this.#options.context.bus;
  }

  #ask<T>(run: (from: Address, answered: (answer: Answer<T>) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      run(address('thread', 'main'), (answer) => {
        if (answer.ok) resolve(answer.body);
        else reject(new SigilError(answer.error));
      });
    });
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.context.world.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
