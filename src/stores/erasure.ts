// SPDX-License-Identifier: Apache-2.0
// What is left of a record when what somebody said is erased: the record itself, in its place and under its number, without the words. Pure.

import { restoreChannel, storeChannel } from './channel-records.ts';
import { channelRedaction } from './channel-redaction.ts';
import { identityKey, senderKey } from './directory.ts';
import type { DirectoryRecord } from './directory-records.ts';
import { restoreDirectory, storeDirectory } from './directory-records.ts';
import { type PackedSession, packSession } from './packed-session.ts';
import { restore, type SessionRecord, type StoredRecord, store, type TailRow, type ToolCall } from './records.ts';
import { emptySession } from './session-state.ts';
import { streamKind } from './streams.ts';
import { restoreWorkspace, storeWorkspace, type WorkspaceRecord } from './workspace-records.ts';

/** What stands for a text that was erased: no word, so no search finds it; not empty, so a message stays one. */
export const ERASED = '…';

/**
 * Records that have what lies before them in their own stream redacted. Each is owed in the journal from the transaction it
 * is written in until that is done, so whatever ends the process, the next start goes on with it.
 */
const ERASING: ReadonlySet<string> = new Set([
  ...['session_deleted', 'summary_erased', 'session_forgotten', 'user_erased', 'user_erasing'],
  'replies_erased',
]);

/** Whether a record of this type has those before it redacted. */
export function erases(type: string): boolean {
  return ERASING.has(type);
}

/** What is owed by records that are appended together, as an item of an append says it. */
export function owedErasures(
  records: readonly { readonly type: string }[],
): readonly { readonly record: number; readonly kind: 'erasure' }[] {
  return records.flatMap(({ type }, record) => (erases(type) ? [{ record, kind: 'erasure' as const }] : []));
}

/** A stream's rows are first noticed, all of them, newest first, and then redacted, in any order. */
export interface Redaction {
  notice(row: TailRow): void;
  /** What is kept in a row's place; undefined: it stays as it is. @throws Error for a record of a newer Sigil */
  redact(row: TailRow): StoredRecord | undefined;
}

/**
 * How the rows before an erasing one are redacted. Applied a second time it changes nothing.
 *
 * @throws Error when the row erases nothing, or was written by a newer Sigil
 */
export function redactionBefore(stream: string, erasing: TailRow): Redaction {
  if (stream.startsWith('channel/')) {
    const record = restoreChannel(erasing);
    if (record.type === 'replies_erased') return channelRedaction(record, ERASED, storeChannel);
  }
  const kind = streamKind(stream);
  if (kind === 'session') return erasing.type === 'summary_erased' ? summaryRedaction() : sessionRedaction();
  if (kind === 'workspace') {
    const record = restoreWorkspace(erasing);
    if (record.type === 'user_erased') return workspaceRedaction(record);
    if (record.type === 'session_forgotten') return forgottenRedaction(record.session_id);
  } else if (kind === 'gateway') {
    const record = restoreDirectory(erasing);
    if (record.type === 'user_erasing') return directoryRedaction(record.user_id);
  }
  throw new Error(`${erasing.type} in ${stream} erases nothing`);
}

/** Only what differs is written. */
function differing(row: TailRow, made: StoredRecord): StoredRecord | undefined {
  return made.payload === row.payload && made.type === row.type ? undefined : made;
}

// Sessions: every record stays one of its kind, for what a turn used is still booked when views are made again.

function sessionRedaction(): Redaction {
  return { notice: () => undefined, redact: (row) => differing(row, store(redactedSession(restore(row)))) };
}

/** Only what a session was summed up to: what was said in it is its people's. */
function summaryRedaction(): Redaction {
  const redacted = (record: SessionRecord): SessionRecord => {
    if (record.type === 'compacted') return { ...record, summary: text(record.summary) };
    if (record.type === 'session_changed' && record.details !== undefined)
      return { ...record, details: { ...record.details, summary: text(record.details.summary) } };
    if (record.type !== 'checkpoint') return record;
    const { state, ...rest } = record.state as PackedSession;
    return { ...record, state: { ...rest, state: { ...state, summary: null } } satisfies PackedSession };
  };
  return {
    notice: () => undefined,
    redact: (row) => (SUMMED.has(row.type) ? differing(row, store(redacted(restore(row)))) : undefined),
  };
}

const SUMMED: ReadonlySet<string> = new Set(['compacted', 'session_changed', 'checkpoint']);

const text = (content: string): string => (content === '' ? '' : ERASED);
const calls = (made: readonly ToolCall[]): readonly ToolCall[] => made.map((call) => ({ ...call, arguments: '{}' }));
/** A sender's own key may say something; this one follows from the turn. */
const keyOf = (turn_id: string): string => `erased-${turn_id}`;

/** A record without where on a platform somebody is. */
function without<R extends object, K extends string>(record: R, name: K): Omit<R, K> & R {
  const { [name]: _, ...rest } = record as R & Record<K, unknown>;
  // What is left out may always be absent.
  return rest as unknown as Omit<R, K> & R;
}

