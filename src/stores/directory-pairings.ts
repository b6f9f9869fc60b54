// SPDX-License-Identifier: Apache-2.0
// Who is let in by a channel: guests made on the fly, requests, what an owner says to them, and who somebody is then. Pure.

import { failure } from '../errors.ts';
import { type Directory, pairingOf, senderKey } from './directory.ts';
import type { DirectoryChanges, NewPairing, OwnerPlace, SenderThere } from './directory-commands.ts';
import type { DirectoryRecord, PairingOrigin, PairingStatus, Role, StoredPairing } from './directory-records.ts';
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
  refuse,
  takenBy,
  written,
} from './directory-rules.ts';

/** What somebody new is whom a person let in by name; whom nobody looked at is a guest. */
export const LET_IN_AS: Role = 'member';

/** The most a name somebody calls themselves may have that is kept. */
const NAME_MOST = 200;
/** The most a type of channel gives to the id of a user. */
const SLUG_MOST = 20;

type Sender = Pick<StoredPairing, 'channel_type' | 'platform_id' | 'display_name'>;

/** Who a sender is from here on, and what makes them that. */
export type Person =
  | { readonly ok: true; readonly user_id: string; readonly records: readonly DirectoryRecord[] }
  | { readonly ok: false; readonly refused: Decided };

/**
 * Who a sender is: as they are known, or the user asked for, or somebody new.
 *
 * @param asked empty: whoever they are
 */
export function personOf(changing: Changing, sender: Sender, asked: string, role: Role): Person {
  const { state, fixed, now } = changing;
  const identity = { channel: sender.channel_type, platform_id: sender.platform_id };
  const known = takenBy(state, fixed, identity) ?? pairedAs(state, sender);
  if (known !== undefined && asked !== '' && asked !== known)
    return { ok: false, refused: conflict(belongs(identity, known)) };
  const user_id = known ?? asked;
  if (user_id !== '' && !isKnown(state, fixed, user_id)) return { ok: false, refused: missing('user', user_id) };
  if (isErasing(state, user_id)) return { ok: false, refused: goes(user_id) };
  if (known !== undefined) return { ok: true, user_id: known, records: [] };
  const linked = { ...identity, display_name: sender.display_name.slice(0, NAME_MOST), by_pairing: true } as const;
  if (asked === '') {
    if (state.users.size >= DIRECTORY_MOST.users) return { ok: false, refused: full(DIRECTORY_MOST.users, 'users') };
    const id = newUserId(changing, sender.channel_type);
    const user = { id, name: linked.display_name, role, session_mode: null, identities: [linked] };
    return {
      ok: true,
      user_id: id,
      records: [{ type: 'user_created', user: { ...user, created_at: now, updated_at: now } }],
    };
  }
  // A user of the configuration is not written to: the pairing alone says who they are.
  const own = state.users.get(asked);
  const room = own !== undefined && own.identities.length < DIRECTORY_MOST.identities;
  return {
    ok: true,
    user_id: asked,
    records: room ? [{ type: 'identity_linked', user_id: asked, identity: linked }] : [],
  };
}

/** The user whom another pairing of theirs on this platform is about. */
function pairedAs(state: Directory, sender: Sender): string | undefined {
  const user_id = state.senders.get(senderKey(sender))?.find((pairing) => pairing.user_id !== '')?.user_id;
  return user_id;
}

/** As long as no id is ever given twice, one that is made must not be guessed from who it is for. */
function newUserId({ uuid }: Changing, channel_type: string): string {
  const slug = channel_type
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '')
    .slice(0, SLUG_MOST);
  return `${slug === '' ? 'guest' : slug}-${uuid().replaceAll('-', '').slice(-12)}`;
}

/** On a channel that takes anybody. */
export function registerGuest(changing: Changing, sender: SenderThere): Decided {
  const { state } = changing;
  const before = pairingOf(state, sender);
  const person = personOf(changing, sender, before?.user_id ?? '', 'guest');
  if (!person.ok) return person.refused;
  const { user_id } = person;
  // Denied, or let in already: nothing here changes that.
  if (before !== undefined && before.status !== 'pending') return { ok: true, records: [], body: { user_id } };
  if (before === undefined && state.guests >= DIRECTORY_MOST.guests) return full(DIRECTORY_MOST.guests, 'guests');
  return paired(changing, sender, before, person, 'open', () => ({ user_id }));
}

