// SPDX-License-Identifier: Apache-2.0
// The people as a channel meets them: the real directory over a journal in memory, the table a thread holds of it, and a clock.

import type { Admission } from '../../../src/actors/channel/admission.ts';
import { admit } from '../../../src/actors/channel/admit.ts';
import { ChatHouse, type HouseAnswer, type HousePorts } from '../../../src/actors/channel/chat-house.ts';
import { channelDoor, type DoorSettings } from '../../../src/actors/channel/door.ts';
import type { RoutingTable } from '../../../src/actors/channel/place.ts';
import type { SessionCommand, SessionCommanded } from '../../../src/actors/session/protocol.ts';
import type { ChannelInbound } from '../../../src/channels/adapter.ts';
import { DirectoryFeed } from '../../../src/composition/directory-feed.ts';
import { HeldDirectory } from '../../../src/composition/held-directory.ts';
import { type Config, ConfigSchema } from '../../../src/config/schema.ts';
import { configuredDirectory } from '../../../src/stores/configured-directory.ts';
import { codeHash } from '../../../src/stores/directory-codes.ts';
import type { Actor, DirectoryChange, DirectoryChanges } from '../../../src/stores/directory-commands.ts';
import { DirectoryOwner } from '../../../src/stores/directory-owner.ts';
import { JournalWriter } from '../../../src/stores/journal-writer.ts';
import { emptyMemoryJournal, MemoryJournalDisk, type MemoryJournalState } from '../../../src/stores/memory-journal.ts';
import { packAppendOf, unpackAppend } from '../../../src/stores/remote/append-wire.ts';
import type { Outcome } from '../../../src/stores/stream-owner.ts';
import { ManualClock } from '../../stores/manual-clock.ts';

const BEGAN = 1_700_000_000_000;
const BY: Actor = { user_id: 'owner', via: '' };

/** A message as a platform brings it. */
export function inbound(content: string, more: Partial<ChannelInbound> = {}, from = 'u1'): ChannelInbound {
  return {
    ...{ messageId: '1', dedupeKey: `${from}:${content}`, channelId: from, direct: true },
    ...{ sender: { platformId: from, displayName: from }, content, attachments: [], mentionsAgent: false },
    ...{ at: 0, metadata: {}, ...more },
  };
}

/** A channel with defaults of the configuration. */
export function door(name: string, settings: Partial<DoorSettings> = {}) {
  const rest = { pairing: 'pair_on_request' as const, respond: 'mention' as const, denied_reply: '', allowlist: [] };
  return channelDoor(name, { type: 'telegram', ...rest, ...settings });
}

export class PeopleStand {
  readonly clock = new ManualClock();
  readonly rows: MemoryJournalState;
  readonly owner: DirectoryOwner;
  readonly feed: DirectoryFeed;
  readonly held: HeldDirectory;
  /** What was said on channels, and what sessions were asked. */
  readonly notices: (readonly [place: Parameters<HousePorts['notify']>[0], text: string])[] = [];
  readonly commands: (readonly [string, SessionCommand])[] = [];
  /** Why strangers were not taken on. */
  readonly unheard: string[] = [];
  /** What sessions answer. */
  commanded: (asked: SessionCommand) => SessionCommanded['what'] = () => ({ did: 'stop', status: 'idle' });
  private readonly config: Config;
  private ids = 0;

  constructor(settings: Readonly<Record<string, unknown>> = {}, rows = emptyMemoryJournal()) {
    this.rows = rows;
    this.config = ConfigSchema.parse(settings) as Config;
    const { clock } = this;
    const journal = new JournalWriter({ disk: new MemoryJournalDisk('people', rows), soon: (run) => clock.soon(run) });
    this.feed = new DirectoryFeed(this.config);
    this.held = new HeldDirectory(this.feed.packed(), (thrown) => {
      throw thrown;
    });
    // As it is posted.
    this.feed.onChange((change) => this.held.apply(structuredClone(change)));
    const answers = <T>(answered: (outcome: Outcome<T>) => void) => ({
      reply: (body: T) => answered({ ok: true, body }),
      fail: (error: Extract<Outcome<T>, { ok: false }>['error']) => answered({ ok: false, error }),
    });
    this.owner = new DirectoryOwner({
      append: (append, answered) =>
        journal.append({ body: unpackAppend(packAppendOf(append, (record) => record)), ...answers(answered) }),
      tail: (stream, answered) => journal.tail({ body: { stream }, ...answers(answered) }),
      now: () => this.now(),
      after: (ms, run) => clock.after(ms, run),
      uuid: () => this.uuid(),
      fixed: () => configuredDirectory(this.config).fixed,
      moved: (state) => this.feed.stored(state),
    });
    this.owner.load(() => this.feed.stored(this.owner.state));
    clock.settle();
  }