function redactedSession(record: SessionRecord): SessionRecord {
  switch (record.type) {
    case 'message_received': {
      const { attachments: _, ...rest } = without(record, 'reply_to');
      return { ...rest, message_id: keyOf(record.turn_id), content: text(record.content), digest: '' };
    }
    case 'message_blocked':
      return { ...record, message_id: text(record.message_id), digest: '' };
    case 'message_collected':
    case 'message_steered':
      return { ...record, message_id: keyOf(record.waited_as) };
    case 'turn_started':
      return { ...record, message_ids: record.message_ids.map(() => keyOf(record.turn_id)) };
    case 'model_replied': {
      const { content, thinking, tool_calls, warning } = record;
      const said = { content: text(content), thinking: text(thinking), tool_calls: calls(tool_calls), deltas: [] };
      return warning === undefined
        ? { ...record, ...said }
        : { ...record, ...said, warning: { ...warning, message: text(warning.message) } };
    }
    case 'model_replaced': {
      const { failed } = record;
      // A vendor's refusal may quote what it was sent.
      return { ...record, failed: { ...failed, message: text(failed.message) }, restarted: false, kept: 0 };
    }
    case 'tool_called':
      return { ...record, calls: calls(record.calls) };
    case 'approval_requested':
      return { ...without(record, 'outbox'), arguments: '{}', reason: text(record.reason) };
    case 'tool_returned':
      return { ...record, content: text(record.content) };
    case 'turn_finished':
      return { ...without(record, 'outbox'), content: text(record.content) };
    case 'turn_failed':
    case 'reply_lost':
      return { ...without(record, 'outbox'), message: text(record.message) };
    case 'session_changed': {
      const { title, details: _, ...rest } = record;
      return title === undefined ? rest : { ...rest, title: text(title) };
    }
    case 'message_added': {
      const { message_id, content, tool_calls } = record;
      const said = { message_id: text(message_id), content: text(content), tool_calls: calls(tool_calls) };
      return { ...record, ...said, attachments: [], metadata: {} };
    }
    case 'compacted':
      return { ...record, summary: text(record.summary) };
    case 'checkpoint':
      return { type: 'checkpoint', state: packSession(emptySession(), []) };
    case 'session_created':
    case 'turn_resumed':
    case 'model_called':
    case 'approval_decided':
    case 'cancel_requested':
    case 'session_deleted':
    case 'reply_handed':
    case 'session_superseded':
    case 'summary_erased':
      return record;
    default:
      return record satisfies never;
  }
}

// Workspaces: what is somebody's is taken out of the records, and a record of it alone becomes one that says nothing.

type UserErased = Extract<WorkspaceRecord, { type: 'user_erased' }>;
const NOTHING: WorkspaceRecord = { type: 'facts_put', facts: [] };

/** Whether something with this owner is erased; in somebody's own workspace what is nobody's is theirs too. */
export function isErased({ user_id, own }: Pick<UserErased, 'user_id' | 'own'>, owner: string): boolean {
  return owner === user_id || (own && owner === '');
}

function workspaceRedaction(erased: UserErased): Redaction {
  const sessions = new Set(erased.session_ids);
  const madeOf = ({ session_id }: { readonly session_id?: string }): boolean =>
    session_id !== undefined && sessions.has(session_id);
  const entities = new Set<string>();
  const redacted = (record: WorkspaceRecord): WorkspaceRecord => {
    switch (record.type) {
      case 'messages_added': {
        const stays = ({ user_id, session_id }: { user_id: string; session_id: string }): boolean =>
          !isErased(erased, user_id) && !sessions.has(session_id);
        return { ...record, messages: record.messages.filter(stays) };
      }
      case 'summary_stored': {
        const { session_id, user_ids = [] } = record.summary;
        return sessions.has(session_id) || user_ids.some((id) => isErased(erased, id)) ? NOTHING : record;
      }
      case 'entity_put':
        return isErased(erased, record.entity.user_id) || madeOf(record) ? NOTHING : record;
      case 'relationship_put': {
        const { from_id, to_id } = record.relationship;
        return entities.has(from_id) || entities.has(to_id) ? NOTHING : record;
      }
      case 'facts_put': {
        const facts = record.facts.filter(
          (fact) => !isErased(erased, fact.user_id) && !entities.has(fact.entity_id) && !madeOf(fact),
        );
        return { ...record, facts };
      }
      case 'checkpoint':
        return withoutSummaries(record, sessions);
      default:
        return withoutReason(record, sessions);
    }
  };
  return {
    notice: (row) => {
      if (row.type !== 'entity_put') return;
      const record = restoreWorkspace(row);
      if (record.type === 'entity_put' && isErased(erased, record.entity.user_id)) entities.add(record.entity.id);
    },
    redact: (row) => differing(row, storeWorkspace(redacted(restoreWorkspace(row)))),
  };
}

