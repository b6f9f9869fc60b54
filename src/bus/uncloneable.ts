// SPDX-License-Identifier: Apache-2.0
// What goes in the place of a message that could not be cloned, so that the others arrive and nobody waits in vain.

import { type Failure, failure } from '../errors.ts';
import { type Envelope, type Topic, topicOwner } from './envelope.ts';
import { EVENTS, type EventsBody } from './wire.ts';

export interface Uncloneable {
  /** Sent instead, in the same place. */
  readonly instead: readonly Envelope[];
  /** The dead letter, when something is lost. */
  readonly dead?: Pick<Envelope, 'to' | 'from' | 'type'>;
  /** How its ask fails, when it is one. */
  readonly failed?: Failure;
}

export function replaceUncloneable(envelope: Envelope, error: unknown, nextId: () => number): Uncloneable {
  if (envelope.type === EVENTS) return separate(envelope, nextId);
  const { id, to, from, type, reply_to, deadline } = envelope;
  const why = error instanceof Error ? error.message : String(error);
  const failed = failure('internal', `The body of ${type} from ${from} could not be cloned: ${why}`);
  if (reply_to !== undefined) {
    return { instead: [{ id, to, from, type, body: null, reply_to, error: failed }], dead: envelope };
  }
  return deadline === undefined ? { instead: [], dead: envelope } : { instead: [], dead: envelope, failed };
}

/** Every event of an envelope on its own; an event that is alone already becomes one the subscriber knows it has missed. */
function separate(envelope: Envelope, nextId: () => number): Uncloneable {
  const body = envelope.body as EventsBody;
  const alone: Envelope[] = [];
  for (let at = 0; at < body.length; at += 3) {
    const [topic, dropped, events] = body.slice(at, at + 3) as [Topic<unknown>, number, readonly unknown[]];
    const add = (more: number, only: readonly unknown[]) =>
      alone.push({ ...envelope, id: nextId(), body: [topic, more, only] });
    if (events.length === 0) add(dropped, []);
    events.forEach((event, nth) => {
      add(nth === 0 ? dropped : 0, [event]);
    });
  }
  if (alone.length > 1) return { instead: alone };
  const [topic, dropped] = body as [Topic<unknown>, number];
  const gap: Envelope = { ...envelope, body: [topic, dropped + 1, []] };
  return { instead: [gap], dead: { to: envelope.to, from: topicOwner(topic), type: envelope.type } };
}
