// SPDX-License-Identifier: Apache-2.0
// What a chat channel does with what is no message for a session: commands, guests, requests to be let in, codes, refusals.

import type { Failure } from '../../errors.ts';
import type { ApprovalRow } from '../../stores/approvals.ts';
import { pairingKey } from '../../stores/channel-fold.ts';
import { codeAnswer } from '../../stores/directory-codes.ts';
import type { Actor, DirectoryChange, DirectoryChanges, OwnerPlace } from '../../stores/directory-commands.ts';
import type { Outcome } from '../../stores/stream-owner.ts';
import type { Answered, GivenAnswer, SessionCommand, SessionCommanded } from '../session/protocol.ts';
import type { Admission, Admitted, ChannelDoor, SenderHere } from './admission.ts';
import type { ChatCommand } from './chat-command.ts';
import {
  answerText,
  commandedText,
  forbiddenTo,
  helpText,
  NOTHING_WAITS,
  namedAs,
  REQUEST_SENT,
  requestText,
  whichText,
} from './house-texts.ts';
import { RefusalReplies } from './refusal-replies.ts';
import { nextSession } from './session-of.ts';

/** What came of it: what the person is told, that they are known now and are to be looked at again, or why it failed. */
export type HouseAnswer =
  | {
      readonly ok: true;
      readonly say: string | null;
      /** Who is told, where they are no user yet: see `pairingKey`. */
      readonly user_id?: string;
    }
  | { readonly ok: true; readonly again: true }
  | { readonly ok: false; readonly error: Failure };

/** What of a message is needed for it. */
export interface HouseMessage {
  /** The same whenever the platform sends this message again. */
  readonly dedupeKey: string;
  readonly sender: { readonly platformId: string };
}

/** Whom the house asks. Each is a message on the bus, answered once. */
export interface HousePorts {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** A change of the directory, by the gateway's root; `table` is the version that has it. */
  readonly directory: <T extends DirectoryChange>(
    type: T,
    body: DirectoryChanges[T]['body'],
    by: Actor,
    answered: (outcome: Outcome<{ readonly body: DirectoryChanges[T]['reply']; readonly table: number }>) => void,
  ) => void;
  /** Runs once this thread's table has come so far, or cannot be waited for. */
  readonly known: (table: number, run: () => void) => void;
  readonly session: (
    session_id: string,
    command: SessionCommand,
    answered: (outcome: Outcome<SessionCommanded>) => void,
  ) => void;
  /** Requests for approval that wait: those for one user's messages, or everybody's. */
  readonly approvals: (
    user_id: string | undefined,
    answered: (outcome: Outcome<readonly ApprovalRow[]>) => void,
  ) => void;
  readonly approve: (session_id: string, answer: GivenAnswer, answered: (outcome: Outcome<Answered>) => void) => void;
  /** Tells somebody something in a conversation of any channel; under one key once. Nobody waits for it. */
  readonly notify: (place: OwnerPlace, key: string, text: string) => void;
  /** Somebody who is not known could not be taken on, and is not heard. */
  readonly unheard: (error: Failure) => void;
}

type Answer = (answer: HouseAnswer) => void;

/** What asks for something itself rather than somebody for it. */
const SYSTEM: Actor = { user_id: 'system', via: '' };
/** Requests that owners are told of in an hour by one channel; the others they find in the list. */
const NOTICES_MOST = 20;
const HOUR_MS = 3_600_000;

export class ChatHouse {
  #door: ChannelDoor;
  readonly #ports: HousePorts;
  readonly #replies = new RefusalReplies();
  /** Owners' conversations that were told of once; a channel has few. */
  readonly #learnt = new Set<string>();
  #notices = { since: 0, count: 0 };

  constructor(door: ChannelDoor, ports: HousePorts) {
    this.#door = door;
    this.#ports = ports;
  }

  /** Who is let in is said otherwise from now on; whom it has told what is remembered. */
  configure(door: ChannelDoor): void {
    this.#door = door;
  }

