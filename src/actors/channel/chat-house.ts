// SPDX-License-Identifier: Apache-2.0
// What a chat channel does with what is no message for a session: commands, guests, requests to be let in, codes, refusals.

import type { Failure } from '../../errors.ts';
import type { ApprovalRow } from '../../stores/approvals.ts';
import { pairingKey } from '../../stores/channel-fold.ts';
import { codeAnswer } from '../../stores/directory-codes.ts';
import type { Actor, DirectoryChange, DirectoryChanges, OwnerPlace } from '../../stores/directory-commands.ts';
import { shortId } from '../../stores/directory-pairings.ts';
import type { StoredPairing } from '../../stores/directory-records.ts';
import type { Outcome } from '../../stores/stream-owner.ts';
import type { Answered, GivenAnswer, SessionCommand, SessionCommanded } from '../session/protocol.ts';
import type { Admission, Admitted, ChannelDoor, SenderHere } from './admission.ts';
import { CHAT_COMMANDS, type ChatCommand } from './chat-command.ts';
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
/** What is told of a name somebody gave themselves, in UTF-16 units. */
const SHOWN_NAME = 60;
/** What is shown of an id, in UTF-16 units. */
const SHOWN_ID = 120;
/** Requests that owners are told of in an hour by one channel; the others they find in the list. */
const NOTICES_MOST = 20;
const HOUR_MS = 3_600_000;

export class ChatHouse {
  readonly #door: ChannelDoor;
  readonly #ports: HousePorts;
  readonly #replies = new RefusalReplies();
  /** Owners' conversations that were told of once; a channel has few. */
  readonly #learnt = new Set<string>();
  #notices = { since: 0, count: 0 };

  constructor(door: ChannelDoor, ports: HousePorts) {
    this.#door = door;
    this.#ports = ports;
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
/** What somebody who asks to be let in is told. */
export const REQUEST_SENT = 'Your request was sent. You hear from me when you are let in.';
/** What they are told then, whoever lets them in and from where. */
export const LET_IN = 'You are let in. Write what you want to know, or /help.';
const NOTHING_WAITS = 'Nothing waits for your answer under that name.';

/** Who may do for everybody what others may for themselves. */
function rules(role: Admitted['role']): boolean {
  return role === 'owner' || role === 'admin';
}

/** Why somebody may not use a command, or null. */
function forbiddenTo({ role, direct }: Admitted, { name }: ChatCommand): string | null {
  if (role !== 'guest') return null;
  if (name === 'answer') return 'A guest approves nothing; an owner or admin does.';
  if (name === 'model') return 'A guest cannot choose the model.';
  if (name === 'new' && !direct) return 'A guest cannot begin this conversation anew for everybody.';
  return null;
}

function helpText(admitted: Admitted): string {
  const may = CHAT_COMMANDS.filter(({ word }) => {
    const name = word === 'approve' || word === 'deny' ? 'answer' : word;
    return word !== 'pair' && forbiddenTo(admitted, { name } as ChatCommand) === null;
  });
  return [
    'Write to me, or:',
    ...may.map(({ word, takes, does }) => `/${word}${takes === '' ? '' : ` ${takes}`}: ${does}`),
  ].join('\n');
}

function commandedText(what: SessionCommanded['what'], admitted: Admitted): string {
  switch (what.did) {
    case 'new':
      return 'A new conversation. What was said before is kept.';
    case 'stop':
      if (what.status === 'not_yours') return 'That answers somebody else; they or an admin can stop it.';
      return what.status === 'idle' ? 'Nothing runs.' : 'Stopping.';
    case 'status': {
      const { model, running, waiting, asked } = what;
      const work = running
        ? asked > 0
          ? `${asked} calls wait for an answer`
          : 'a reply is being made'
        : 'nothing runs';
      const more = waiting === 0 ? '' : `, ${waiting} messages wait`;
      return [
        `You are ${admitted.user_id} (${admitted.role}) in workspace ${admitted.workspace_id}.`,
        `Model: ${model === '' ? 'none can be asked' : model}. Now ${work}${more}.`,
      ].join('\n');
    }
    case 'model':
      if (what.chosen) return `Model: ${what.model}, chosen for this conversation.`;
      return what.model === '' ? 'Model: as configured.' : `Model: ${what.model}, as configured.`;
    case 'answer':
      return answerText(what, 'approve');
    default:
      return what satisfies never;
  }
}

type Given = Pick<Extract<SessionCommanded['what'], { did: 'answer' }>, 'status' | 'tool' | 'ids'>;

function answerText({ status, tool, ids }: Given, decision: 'approve' | 'deny'): string {
  switch (status) {
    case 'taken':
      return decision === 'approve' ? `${tool} is allowed.` : `${tool} is not allowed.`;
    case 'none':
      return NOTHING_WAITS;
    case 'which':
      return whichText(ids);
    case 'not_yours':
      return 'That is for whoever asked, or an admin, to decide.';
    default:
      return status satisfies never;
  }
}

function whichText(ids: readonly string[]): string {
  return `${ids.length} requests wait; say which: ${ids.slice(0, 5).map(shortId).join(', ')}.`;
}

function requestText(pairing: StoredPairing): string {
  const id = shortId(pairing.id);
  const where = pairing.workspace_id === '' ? '' : ` to the workspace ${pairing.workspace_id}`;
  return `${namedAs(pairing)} asks on ${pairing.channel} to be let in${where}. /approve ${id} or /deny ${id}`;
}

/** Who a pairing is about, as people are shown them. The name is theirs to choose. */
function namedAs({ display_name, platform_id, channel_type }: StoredPairing): string {
  // What a name could mean as Markdown is taken out of it.
  const name = display_name
    .replace(/[^\p{L}\p{M}\p{N} .'-]/gu, '')
    .slice(0, SHOWN_NAME)
    .trim();
  // There are platforms where a part of the id is theirs to choose as well: it is shown as code, where nothing is a mark.
  const id = platform_id.replace(/[\p{C}\p{Z}`]+/gu, ' ').slice(0, SHOWN_ID);
  return `${name === '' ? 'Somebody' : `“${name}”`} (${channel_type} \`${id}\`)`;
}

/** What can be tried again is the caller's to try; what cannot is said. */
function answerable(error: Failure): HouseAnswer {
  return error.retryable ? { ok: false, error } : { ok: true, say: error.message };
}