export function requestPairing(changing: Changing, sender: SenderThere): Decided {
  const { state, fixed, note } = changing;
  const before = pairingOf(state, sender);
  if (before !== undefined && (before.origin !== 'open' || before.status !== 'active'))
    return { ok: true, records: [], body: { pairing: before, fresh: false, owners: [] } };
  if (state.pending >= DIRECTORY_MOST.pending) return full(DIRECTORY_MOST.pending, 'people who wait to be let in');
  if (before !== undefined) {
    // The channel took anybody then, and does not any more.
    const { id, channel } = before;
    const record = { type: 'pairing_changed', id, status: 'pending', origin: 'request' } as const;
    return written(changing, [record], [note('pairing.requested', { id, channel })], (after) => {
      return { pairing: after.pairings.get(id), fresh: true, owners: ownersOf(changing) };
    });
  }
  const identity = { channel: sender.channel_type, platform_id: sender.platform_id };
  const user_id = takenBy(state, fixed, identity) ?? pairedAs(state, sender) ?? '';
  const made = newPairing(changing, { ...sender, user_id, status: 'pending' }, 'request');
  if (!made.ok) return made.refused;
  const { pairing } = made;
  const audit = note('pairing.requested', { id: pairing.id, channel: pairing.channel });
  const body = { pairing, fresh: true, owners: ownersOf(changing) };
  return { ok: true, records: [{ type: 'pairing_created', pairing }], audit: [audit], body };
}

/** Owners who are told of one request, at most. */
const OWNERS_MOST = 10;

/** Where the owners are known to write from. */
function ownersOf({ state, fixed }: Changing): readonly OwnerPlace[] {
  const places: OwnerPlace[] = [];
  for (const { status, user_id, workspace_id, channel, channel_id } of state.pairings.values()) {
    if (status !== 'active' || workspace_id !== '') continue;
    const written = fixed.users.has(user_id) || fixed.owners.has(user_id);
    if (written ? fixed.owners.has(user_id) : state.users.get(user_id)?.role === 'owner')
      places.push({ user_id, channel, channel_id });
    if (places.length >= OWNERS_MOST) break;
  }
  return places;
}

export function createPairing(changing: Changing, given: NewPairing): Decided {
  const { state, fixed, note } = changing;
  const { user_id, channel, platform_id, status } = given;
  const other = pairingOf(state, given);
  if (other !== undefined) return conflict(`${platform_id} on ${channel} has the pairing ${other.id} there.`);
  if (user_id !== '' && !isKnown(state, fixed, user_id)) return missing('user', user_id);
  if (isErasing(state, user_id)) return goes(user_id);
  const person = status === 'active' ? personOf(changing, given, user_id, LET_IN_AS) : null;
  if (person?.ok === false) return person.refused;
  const made = newPairing(changing, { ...given, user_id: person?.user_id ?? user_id }, 'made');
  if (!made.ok) return made.refused;
  const { pairing } = made;
  const { id } = pairing;
  const audit = note('pairing.created', { id, user_id: pairing.user_id, channel, status });
  const records = [...(person?.records ?? []), { type: 'pairing_created', pairing } as const];
  return written(changing, records, [audit], (after) => after.pairings.get(id));
}

export function changePairing(changing: Changing, asked: DirectoryChanges['pairing.change']['body']): Decided {
  const { state, fixed, note } = changing;
  const { id, status, user_id } = asked;
  const pairing = state.pairings.get(id);
  if (pairing === undefined) return missing('pairing', id);
  const wanted = user_id ?? pairing.user_id;
  if (wanted !== '' && !isKnown(state, fixed, wanted)) return missing('user', wanted);
  if (isErasing(state, wanted)) return goes(wanted);
  const { channel } = pairing;
  // A pairing that is its sender's only one may become another's; who they are everywhere else is not changed by it.
  const moves = wanted !== pairing.user_id && pairing.user_id !== '';
  const person = status !== 'active' || moves ? null : personOf(changing, pairing, wanted, asked.role ?? LET_IN_AS);
  if (person?.ok === false) return person.refused;
  const whose = person?.user_id ?? wanted;
  // An owner who approves what an open channel let in has looked at it.
  const origin = pairing.origin === 'open' && status === 'active' ? 'made' : pairing.origin;
  if (status === pairing.status && whose === pairing.user_id && origin === pairing.origin)
    return { ok: true, records: [], body: pairing };
  const change: DirectoryRecord = {
    ...{ type: 'pairing_changed', id, status },
    ...(whose === pairing.user_id ? {} : { user_id: whose }),
    ...(origin === pairing.origin ? {} : { origin }),
  };
  const audit = note('pairing.changed', { id, status, user_id: whose, channel });
  return written(changing, [...(person?.records ?? []), change], [audit], (after) => after.pairings.get(id));
}

