// SPDX-License-Identifier: Apache-2.0
// What a change of the directory comes to: from its state, the records to write and what is noted of them, or why not. Pure.

import { failure } from '../errors.ts';
import { auditNote, isNote } from './audit.ts';
import { type Directory, evolveDirectory, identityKey } from './directory.ts';
import { createCode, redeemCode, removeCode } from './directory-codes.ts';
import type { Actor, DirectoryChanges, DirectoryCommand, NewToken, NewUser, UserChange } from './directory-commands.ts';
import {
  answerPairing,
  changePairing,
  createPairing,
  registerGuest,
  removePairing,
  requestPairing,
} from './directory-pairings.ts';
import type { DirectoryRecord, StoredToken, StoredUser } from './directory-records.ts';
import {
  belongs,
  type Changing,
  conflict,
  type Decided,
  DIRECTORY_MOST,
  full,
  goes,
  isErasing,
  isKnown,
  missing,
  namedByToken,
  readOnly,
  refuse,
  takenBy,
  written,
} from './directory-rules.ts';
import { changeWorkspace, createWorkspace, deleteWorkspace } from './directory-workspaces.ts';

export interface Deciding extends Pick<Changing, 'now' | 'uuid' | 'fixed'> {
  readonly by: Actor;
}

export function decideDirectory(state: Directory, command: DirectoryCommand, deciding: Deciding): Decided {
  const { fixed, by, now } = deciding;
  const note: Changing['note'] = (action, details) =>
    auditNote(action, by.user_id, by.via === '' ? details : { ...details, via: by.via });
  const changing: Changing = { state, note, now, uuid: deciding.uuid, fixed };
  /** One record with its note; the answer is what `of` finds in the state it leads to. */
  const write = (
    record: DirectoryRecord,
    audit: ReturnType<Changing['note']>,
    of: (after: Directory) => unknown,
  ): Decided => {
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
      const pairings = [...state.pairings.values()].filter((one) => one.user_id === user_id).map((one) => one.id);
      const record = { type: 'user_erasing', id, user_id, workspaces, pairings } as const;
      return write(record, note('user.erasing', { user_id, id }), (after) => after.erasures.get(user_id));
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
      if (!state.users.has(command.body.id) && !fixed.users.has(command.body.id) && fixed.known.has(command.body.id))
        return firstIdentity(changing, command.body);
      return userIn(command.body.id, (user) => {
        const { identity } = command.body;
        const taken = takenBy(state, fixed, identity);
        if (taken === user.id) return vouch(user, identity, write, note);
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
    case 'guest.register':
      return registerGuest(changing, command.body);
    case 'pairing.request':
      return requestPairing(changing, command.body);
    case 'pairing.create':
      return createPairing(changing, command.body);
    case 'pairing.change':
      return changePairing(changing, command.body);
    case 'pairing.answer':
      return answerPairing(changing, command.body);
    case 'pairing.delete':
      return removePairing(changing, command.body.id);
    case 'code.create':
      return createCode(changing, command.body);
    case 'code.remove':
      return removeCode(changing, command.body.id);
    case 'code.redeem':
      return redeemCode(changing, command.body);
    case 'workspace.create':
      return createWorkspace(changing, command.body);
    case 'workspace.update':
      return changeWorkspace(changing, command.body);
    case 'workspace.delete':
      return deleteWorkspace(changing, command.body.id);
    case 'token.create':
      return createToken(changing, command.body);
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
    case 'agent.pause': {
      const { reason } = command.body;
      if (state.paused !== null) return { ok: true, records: [], body: { paused: state.paused } };
      const record = { type: 'agent_paused', by: by.user_id, reason } as const;
      return write(record, note('agent.paused', { reason }), ({ paused }) => ({ paused }));
    }
    case 'agent.resume': {
      const { paused } = state;
      if (paused === null) return { ok: true, records: [], body: { paused: null } };
      const audit = note('agent.resumed', { paused_by: paused.by, paused_ms: now - paused.since });
      return write({ type: 'agent_resumed' }, audit, () => ({ paused: null }));
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

/** Of somebody who is known without an entry: the owner, or whom a token of the configuration names. They have one then. */
function firstIdentity(changing: Changing, { id, identity }: DirectoryChanges['user.link']['body']): Decided {
  const { state, fixed, now, note } = changing;
  const taken = takenBy(state, fixed, identity);
  if (taken !== undefined) return conflict(belongs(identity, taken));
  if (isErasing(state, id)) return goes(id);
  if (state.users.size >= DIRECTORY_MOST.users) return full(DIRECTORY_MOST.users, 'users');
  const role = fixed.owners.has(id) ? 'owner' : 'member';
  const user = {
    id,
    name: '',
    role,
    session_mode: null,
    identities: [identity],
    created_at: now,
    updated_at: now,
  } as const;
  const audit = [
    note('user.created', { id, role }),
    note('identity.linked', { user_id: id, channel: identity.channel }),
  ];
  return written(changing, [{ type: 'user_created', user }], audit, (after) => after.users.get(id));
}

/** Somebody says that an identity that came with a pairing is theirs: from here on it holds wherever they write from. */
function vouch(
  user: StoredUser,
  identity: StoredUser['identities'][number],
  write: (record: DirectoryRecord, audit: ReturnType<Changing['note']>, of: (after: Directory) => unknown) => Decided,
  note: Changing['note'],
): Decided {
  const known = user.identities.find((one) => identityKey(one) === identityKey(identity));
  if (known?.by_pairing !== true) return { ok: true, records: [], body: user };
  const audit = note('identity.linked', { user_id: user.id, channel: identity.channel });
  return write({ type: 'identity_linked', user_id: user.id, identity }, audit, (after) => after.users.get(user.id));
}

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

function createToken({ state, now, fixed, note }: Changing, given: NewToken): Decided {
  const { id, user_id, permissions, expires_at = null } = given;
  if (state.tokens.has(id) || fixed.tokens.has(id)) return conflict(`There is a token ${id} already.`);
  if (!isKnown(state, fixed, user_id)) return missing('user', user_id);
  if (isErasing(state, user_id)) return goes(user_id);
  if (state.tokens.size >= DIRECTORY_MOST.tokens) return full(DIRECTORY_MOST.tokens, 'tokens');
  const token: StoredToken = { ...given, created_at: now, last_used_at: null };
  const audit = note('token.created', { id, user_id, permissions, ...(expires_at === null ? {} : { expires_at }) });
  return { ok: true, records: [{ type: 'token_created', token }], audit: [audit], body: rowOf(token) };
}

function rowOf({ hash: _, ...row }: StoredToken): Omit<StoredToken, 'hash'> {
  return row;
}
