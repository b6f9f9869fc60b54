// SPDX-License-Identifier: Apache-2.0
// What a change of the directory comes to: from its state, the records to write and what is noted of them, or why not. Pure.

import { type Failure, failure } from '../errors.ts';
import { type AuditNote, auditNote, isNote } from './audit.ts';
import { conversationKey, type Directory, evolveDirectory, identityKey } from './directory.ts';
import type { Actor, DirectoryCommand, NewPairing, NewToken, NewUser, UserChange } from './directory-commands.ts';
import type { DirectoryRecord, StoredIdentity, StoredToken, StoredUser } from './directory-records.ts';
import type { Decision } from './stream-owner.ts';

/** What stands in the configuration, which nothing here may change. */
export interface Fixed {
  readonly users: ReadonlySet<string>;
  /** {@link identityKey} to the id of the user. */
  readonly identities: ReadonlyMap<string, string>;
  /** Ids a token or a pairing may be of although no user has them: `owner`, and those tokens of the configuration name. */
  readonly known: ReadonlySet<string>;
  /** Ids that tokens of the configuration name. */
  readonly named: ReadonlySet<string>;
  readonly tokens: ReadonlySet<string>;
}

export interface Deciding {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly uuid: () => string;
  readonly fixed: Fixed;
  readonly by: Actor;
}

type Decided = Decision<DirectoryRecord, unknown>;

/** The most there may be of each: past it whoever adds one is told to remove others first. */
export const DIRECTORY_MOST = { users: 100_000, identities: 100, pairings: 100_000, tokens: 10_000 } as const;

const refuse = (error: Failure): Decided => ({ ok: false, error });
const missing = (what: string, id: string): Decided => refuse(failure('not_found', `There is no ${what} ${id}.`));
const conflict = (message: string): Decided => refuse(failure('conflict', message));
const readOnly = (what: string): Decided =>
  conflict(`${what} is written in the configuration file and can only be changed there.`);
const full = (most: number, what: string): Decided =>
  conflict(`There are ${most} ${what} already, as many as there may be; remove others first.`);

