// SPDX-License-Identifier: Apache-2.0
// The root's directory as main has it: owned by the root's present life, looked into by the edge at every request.

import { address } from '../bus/address.ts';
import type { Envelope } from '../bus/envelope.ts';
import type { Config } from '../config/schema.ts';
import type { LivePause, LiveTokens, LiveWorkspaces, TokenGrant } from '../edge/ports.ts';
import { SigilError } from '../errors.ts';
import { permissionsOfRole } from '../security/permission.ts';
import { type ConfiguredDirectory, configuredDirectory, OWNER_ID } from '../stores/configured-directory.ts';
import type { Directory } from '../stores/directory.ts';
import type { Actor, DirectoryChange, DirectoryChanges } from '../stores/directory-commands.ts';
import { DirectoryOwner } from '../stores/directory-owner.ts';
import type { StoredPairing, StoredPause, StoredUser, StoredWorkspace } from '../stores/directory-records.ts';
import type { Committed } from '../stores/journal.ts';
import { packAppendOf } from '../stores/remote/append-wire.ts';
import { unpackTail } from '../stores/remote/tail-wire.ts';
import type { Outcome } from '../stores/stream-owner.ts';
import type { ThreadContext } from './context.ts';
import { DirectoryFeed } from './directory-feed.ts';
import { tellLetIn } from './let-in.ts';

/** How long the journal may take, in milliseconds. */
const JOURNAL_WITHIN = 60_000;
/** How often it is written down when tokens were last used, in milliseconds. */
const USES_EVERY = 600_000;
const SYSTEM: Actor = { user_id: 'system', via: '' };

export class RootDirectory implements LiveTokens, LiveWorkspaces, LivePause {
  #configured: ConfiguredDirectory;
  /** Who there is, as every thread is told. */
  readonly people: DirectoryFeed;
  readonly #context: ThreadContext;
  #roles: ReadonlyMap<string, StoredUser['role']>;
  #owner: DirectoryOwner | null = null;
  readonly #listeners: (() => void)[] = [];
  /** Grants that were made, as long as what they were made of is the same. */
  readonly #known = new Map<string, TokenGrant>();
  /** Last uses that are not written down, by token. */
  #uses = new Map<string, number>();
  #cancel: (() => void) | null = null;
  #toldPaused = false;
  #loaded: () => void = () => undefined;
  /** Settles once the directory was read for the first time, or could not be. */
  readonly loaded: Promise<void>;

  constructor(context: ThreadContext, config: Config) {
    this.#context = context;
    this.#configured = configuredDirectory(config);
    this.people = new DirectoryFeed(config);
    this.#roles = new Map(config.users.map(({ id, role }) => [id, role]));
    this.loaded = new Promise((resolve) => {
      this.#loaded = resolve;
    });
  }

  /** What stands in the configuration now. */
  get configured(): ConfiguredDirectory {
    return this.#configured;
  }

  /** Another configuration is in force: every thread is told who came, went or is another, after whatever it was told before. */
  follow(config: Config): void {
    this.#configured = configuredDirectory(config);
    this.#roles = new Map(config.users.map(({ id, role }) => [id, role]));
    this.people.configured(config);
  }

