// SPDX-License-Identifier: Apache-2.0
// What is done to a session beside its turns: changed, written to for a caller, added to from elsewhere, deleted.

import type { Envelope } from '../../bus/envelope.ts';
import { type Failure, failure } from '../../errors.ts';
import type { DatedRecords } from '../../stores/imported-turn.ts';
import type { SessionRecord } from '../../stores/records.ts';
import type { SessionState, SessionSummary } from '../../stores/session-state.ts';
import { refusedWrite, type SessionWrite } from '../../stores/session-write.ts';
import type { LaneEffects } from './effects.ts';
import { scanImport } from './import-scan.ts';
import type { Deliver, SessionChange, SessionImport } from './protocol.ts';
import { goingSession, unknownSession } from './refused.ts';

/** Whose session it is. */
export interface ChangedSession {
  readonly session_id: string;
  readonly effects: LaneEffects;
  /** With everything handed to the journal. */
  readonly state: SessionState;
  /** The newest durable row's seq. */
  readonly seq: number;
  /** Nothing runs, nothing waits, nothing is on its way to the journal. */
  readonly quiet: boolean;
  readonly stopped: boolean;
  /** Somebody waits who is answered by {@link answer}, or with everyone else when the session is lost. */
  wait(envelope: Envelope): void;
  answer(envelope: Envelope, body: unknown): void;
  /** The same, where nothing comes of it. */
  refuse(envelope: Envelope, error: Failure): void;
  /** It has something to do. */
  stir(): void;
  /** It may have nothing to do any more. */
  written(): void;
  /** Journals records; `then` runs once they are durable, and the chart is told after it. */
  record(records: readonly SessionRecord[], then: () => void, by?: string): void;
  /** Journals records of other times in one piece. */
  recordDated(parts: readonly DatedRecords[], then: () => void): void;
  whenDurable(run: () => void): void;
  /** Has chat channels forget what was said in it; told once that is durable, or why it is not. */
  unsay(told: (error: Failure | null) => void): void;
  /** Stops a running turn, or drops a waiting one. */
  stopTurn(turn_id: string, by: string): void;
  digest(message: Pick<Deliver, 'content' | 'model'>): string;
  /** The session is there, durably. */
  opened(workspace_id: string): void;
  /** The session is gone, durably. */
  deleted(workspace_id: string): void;
}

/** Parts of imports that may wait. */
const IMPORTS_MOST = 64;

export class SessionChanges {
  private readonly owner: ChangedSession;
  /** Parts of an import, the first of which is scanned. */
  private readonly imports: Envelope[] = [];
  /** Those who want the session deleted, from the first on until it is. */
  private deleting: { readonly by: string; readonly asked: Envelope[]; writing: boolean } | null = null;

  constructor(owner: ChangedSession) {
    this.owner = owner;
  }

  /** The session is about to go. */
  get going(): boolean {
    return this.deleting !== null;
  }

  /** Something is on its way into the session that is scanned elsewhere. */
  get busy(): boolean {
    return this.imports.length > 0;
  }

  /** The session is lost, and with it what was to be done. */
  forget(): void {
    this.deleting = null;
    this.imports.length = 0;
  }

  change(envelope: Envelope): void {
    const { owner } = this;
    const { by, ...change } = envelope.body as SessionChange & { by: string };
    if (owner.state.facts === null) return owner.effects.fail(envelope, unknownSession(owner.session_id));
    if (this.going) return owner.effects.fail(envelope, goingSession());
    owner.wait(envelope);
    owner.record([{ type: 'session_changed', ...change }], () => owner.answer(envelope, { seq: owner.seq }), by);
  }

  /** Takes in what its older messages were summed up to; the same again changes nothing. */
  compacted(envelope: Envelope): void {
    const { owner } = this;
    const compacted = envelope.body as SessionSummary;
    const { facts, summary } = owner.state;
    if (facts === null) return owner.effects.fail(envelope, unknownSession(owner.session_id));
    if (this.going) return owner.effects.fail(envelope, goingSession());
    owner.wait(envelope);
    const answer = (): void => owner.answer(envelope, { seq: owner.seq });
    if (summary?.compaction_id === compacted.compaction_id) return owner.whenDurable(answer);
    owner.record([{ type: 'compacted', ...compacted }], answer);
  }

  /** Forgets what it was summed up to; it is told of no summary until there is another. */
  eraseSummary(envelope: Envelope): void {
    const { owner } = this;
    const { user_id } = envelope.body as { user_id: string };
    const { facts, summary } = owner.state;
    if (facts === null) return owner.effects.fail(envelope, unknownSession(owner.session_id));
    if (this.going) return owner.effects.fail(envelope, goingSession());
    owner.wait(envelope);
    const answer = (): void => owner.answer(envelope, { seq: owner.seq });
    if (summary === null) return owner.whenDurable(answer);
    owner.record([{ type: 'summary_erased', user_id }], answer);
  }