export function decideDirectory(state: Directory, command: DirectoryCommand, deciding: Deciding): Decided {
  const { fixed, by, now } = deciding;
  const note = (action: string, details: Readonly<Record<string, unknown>>): AuditNote =>
    auditNote(action, by.user_id, by.via === '' ? details : { ...details, via: by.via });
  /** One record with its note; the answer is what `of` finds in the state it leads to. */
  const write = (record: DirectoryRecord, audit: AuditNote, of: (after: Directory) => unknown): Decided => {
    return { ok: true, records: [record], audit: [audit], body: of(evolveDirectory(state, record, now)) };
  };
  const userIn = (id: string, then: (user: StoredUser) => Decided): Decided => {
    if (fixed.users.has(id)) return readOnly(`The user ${id}`);
    const user = state.users.get(id);
    return user === undefined ? missing('user', id) : then(user);
  };
  switch (command.type) {
    case 'user.create':
      return createUser(state, command.body, deciding, (user) =>
        write({ type: 'user_created', user }, note('user.created', { id: user.id, role: user.role }), () => user),
      );
    case 'user.update':
      return userIn(command.body.id, (user) => {
        const change = changeOf(user, command.body);
        if (Object.keys(change).length === 0) return { ok: true, records: [], body: user };
        const { name: _, ...told } = change;
        const details = { id: user.id, ...told, changed: Object.keys(change) };
        return write({ type: 'user_changed', id: user.id, ...change }, note('user.changed', details), (after) =>
          after.users.get(user.id),
        );
      });
    case 'user.delete':
      return userIn(command.body.id, (user) => {
        // They would be known all the same, and a guest as more than that.
        if (fixed.named.has(user.id)) return conflict(namedByToken(user.id));
        const audit = note('user.deleted', { id: user.id, role: user.role });
        return write({ type: 'user_deleted', id: user.id }, audit, () => user);
      });
    case 'user.erase': {
      const { id: user_id, workspaces } = command.body;
      const under_way = state.erasures.get(user_id);
      if (under_way?.done_at === null) return { ok: true, records: [], body: under_way };
      const id = deciding.uuid();
      return write({ type: 'user_erasing', id, user_id, workspaces }, note('user.erasing', { user_id, id }), (after) =>
        after.erasures.get(user_id),
      );
    }
    case 'user.erased': {
      const { id: user_id, ...counts } = command.body;
      const under_way = state.erasures.get(user_id);
      if (under_way === undefined) return missing('erasure of', user_id);
      if (under_way.done_at !== null) return { ok: true, records: [], body: under_way };
      const audit = note('user.erased', { user_id, id: under_way.id, ...counts });
      return write({ type: 'erasure_done', user_id }, audit, (after) => after.erasures.get(user_id));
    }
    case 'user.link':
      return userIn(command.body.id, (user) => {
        const { identity } = command.body;
        const taken = takenBy(state, fixed, identity);
        if (taken === user.id) return { ok: true, records: [], body: user };
        if (taken !== undefined) return conflict(belongs(identity, taken));
        if (user.identities.length >= DIRECTORY_MOST.identities)
          return full(DIRECTORY_MOST.identities, 'identities of this user');
        const audit = note('identity.linked', { user_id: user.id, channel: identity.channel });
        return write({ type: 'identity_linked', user_id: user.id, identity }, audit, (after) =>
          after.users.get(user.id),
        );
      });
    case 'user.unlink':
      return userIn(command.body.id, (user) => {
        const { channel, platform_id } = command.body;
        if (state.identities.get(identityKey(command.body)) !== user.id)
          return refuse(failure('not_found', `${user.id} is not known as ${platform_id} on ${channel}.`));
        const audit = note('identity.unlinked', { user_id: user.id, channel });
        return write({ type: 'identity_unlinked', user_id: user.id, channel, platform_id }, audit, (after) =>
          after.users.get(user.id),
        );
      });
    case 'pairing.create':
      return createPairing(state, command.body, deciding, note);
    case 'pairing.change': {
      const { id, status, user_id } = command.body;
      const pairing = state.pairings.get(id);
      if (pairing === undefined) return missing('pairing', id);
      const whose = user_id ?? pairing.user_id;
      if (whose !== '' && !isKnown(state, fixed, whose)) return missing('user', whose);
      if (isErasing(state, whose)) return goes(whose);
      if (whose === '' && status === 'active') return nobodys();
      if (status === pairing.status && whose === pairing.user_id) return { ok: true, records: [], body: pairing };
      const audit = note('pairing.changed', { id, status, user_id: whose, channel: pairing.channel });
      const record = { type: 'pairing_changed', id, status, ...(user_id === undefined ? {} : { user_id }) } as const;
      return write(record, audit, (after) => after.pairings.get(id));
    }
    case 'pairing.delete': {
      const pairing = state.pairings.get(command.body.id);
      if (pairing === undefined) return missing('pairing', command.body.id);
      const { id, user_id, channel } = pairing;
      return write({ type: 'pairing_deleted', id }, note('pairing.deleted', { id, user_id, channel }), () => pairing);
    }
    case 'token.create':
      return createToken(state, command.body, deciding, note);
    case 'token.revoke': {
      const { id } = command.body;
      if (fixed.tokens.has(id)) return readOnly(`The token ${id}`);
      const token = state.tokens.get(id);
      if (token === undefined) return missing('token', id);
      const { user_id } = token;
      return write({ type: 'token_revoked', id }, note('token.revoked', { id, user_id }), () => rowOf(token));
    }
    case 'tokens.used': {
      const at = Object.fromEntries(Object.entries(command.body.at).filter(([id]) => state.tokens.has(id)));
      if (Object.keys(at).length === 0) return { ok: true, records: [], body: {} };
      return { ok: true, records: [{ type: 'tokens_used', at }], body: {} };
    }
    case 'audit.note':
      // Checked here: a note the journal refuses would take with it what is written together with it.
      if (!isNote(command.body))
        return refuse(failure('validation_failed', 'a note for the audit is incomplete or too long'));
      return {
        ok: true,
        records: [{ type: 'noted', action: command.body.action }],
        audit: [command.body],
        body: {},
      };
    default:
      return command satisfies never;
  }
}

type Note = (action: string, details: Readonly<Record<string, unknown>>) => AuditNote;