  now(): number {
    return BEGAN + this.clock.monotonic();
  }

  private uuid(): string {
    this.ids += 1;
    return `0190a000-0000-7000-8000-${String(this.ids).padStart(12, '0')}`;
  }

  get routing(): RoutingTable {
    return {
      people: this.held.table,
      queue: 'followup',
      session_mode: this.config.sessions.mode,
      content_most: 10_000,
    };
  }

  /** A change that is durable when this returns. @throws Error with its code */
  change<T extends DirectoryChange>(type: T, body: DirectoryChanges[T]['body'], by = BY): DirectoryChanges[T]['reply'] {
    let came: Outcome<{ readonly body: DirectoryChanges[T]['reply'] }> | undefined;
    this.owner.change(type, body, by, (outcome) => {
      came = outcome;
    });
    this.clock.settle();
    if (came === undefined) throw new Error(`${type} was not answered`);
    if (!came.ok) throw new Error(`${came.error.code}: ${came.error.message}`);
    return came.body.body;
  }

  /** A new code, as it is told. */
  code(channel: string, more: Partial<DirectoryChanges['code.create']['body']> = {}): string {
    const secret = `CODE-${String(this.uuid().slice(-4))}-${channel.toUpperCase().slice(0, 4)}`;
    const times = { expires_at: this.now() + 600_000, role: 'member' as const };
    const hash = codeHash(channel, secret);
    this.change('code.create', { id: this.uuid(), hash, channel, workspace_id: '', user_id: '', ...times, ...more });
    return secret;
  }

  admit(message: ChannelInbound, of: ReturnType<typeof door>): Admission {
    return admit(message, of, this.routing);
  }

  house(of: ReturnType<typeof door>): ChatHouse {
    return new ChatHouse(of, {
      now: () => this.now(),
      directory: (type, body, by, answered) =>
        this.owner.change(type, body, by, (outcome) =>
          answered(
            outcome.ok ? { ok: true, body: { body: outcome.body.body, table: this.feed.table.version } } : outcome,
          ),
        ),
      known: (table, run) => this.held.at(table, run, run),
      session: (session_id, command, answered) => {
        this.commands.push([session_id, command]);
        answered({ ok: true, body: { session_id, what: this.commanded(command), seq: 1 } });
      },
      approvals: (_, answered) => answered({ ok: true, body: [] }),
      approve: (_, answer, answered) =>
        answered({ ok: true, body: { status: 'over', by: answer.by, decision: null, seq: 1 } }),
      notify: (place, _, text) => void this.notices.push([place, text]),
      unheard: (error) => void this.unheard.push(error.code),
    });
  }

  /** A message, with everything done that it asks for: what its sender is told, or where it went. */
  send(message: ChannelInbound, of: ReturnType<typeof door>, house = this.house(of)): string | null | Admission {
    for (let looks = 0; looks < 3; looks += 1) {
      const admission = this.admit(message, of);
      if (admission.kind === 'deliver' || admission.kind === 'ignore') return admission;
      let came: HouseAnswer | undefined;
      house.settle(admission, message, (answer) => {
        came = answer;
      });
      this.clock.settle();
      if (came === undefined) throw new Error('nobody answered');
      if (!came.ok) throw new Error(`${came.error.code}: ${came.error.message}`);
      if ('say' in came) return came.say;
    }
    throw new Error('they are never known');
  }

  /** Where a message goes, as `user in workspace`, or why not. */
  where(message: ChannelInbound, of: ReturnType<typeof door>): string {
    const admission = this.admit(message, of);
    if (admission.kind === 'deliver') return `${admission.admitted.user_id} in ${admission.admitted.workspace_id}`;
    if (admission.kind === 'refuse') return admission.failure.code;
    return admission.kind;
  }

  /** Every byte of the journal. */
  written(): string {
    return JSON.stringify([...this.rows.rows.values()]);
  }
}
