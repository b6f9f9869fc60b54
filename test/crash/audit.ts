// SPDX-License-Identifier: Apache-2.0
// What must hold in a journal after any number of kills, read from its file: nothing lost, nothing twice, nothing out of order.

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type AuditHead, type AuditRow, checkChain, checkEnd, NO_AUDIT } from '../../src/stores/audit.ts';
import { sha256 } from '../../src/stores/sqlite/audit-table.ts';

interface Row {
  readonly seq: number;
  readonly prev: number;
  readonly stream: string;
  readonly n: number;
  readonly type: string;
  readonly turn_id: string | null;
  readonly payload: string;
}

/** A tool call that was journaled, and what became of it. */
export interface CallKept {
  readonly name: string;
  /** How often its turn was resumed between the call and its result. */
  readonly resumed: number;
  readonly result: 'done' | 'failed' | 'outcome_unknown' | 'cancelled' | 'none';
}

export interface JournalAudit {
  readonly rows: number;
  readonly turns: number;
  /** Turns that were taken up again after a kill. */
  readonly resumed: number;
  /** The turn of each message, by session and the sender's key. */
  readonly received: ReadonlyMap<string, string>;
  /** The senders' keys of each session, in order. */
  readonly order: ReadonlyMap<string, readonly string[]>;
  /** By turn and call id. */
  readonly calls: ReadonlyMap<string, CallKept>;
  /** By their ids. */
  readonly approvals: ReadonlyMap<string, ApprovalKept>;
  readonly problems: readonly string[];
}

/** A request for approval: the call it is about, and what became of it. */
export interface ApprovalKept {
  readonly call: string;
  readonly decision: string | null;
}

/** What a model is told of a call that a crash interrupted, see `decide.ts`. */
const UNKNOWN = 'whether it took effect is unknown';
const CANCELLED = 'was cancelled';

function resultOf({ content, is_error }: { content: string; is_error: boolean }): CallKept['result'] {
  if (!is_error) return 'done';
  if (content.includes(UNKNOWN)) return 'outcome_unknown';
  return content.includes(CANCELLED) ? 'cancelled' : 'failed';
}

/** Reads the whole journal of a gateway that does not run. */
export function auditJournal(dataDir: string): JournalAudit {
  const db = new Database(join(dataDir, 'journal.db'), { readonly: true });
  try {
    return read(db);
  } finally {
    db.close();
  }
}