/** The shortest part of an id that is looked for: what is shown to people is as long. */
const PART_LEAST = 4;

export function answerPairing(
  changing: Changing,
  { part, decision }: DirectoryChanges['pairing.answer']['body'],
): Decided {
  const { state } = changing;
  if (part !== '' && part.length < PART_LEAST)
    return refuse(failure('validation_failed', `Name at least ${PART_LEAST} characters of the request.`));
  const waiting: StoredPairing[] = [];
  if (state.pending > 0)
    for (const pairing of state.pairings.values())
      if (pairing.status === 'pending' && (pairing.id.startsWith(part) || pairing.id.endsWith(part)))
        waiting.push(pairing);
  const [first, ...others] = waiting;
  if (first === undefined)
    return refuse(
      failure('not_found', part === '' ? 'Nobody waits to be let in.' : `Nobody waits to be let in under ${part}.`),
    );
  if (others.length > 0) {
    const ids = waiting.slice(0, 5).map(({ id }) => shortId(id));
    return conflict(`${waiting.length} people wait to be let in; say which: ${ids.join(', ')}.`);
  }
  const status: PairingStatus = decision === 'approve' ? 'active' : 'denied';
  return changePairing(changing, { id: first.id, status });
}

/** What of a pairing's id people are shown: the end of a UUIDv7 tells apart what was made in one minute, its beginning does not. */
export function shortId(id: string): string {
  return id.slice(-8);
}

export function removePairing({ state, note }: Changing, id: string): Decided {
  const pairing = state.pairings.get(id);
  if (pairing === undefined) return missing('pairing', id);
  const { user_id, channel } = pairing;
  const audit = [note('pairing.deleted', { id, user_id, channel })];
  return { ok: true, records: [{ type: 'pairing_deleted', id }], audit, body: pairing };
}

/** Lets a sender in: a pairing that waits becomes active, or there is a new one. */
export function paired(
  changing: Changing,
  sender: SenderThere,
  before: StoredPairing | undefined,
  person: Extract<Person, { readonly ok: true }>,
  origin: PairingOrigin,
  of: (pairing: StoredPairing | undefined) => unknown,
  more: readonly DirectoryRecord[] = [],
): Decided {
  const { note } = changing;
  const { user_id, records } = person;
  const { channel } = sender;
  if (before !== undefined) {
    const { id } = before;
    const audit = note('pairing.changed', { id, status: 'active', user_id, channel });
    const change = { type: 'pairing_changed', id, status: 'active', user_id, origin } as const;
    return written(changing, [...records, change, ...more], [audit], (after) => of(after.pairings.get(id)));
  }
  const made = newPairing(changing, { ...sender, user_id, status: 'active' }, origin);
  if (!made.ok) return made.refused;
  const { pairing } = made;
  const { id } = pairing;
  const audit = note('pairing.created', { id, user_id, channel, status: 'active' });
  const all = [...records, { type: 'pairing_created', pairing } as const, ...more];
  return written(changing, all, [audit], (after) => of(after.pairings.get(id)));
}

function newPairing(
  { state, now, uuid }: Changing,
  given: NewPairing,
  origin: PairingOrigin,
): { readonly ok: true; readonly pairing: StoredPairing } | { readonly ok: false; readonly refused: Decided } {
  if (state.pairings.size >= DIRECTORY_MOST.pairings)
    return { ok: false, refused: full(DIRECTORY_MOST.pairings, 'pairings') };
  const { user_id, channel, channel_type, channel_id, platform_id, workspace_id, status } = given;
  const display_name = given.display_name.slice(0, NAME_MOST);
  const where = { channel, channel_type, channel_id, platform_id, display_name, workspace_id };
  return { ok: true, pairing: { id: uuid(), user_id, ...where, status, origin, created_at: now } };
}