/** What compactions made of one session; what people asked to keep stays. */
function forgottenRedaction(session_id: string): Redaction {
  const sessions = new Set([session_id]);
  const redacted = (record: WorkspaceRecord): WorkspaceRecord => {
    switch (record.type) {
      case 'summary_stored':
        return record.summary.session_id === session_id ? NOTHING : record;
      case 'entity_put':
        return record.session_id === session_id ? NOTHING : record;
      case 'facts_put': {
        const facts = record.facts.filter((fact) => fact.session_id !== session_id);
        return facts.length === record.facts.length ? record : { ...record, facts };
      }
      case 'checkpoint':
        return withoutSummaries(record, sessions);
      default:
        return withoutReason(record, sessions);
    }
  };
  return {
    notice: () => undefined,
    redact: (row) => differing(row, storeWorkspace(redacted(restoreWorkspace(row)))),
  };
}

/** A summary that its session had not been told of is folded with its text. */
function withoutSummaries(
  record: WorkspaceRecord & { readonly type: 'checkpoint' },
  sessions: ReadonlySet<string>,
): WorkspaceRecord {
  if (record.state === null) return record;
  const open = record.state.open.map((one) => {
    const { session_id, summary } = one;
    return summary === null || !sessions.has(session_id) ? one : { ...one, summary: { ...summary, content: ERASED } };
  });
  return { type: 'checkpoint', state: { open } };
}

/** A vendor's refusal may quote what it was sent. */
function withoutReason(record: WorkspaceRecord, sessions: ReadonlySet<string>): WorkspaceRecord {
  if (record.type === 'compaction_failed' && sessions.has(record.session_id))
    return { ...record, message: text(record.message) };
  if (record.type === 'compaction_stored' && sessions.has(record.session_id) && record.facts_problem !== null)
    return { ...record, facts_problem: text(record.facts_problem) };
  return record;
}

// The directory: what is about somebody becomes a note that something was done, as if they had never been there.

function directoryRedaction(user_id: string): Redaction {
  /** The pairings seen, by whether they were this user's in the end. */
  const pairings = new Map<string, boolean>();
  const tokens = new Set<string>();
  /** Who they were on platforms. */
  const senders = new Set<string>();
  const about = (record: DirectoryRecord): boolean => {
    switch (record.type) {
      case 'user_created':
        return record.user.id === user_id;
      case 'user_changed':
      case 'user_deleted':
        return record.id === user_id;
      case 'identity_linked':
      case 'identity_unlinked':
        return record.user_id === user_id;
      case 'pairing_created':
        return pairings.get(record.pairing.id) === true;
      case 'pairing_changed':
      case 'pairing_deleted':
        return pairings.get(record.id) === true;
      case 'code_created':
        return record.code.user_id === user_id;
      case 'code_tried':
        return senders.has(record.sender);
      case 'token_created':
        return record.token.user_id === user_id;
      case 'token_revoked':
        return tokens.has(record.id);
      default:
        return false;
    }
  };
  return {
    notice: (row) => {
      if (!/^(?:user|identity|pairing|token)_/.test(row.type)) return;
      const record = restoreDirectory(row);
      // Newest first: the first that says whose it is has the last word.
      if (record.type === 'pairing_created' && !pairings.has(record.pairing.id))
        pairings.set(record.pairing.id, record.pairing.user_id === user_id);
      if (record.type === 'pairing_changed' && record.user_id !== undefined && !pairings.has(record.id))
        pairings.set(record.id, record.user_id === user_id);
      if (record.type === 'pairing_created' && pairings.get(record.pairing.id) === true)
        senders.add(senderKey(record.pairing));
      if (record.type === 'identity_linked' && record.user_id === user_id) senders.add(identityKey(record.identity));
      if (record.type === 'user_created' && record.user.id === user_id)
        for (const identity of record.user.identities) senders.add(identityKey(identity));
      if (record.type === 'token_created' && record.token.user_id === user_id) tokens.add(record.token.id);
    },
    redact: (row) => {
      const record = restoreDirectory(row);
      if (about(record)) return storeDirectory({ type: 'noted', action: record.type });
      if (record.type === 'code_removed' && record.sender !== undefined && senders.has(record.sender))
        return storeDirectory({ type: 'code_removed', id: record.id });
      // That it was paused stays so; by whom and why goes.
      if (record.type === 'agent_paused' && record.by === user_id)
        return storeDirectory({ type: 'agent_paused', by: '', reason: '' });
      if (record.type !== 'checkpoint' || record.state === null) return undefined;
      const { users, pairings: paired, tokens: made, ...rest } = record.state;
      const state = {
        ...rest,
        users: users.filter(({ id }) => id !== user_id),
        pairings: paired.filter(({ id, user_id: whose }) => whose !== user_id && pairings.get(id) !== true),
        tokens: made.filter(({ user_id: whose }) => whose !== user_id),
        ...(rest.paused?.by === user_id ? { paused: { ...rest.paused, by: '', reason: '' } } : {}),
        ...(rest.codes === undefined ? {} : { codes: rest.codes.filter(({ user_id: whose }) => whose !== user_id) }),
        ...(rest.tries === undefined ? {} : { tries: rest.tries.filter(([sender]) => !senders.has(sender)) }),
      };
      return differing(row, storeDirectory({ type: 'checkpoint', state }));
    },
  };
}