function read(db: Database.Database): JournalAudit {
  const problems: string[] = [];
  const heads = new Map<string, { seq: number; n: number }>();
  const received = new Map<string, string>();
  const order = new Map<string, string[]>();
  const open = new Set<string>();
  const started = new Set<string>();
  const ended = new Set<string>();
  const running = new Map<string, string>();
  const resumptions = new Map<string, number>();
  const calls = new Map<string, CallKept>();
  const approvals = new Map<string, ApprovalKept>();
  let rows = 0;
  let resumed = 0;
  const all = db.prepare<[], Row>('SELECT seq, prev, stream, n, type, turn_id, payload FROM records ORDER BY seq');
  for (const row of all.iterate()) {
    rows += 1;
    const head = heads.get(row.stream) ?? { seq: 0, n: 0 };
    if (row.n !== head.n + 1 || row.prev !== head.seq)
      problems.push(`${row.stream}: row ${row.seq} is number ${row.n} after ${head.n}`);
    heads.set(row.stream, { seq: row.seq, n: row.n });
    const turn = row.turn_id ?? '';
    if (turn !== '' && row.type !== 'message_received' && ended.has(turn))
      problems.push(`turn ${turn} has a ${row.type} behind its end`);
    switch (row.type) {
      case 'message_received': {
        const { message_id } = JSON.parse(row.payload) as { message_id: string };
        const key = `${row.stream} ${message_id}`;
        if (received.has(key)) problems.push(`${key} was received twice`);
        received.set(key, turn);
        order.set(row.stream, [...(order.get(row.stream) ?? []), message_id]);
        open.add(turn);
        break;
      }
      case 'message_collected':
      case 'message_steered': {
        const { message_id, waited_as } = JSON.parse(row.payload) as { message_id: string; waited_as: string };
        const key = `${row.stream} ${message_id}`;
        if (received.get(key) !== waited_as) problems.push(`${key} did not wait as ${waited_as}`);
        if (started.has(waited_as)) problems.push(`turn ${waited_as} was started, and its message handed to ${turn}`);
        received.set(key, turn);
        open.delete(waited_as);
        break;
      }
      case 'approval_requested': {
        const { id, call_id } = JSON.parse(row.payload) as { id: string; call_id: string };
        if (approvals.has(id)) problems.push(`approval ${id} was requested twice`);
        approvals.set(id, { call: `${turn} ${call_id}`, decision: null });
        break;
      }
      case 'approval_decided': {
        const { id, decision } = JSON.parse(row.payload) as { id: string; decision: string };
        const approval = approvals.get(id);
        if (approval === undefined || approval.decision !== null) problems.push(`approval ${id} did not wait`);
        approvals.set(id, { call: approval?.call ?? '', decision });
        break;
      }
      case 'turn_started':
        if (started.has(turn)) problems.push(`turn ${turn} was started twice`);
        started.add(turn);
        // A queued turn that is cancelled begins and ends in one breath beside the one that runs.
        if (!running.has(row.stream)) running.set(row.stream, turn);
        break;
      case 'turn_resumed':
        resumed += 1;
        resumptions.set(turn, (resumptions.get(turn) ?? 0) + 1);
        if (running.get(row.stream) !== turn) problems.push(`turn ${turn} was resumed and does not run`);
        break;
      case 'model_called':
        if (running.get(row.stream) !== turn)
          problems.push(`turn ${turn} called a model while ${running.get(row.stream)} ran`);
        break;
      case 'tool_called':
        for (const call of (JSON.parse(row.payload) as { calls: { id: string; name: string }[] }).calls)
          calls.set(`${turn} ${call.id}`, { name: call.name, resumed: resumptions.get(turn) ?? 0, result: 'none' });
        break;
      case 'tool_returned': {
        const result = JSON.parse(row.payload) as { call_id: string; content: string; is_error: boolean };
        const key = `${turn} ${result.call_id}`;
        const call = calls.get(key);
        if (call === undefined) problems.push(`tool call ${key} returned and was never made`);
        else if (call.result !== 'none') problems.push(`tool call ${key} returned twice`);
        else
          calls.set(key, {
            name: call.name,
            resumed: (resumptions.get(turn) ?? 0) - call.resumed,
            result: resultOf(result),
          });
        break;
      }
      case 'turn_finished':
      case 'turn_failed':
        if (ended.has(turn)) problems.push(`turn ${turn} ended twice`);
        if (!started.has(turn)) problems.push(`turn ${turn} ended and never began`);
        ended.add(turn);
        open.delete(turn);
        if (running.get(row.stream) === turn) running.delete(row.stream);
        break;
      default:
        break;
    }
  }
  for (const [key, call] of calls)
    if (call.result === 'none')
      calls.set(key, { ...call, resumed: (resumptions.get(key.slice(0, key.indexOf(' '))) ?? 0) - call.resumed });
  for (const [id, { decision }] of approvals) if (decision === null) problems.push(`approval ${id} still waits`);
  for (const turn of open) problems.push(`turn ${turn} was received and never ended`);
  const owed = db.prepare<[], { count: number }>('SELECT count(*) AS count FROM owed').get()?.count ?? 0;
  if (owed > 0) problems.push(`${owed} rows are still owed`);
  problems.push(...chainProblems(db));
  return { rows, turns: ended.size, resumed, received, order, calls, approvals, problems };
}

/** The audit is one chain to its end, and none of its entries is there without the row it committed with. */
function chainProblems(db: Database.Database): readonly string[] {
  const rows = db.prepare<[], AuditRow>('SELECT * FROM audit ORDER BY n').all();
  const newest = db.prepare<[], AuditHead>('SELECT n, hash FROM audit_head').get() ?? NO_AUDIT;
  const { head, broken } = checkChain(NO_AUDIT, rows, sha256);
  const problem = broken ?? checkEnd(head, newest);
  // A row may have been trimmed since; none can be still to come.
  const early = db.prepare<[], number>('SELECT n FROM audit WHERE seq > (SELECT max(seq) FROM records)').pluck().all();
  return [
    ...(problem === null ? [] : [`the audit is broken: ${problem.message}`]),
    ...early.map((n) => `entry ${n} of the audit is of a row that was never written`),
  ];
}