  /** Tokens may open less than before, or nothing: whoever holds something open with one is looked at. */
  tokensChanged(): void {
    for (const run of this.#listeners) run();
  }

  /** The root begins a life: it owns the stream from here on. */
  begin(): void {
    const { bus, world, fault } = this.#context;
    const from = address('gateway', 'root');
    const journal = address('store', 'journal');
    const options = { from, within: JOURNAL_WITHIN };
    const owner = new DirectoryOwner({
      append: (append, answered) =>
        bus.ask(
          journal,
          'journal.append',
          packAppendOf(append, (record) => record),
          options,
          (answer) => answered(answer as Outcome<Committed>),
        ),
      tail: (stream, answered) =>
        bus.ask(journal, 'journal.tail', { stream }, options, (answer) =>
          answered(answer.ok ? { ok: true, body: unpackTail(answer.body) } : answer),
        ),
      now: () => world.now(),
      after: (ms, run) => world.after(ms, run),
      uuid: () => world.uuid(),
      fixed: () => this.configured.fixed,
      moved: (state) => {
        this.people.stored(state);
        this.#tellPause(state);
      },
      changed: () => this.tokensChanged(),
    });
    this.#owner = owner;
    owner.load((outcome) => {
      if (this.#owner === owner) {
        if (!outcome.ok) fault(from, outcome.error);
        // What could not be read now is read with the next change that is asked for, and told then.
        this.people.stored(owner.state);
        this.#toldPaused = this.paused !== null;
      }
      this.#loaded();
    });
  }

  /** The root's life is over. */
  end(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#owner?.stop();
    this.#owner = null;
  }

  /** Answers a change that came over the bus. */
  receive(envelope: Envelope): void {
    const { bus } = this.#context;
    const { by, ...body } = envelope.body as { readonly by: Actor };
    const type = envelope.type as DirectoryChange;
    this.#change(type, body as DirectoryChanges[DirectoryChange]['body'], by, (outcome) => {
      // Who there is has been told to every thread by now, or is about to reach it.
      if (outcome.ok) bus.reply(envelope, { ...outcome.body, table: this.people.table.version });
      else bus.fail(envelope, outcome.error);
    });
  }

  /** Notes what the gateway itself did; a failure is logged, for nobody waits. */
  note(body: DirectoryChanges['audit.note']['body']): void {
    this.#change('audit.note', body, SYSTEM, (outcome) => {
      if (!outcome.ok) this.#context.fault(address('gateway', 'root'), outcome.error);
    });
  }

  /** A change that this process itself makes. */
  apply<T extends DirectoryChange>(
    type: T,
    body: DirectoryChanges[T]['body'],
    by: Actor,
  ): Promise<DirectoryChanges[T]['reply']> {
    return new Promise((resolve, reject) => {
      this.#change(type, body, by, (outcome) => {
        if (outcome.ok) resolve(outcome.body.body as DirectoryChanges[T]['reply']);
        else reject(new SigilError(outcome.error));
      });
    });
  }

  get state(): Directory | null {
    return this.#owner?.state ?? null;
  }

  // What the edge asks.

  membersOf(workspace_id: string): ReadonlySet<string> | undefined {
    return this.people.table.membersOf(workspace_id);
  }

  made(): readonly StoredWorkspace[] {
    return [...(this.state?.workspaces.values() ?? [])].filter(({ deleted }) => deleted !== true);
  }

  get paused(): StoredPause | null {
    return this.state?.paused ?? null;
  }

  get ready(): boolean {
    return this.state !== null;
  }

  find(id: string): TokenGrant | undefined {
    const { state } = this;
    const token = state?.tokens.get(id);
    if (state === null || token === undefined) {
      this.#known.delete(id);
      return undefined;
    }
    const { hash, user_id, name, expires_at = null } = token;
    const permissions = token.permissions ?? permissionsOfRole(this.#roleOf(user_id, state.users.get(user_id)));
    const known = this.#known.get(id);
    if (known !== undefined && known.digest === hash && sameList(known.permissions, permissions)) return known;
    const until = expires_at === null ? {} : { expires_at };
    const grant = { id, digest: hash, user_id, name, permissions, ...until };
    this.#known.set(id, grant);
    return grant;
  }

  onChange(run: () => void): void {
    this.#listeners.push(run);
  }

  used(id: string): void {
    const { world } = this.#context;
    this.#uses.set(id, world.now());
    this.#cancel ??= world.after(USES_EVERY, () => this.flush(() => undefined));
  }

  lastUsed(id: string): number | undefined {
    return this.#uses.get(id) ?? this.state?.tokens.get(id)?.last_used_at ?? undefined;
  }

  /** Writes down when tokens were last used. */
  flush(done: () => void): void {
    this.#cancel?.();
    this.#cancel = null;
    const uses = this.#uses;
    if (uses.size === 0) return done();
    // What was used since is of the next time; those that could not be written are only times.
    this.#uses = new Map();
    this.#change('tokens.used', { at: Object.fromEntries(uses) }, SYSTEM, done);
  }

  #roleOf(user_id: string, user: StoredUser | undefined): StoredUser['role'] {
    return this.#roles.get(user_id) ?? user?.role ?? (user_id === OWNER_ID ? 'owner' : 'member');
  }

  /** Whether a change, once it is made, lets somebody in who was not. Whoever sends a code is answered as they are. */
  #letsIn<T extends DirectoryChange>(type: T, body: DirectoryChanges[T]['body']): boolean {
    if (type === 'pairing.answer') return (body as DirectoryChanges['pairing.answer']['body']).decision === 'approve';
    if (type !== 'pairing.change') return false;
    const { id, status } = body as DirectoryChanges['pairing.change']['body'];
    return status === 'active' && this.state?.pairings.get(id)?.status !== 'active';
  }

  /** Whoever follows how the gateway is hears of a pause and of its end. */
  #tellPause({ paused }: Directory): void {
    if ((paused !== null) === this.#toldPaused) return;
    this.#toldPaused = paused !== null;
    if (paused === null) return this.#context.tell({ type: 'agent_resumed', data: {} });
    const since = this.#context.world.iso(paused.since);
    this.#context.tell({ type: 'agent_paused', data: { since, by: paused.by, reason: paused.reason } });
  }

  #change<T extends DirectoryChange>(
    type: T,
    body: DirectoryChanges[T]['body'],
    by: Actor,
    answered: Parameters<DirectoryOwner['change']>[3],
  ): void {
    const owner = this.#owner;
    const told = (outcome: Outcome<{ readonly body: unknown }>): void => {
      answered(outcome as never);
      if (outcome.ok && letsIn) tellLetIn(this.#context, outcome.body.body as StoredPairing);
    };
    const letsIn = this.#letsIn(type, body);
    if (owner !== null) return owner.change(type, body, by, told as never);
    answered({ ok: false, error: { code: 'draining', message: 'the root is not running', retryable: true } });
  }
}

function sameList(one: readonly string[], other: readonly string[]): boolean {
  return one === other || (one.length === other.length && one.every((item, at) => item === other[at]));
}