  /** Writes what a caller has made of the session, as long as no turn of it is open. */
  writeFor(envelope: Envelope): void {
    const { owner } = this;
    const { session_id } = owner;
    const write = envelope.body as Omit<SessionWrite, 'session_id'>;
    const refused = this.going ? goingSession() : refusedWrite(owner.state, { ...write, session_id });
    if (refused !== null) return owner.effects.fail(envelope, refused);
    owner.wait(envelope);
    owner.record(write.records, () => owner.answer(envelope, { seq: owner.seq }));
  }

  /** Takes in turns that were had elsewhere: nobody listens to them, and nothing of them is left to do. */
  import(envelope: Envelope): void {
    const { owner } = this;
    const refused = this.refusedImport(envelope);
    if (refused !== null) return owner.effects.fail(envelope, refused);
    owner.wait(envelope);
    this.imports.push(envelope);
    if (this.imports.length > 1) return;
    owner.stir();
    this.nextImport();
  }

  private refusedImport({ body }: Envelope): Failure | null {
    const { facts } = this.owner.state;
    const { create } = body as SessionImport;
    if (this.going) return goingSession();
    if (this.imports.length >= IMPORTS_MOST)
      return failure('overloaded', 'Too much is being imported here; try again.');
    if (facts !== null && (facts.user_id !== create.user_id || facts.workspace_id !== create.workspace_id))
      return failure('forbidden', 'The session belongs to somebody else.');
    return null;
  }

  /** One at a time: the same part, sent again, finds what the first has brought. */
  private nextImport(): void {
    const { owner } = this;
    const [envelope] = this.imports;
    if (envelope === undefined) return owner.written();
    const { turns } = envelope.body as SessionImport;
    const fresh = turns.filter(({ message_id }) => !owner.state.keys.has(message_id));
    const parts = fresh.flatMap((turn) => turn.parts);
    scanImport(parts, owner.effects.scan, (scanned) => {
      if (owner.stopped || this.imports[0] !== envelope) return;
      const refused = scanned.ok ? (this.going ? goingSession() : null) : scanned.error;
      if (!scanned.ok || refused !== null) owner.refuse(envelope, refused ?? goingSession());
      else this.imported(envelope, scanned.parts, fresh.length);
      this.imports.shift();
      this.nextImport();
    });
  }

  private imported(envelope: Envelope, scanned: readonly DatedRecords[], turns: number): void {
    const { owner } = this;
    const { create } = envelope.body as SessionImport;
    const { facts } = owner.state;
    const parts = scanned.map((part) => this.fingerprinted(part));
    if (facts === null) {
      const { at, ...place } = create;
      parts.unshift({ at, records: [{ type: 'session_created', session_id: owner.session_id, ...place }] });
    }
    const answer = (): void => owner.answer(envelope, { turns, seq: owner.seq });
    if (parts.length === 0) return owner.whenDurable(answer);
    owner.recordDated(parts, () => {
      if (facts === null) owner.opened(create.workspace_id);
      answer();
    });
  }

  /** As the session would have taken its messages: a repetition of one is known. */
  private fingerprinted({ at, records }: DatedRecords): DatedRecords {
    const known = (record: SessionRecord): SessionRecord => {
      if (record.type !== 'message_received') return record;
      return { ...record, digest: this.owner.digest(record) };
    };
    return { at, records: records.map(known) };
  }

  /** Ends what runs, and with the last of it the session. */
  delete(envelope: Envelope): void {
    const { owner } = this;
    const { by } = envelope.body as { by: string };
    if (owner.state.facts === null) return owner.effects.fail(envelope, unknownSession(owner.session_id));
    owner.wait(envelope);
    if (this.deleting !== null) return void this.deleting.asked.push(envelope);
    this.deleting = { by, asked: [envelope], writing: false };
    const { waiting, turn } = owner.state;
    // The running one last: its end would begin the next.
    for (const turn_id of [...waiting.map((message) => message.turn_id)].concat(turn?.turn_id ?? []))
      owner.stopTurn(turn_id, by);
    this.endDeleted();
  }

  /** Nothing runs any more, so it can go. */
  endDeleted(): void {
    const { owner, deleting } = this;
    const { facts } = owner.state;
    if (deleting === null || deleting.writing || facts === null || !owner.quiet) return;
    deleting.writing = true;
    const gone = (): void => {
      for (const envelope of deleting.asked) owner.answer(envelope, { seq: owner.seq });
      owner.deleted(facts.workspace_id);
    };
    // First what others keep of it: once the session is gone nobody would know that they are still to forget.
    owner.unsay((error) => {
      if (this.deleting !== deleting) return;
      if (error === null)
        return owner.record([{ type: 'session_deleted', session_id: owner.session_id }], gone, deleting.by);
      this.deleting = null;
      for (const envelope of deleting.asked) owner.refuse(envelope, error);
    });
  }
}