  /** Does what an admission asks for. The same message again does the same once. */
  settle(
    admission: Exclude<Admission, { readonly kind: 'deliver' | 'ignore' }>,
    message: HouseMessage,
    answered: Answer,
  ): void {
    switch (admission.kind) {
      case 'command':
        this.learn(admission.admitted);
        return this.#command(admission.admitted, admission.command, message, answered);
      case 'register_guest':
        return this.#register(admission.guest, answered);
      case 'request_pairing':
        return this.#request(admission.request, answered);
      case 'redeem_code':
        return this.#redeem(admission.sender, admission.hash, answered);
      case 'refuse': {
        const told = admission.say !== null && this.#replies.may(message.sender.platformId, this.#ports.now());
        return answered({ ok: true, say: told ? admission.say : null });
      }
      default:
        return admission satisfies never;
    }
  }

  /** Remembers where an owner writes from. What becomes of it nobody waits for: they write again. */
  learn({ learn, user_id }: Admitted): void {
    if (learn === undefined || this.#learnt.has(learn.platform_id)) return;
    this.#learnt.add(learn.platform_id);
    const again = (): void => void this.#learnt.delete(learn.platform_id);
    this.#ports.directory('pairing.create', { ...learn, user_id, status: 'active' }, SYSTEM, (outcome) => {
      if (!outcome.ok && outcome.error.code !== 'conflict') again();
    });
  }

  #register(guest: SenderHere, answered: Answer): void {
    this.#ports.directory('guest.register', guest, SYSTEM, (outcome) => {
      if (!outcome.ok) return answered(this.#unheard(outcome.error, guest));
      this.#ports.known(outcome.body.table, () => answered({ ok: true, again: true }));
    });
  }

  #request(request: SenderHere, answered: Answer): void {
    this.#ports.directory('pairing.request', request, SYSTEM, (outcome) => {
      if (!outcome.ok) return answered(this.#unheard(outcome.error, request));
      const { pairing, fresh, owners } = outcome.body.body;
      if (!fresh) return answered({ ok: true, say: null });
      if (this.#mayNotify()) {
        const text = requestText(pairing);
        for (const place of owners) this.#ports.notify(place, `${pairingKey(pairing.id)}:asked:${place.user_id}`, text);
      }
      answered({ ok: true, say: REQUEST_SENT, user_id: pairingKey(pairing.id) });
    });
  }

  /**
   * A stranger for whom there is no room. Their message is over with that: were the platform to send it again, those who
   * are known would wait behind it for as long as strangers like.
   */
  #unheard(error: Failure, { platform_id }: SenderHere): HouseAnswer {
    if (error.retryable) return { ok: false, error };
    this.#ports.unheard(error);
    const { denied_reply } = this.#door;
    const told = denied_reply !== '' && this.#replies.may(platform_id, this.#ports.now());
    return { ok: true, say: told ? denied_reply : null };
  }

  #mayNotify(): boolean {
    const now = this.#ports.now();
    if (this.#notices.since + HOUR_MS <= now) this.#notices = { since: now, count: 0 };
    this.#notices.count += 1;
    return this.#notices.count <= NOTICES_MOST;
  }

  #redeem({ workspace_id: _, ...sender }: SenderHere, hash: string, answered: Answer): void {
    this.#ports.directory('code.redeem', { ...sender, hash }, SYSTEM, (outcome) => {
      if (!outcome.ok) return answered(outcome);
      const { body, table } = outcome.body;
      const say = codeAnswer(body, this.#ports.now());
      // Who is kept out after too many tries is told so once, not once a try.
      const quiet = body.outcome === 'locked' || body.outcome === 'refused';
      const told = !quiet || this.#replies.may(sender.platform_id, this.#ports.now());
      this.#ports.known(table, () => answered({ ok: true, say: told ? say : null }));
    });
  }

  #command(admitted: Admitted, command: ChatCommand, { dedupeKey }: HouseMessage, answered: Answer): void {
    const tell = (say: string): void => answered({ ok: true, say });
    const forbidden = forbiddenTo(admitted, command);
    if (forbidden !== null) return tell(forbidden);
    switch (command.name) {
      case 'help':
        return tell(helpText(admitted));
      case 'misused':
        return tell(`Write ${command.usage}.`);
      case 'pair':
        return tell('You are let in already.');
      case 'new':
        return this.#ask(
          admitted,
          { do: 'new', next: nextSession(admitted.session_id, this.#keyOf(dedupeKey)) },
          answered,
        );
      case 'stop':
      case 'status':
        return this.#ask(admitted, { do: command.name }, answered);
      case 'model':
        return this.#ask(admitted, { do: 'model', model: command.model }, answered);
      case 'answer':
        return this.#answer(admitted, command.id, command.decision, answered);
      default:
        return command satisfies never;
    }
  }

  #keyOf(dedupeKey: string): string {
    return `${this.#door.name}:${dedupeKey}`;
  }

  #commandOf({ user_id, role, workspace_id }: Admitted, what: SessionCommand['what']): SessionCommand {
    const place = { workspace_id, user_id, channel: `channel/${this.#door.name}` };
    return { by: user_id, all: rules(role), place, what };
  }

  #ask(admitted: Admitted, what: SessionCommand['what'], answered: Answer): void {
    this.#ports.session(admitted.session_id, this.#commandOf(admitted, what), (outcome) => {
      if (!outcome.ok) return answered(answerable(outcome.error));
      answered({ ok: true, say: commandedText(outcome.body.what, admitted) });
    });
  }

  /** A request of this conversation; else another one of theirs, or of anybody's for whom that may be; else somebody who waits. */
  #answer(admitted: Admitted, part: string, decision: 'approve' | 'deny', answered: Answer): void {
    const command = this.#commandOf(admitted, { do: 'answer', part, decision });
    this.#ports.session(admitted.session_id, command, (outcome) => {
      if (!outcome.ok) return answered(answerable(outcome.error));
      const { what } = outcome.body;
      if (what.did !== 'answer') return answered({ ok: true, say: null });
      if (what.status !== 'none') return answered({ ok: true, say: answerText(what, decision) });
      // Without a name only what waits here is meant, or the only one who waits to be let in.
      if (part === '') return this.#letIn(admitted, part, decision, answered);
      this.#elsewhere(admitted, part, decision, answered);
    });
  }

  #elsewhere(admitted: Admitted, part: string, decision: 'approve' | 'deny', answered: Answer): void {
    const { user_id, role } = admitted;
    this.#ports.approvals(rules(role) ? undefined : user_id, (outcome) => {
      if (!outcome.ok) return answered(answerable(outcome.error));
      const named = outcome.body.filter(({ id }) => id.startsWith(part) || id.endsWith(part));
      const [row, ...others] = named;
      if (row === undefined || part.length < PART_LEAST) return this.#letIn(admitted, part, decision, answered);
      if (others.length > 0) return answered({ ok: true, say: whichText(named.map(({ id }) => id)) });
      this.#ports.approve(row.session_id, { id: row.id, decision, by: user_id }, (given) => {
        if (!given.ok) return answered(answerable(given.error));
        const status = given.body.status === 'taken' ? 'taken' : 'none';
        answered({ ok: true, say: answerText({ status, tool: row.tool, ids: [] }, decision) });
      });
    });
  }

  #letIn(admitted: Admitted, part: string, decision: 'approve' | 'deny', answered: Answer): void {
    const { user_id, role } = admitted;
    if (!rules(role)) return answered({ ok: true, say: NOTHING_WAITS });
    this.#ports.directory('pairing.answer', { part, decision }, { user_id, via: '' }, (outcome) => {
      if (!outcome.ok)
        return answered(
          outcome.error.code === 'not_found' ? { ok: true, say: NOTHING_WAITS } : answerable(outcome.error),
        );
      const who = namedAs(outcome.body.body);
      answered({ ok: true, say: decision === 'approve' ? `${who} is let in.` : `${who} is kept out.` });
    });
  }
}

/** The shortest part of an id that names a request of another conversation. */
const PART_LEAST = 4;
/** Who may do for everybody what others may for themselves. */
function rules(role: Admitted['role']): boolean {
  return role === 'owner' || role === 'admin';
}

/** What can be tried again is the caller's to try; what cannot is said. */
function answerable(error: Failure): HouseAnswer {
  return error.retryable ? { ok: false, error } : { ok: true, say: error.message };
}