function createUser(
  state: Directory,
  given: NewUser,
  { now, fixed }: Deciding,
  write: (user: StoredUser) => Decided,
): Decided {
  const { id, name, role, session_mode, identities } = given;
  if (fixed.users.has(id)) return readOnly(`The user ${id}`);
  if (isErasing(state, id)) return goes(id);
  if (state.users.has(id)) return conflict(`There is a user ${id} already.`);
  if (state.users.size >= DIRECTORY_MOST.users) return full(DIRECTORY_MOST.users, 'users');
  if (identities.length > DIRECTORY_MOST.identities) return full(DIRECTORY_MOST.identities, 'identities of this user');
  const own = new Set<string>();
  for (const identity of identities) {
    const key = identityKey(identity);
    if (own.has(key)) return conflict(`${identity.platform_id} on ${identity.channel} is given twice.`);
    own.add(key);
    const taken = takenBy(state, fixed, identity);
    if (taken !== undefined) return conflict(belongs(identity, taken));
  }
  return write({ id, name, role, session_mode, identities, created_at: now, updated_at: now });
}

/** What really changes. */
function changeOf(user: StoredUser, { id: _, ...asked }: UserChange): Omit<UserChange, 'id'> {
  const changed = Object.entries(asked).filter(([field, value]) => user[field as keyof typeof asked] !== value);
  return Object.fromEntries(changed) as Omit<UserChange, 'id'>;
}

function createPairing(state: Directory, given: NewPairing, { now, uuid, fixed }: Deciding, note: Note): Decided {
  const { user_id, channel, channel_id, status } = given;
  const other = state.conversations.get(conversationKey(given));
  if (other !== undefined) return conflict(`The conversation ${channel_id} on ${channel} has the pairing ${other}.`);
  if (user_id !== '' && !isKnown(state, fixed, user_id)) return missing('user', user_id);
  if (isErasing(state, user_id)) return goes(user_id);
  if (user_id === '' && status === 'active') return nobodys();
  if (state.pairings.size >= DIRECTORY_MOST.pairings) return full(DIRECTORY_MOST.pairings, 'pairings');
  const pairing = { ...given, id: uuid(), created_at: now };
  const audit = note('pairing.created', { id: pairing.id, user_id, channel, status });
  return { ok: true, records: [{ type: 'pairing_created', pairing }], audit: [audit], body: pairing };
}

function createToken(state: Directory, given: NewToken, { now, fixed }: Deciding, note: Note): Decided {
  const { id, user_id, permissions } = given;
  if (state.tokens.has(id) || fixed.tokens.has(id)) return conflict(`There is a token ${id} already.`);
  if (!isKnown(state, fixed, user_id)) return missing('user', user_id);
  if (isErasing(state, user_id)) return goes(user_id);
  if (state.tokens.size >= DIRECTORY_MOST.tokens) return full(DIRECTORY_MOST.tokens, 'tokens');
  const token: StoredToken = { ...given, created_at: now, last_used_at: null };
  const audit = note('token.created', { id, user_id, permissions });
  return { ok: true, records: [{ type: 'token_created', token }], audit: [audit], body: rowOf(token) };
}

function rowOf({ hash: _, ...row }: StoredToken): Omit<StoredToken, 'hash'> {
  return row;
}

function nobodys(): Decided {
  return refuse(failure('validation_failed', 'A pairing that is active is somebody’s: name the user it is for.'));
}

/** Whether all that is held about somebody is being erased: nothing new may be kept of them meanwhile. */
function isErasing(state: Directory, user_id: string): boolean {
  return state.erasures.get(user_id)?.done_at === null;
}

function namedByToken(user_id: string): string {
  return `${user_id} is named in \`auth.tokens\` of the configuration and would be known as a member without an entry here; remove that token first.`;
}

function goes(user_id: string): Decided {
  return conflict(`Everything about ${user_id} is being erased; wait until that is done.`);
}

function isKnown(state: Directory, fixed: Fixed, user_id: string): boolean {
  return fixed.users.has(user_id) || fixed.known.has(user_id) || state.users.has(user_id);
}

function takenBy(state: Directory, fixed: Fixed, identity: StoredIdentity): string | undefined {
  const key = identityKey(identity);
  return fixed.identities.get(key) ?? state.identities.get(key);
}

function belongs({ channel, platform_id }: StoredIdentity, user_id: string): string {
  return `${platform_id} on ${channel} is the user ${user_id}; unlink it there first.`;
}
