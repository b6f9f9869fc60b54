// SPDX-License-Identifier: Apache-2.0
// What travels: envelopes, the typed protocols they follow, topics, and the face of the bus that every room may know.

import type { Failure } from '../errors.ts';
import type { Address, Kind } from './address.ts';

/** One message. The bus never looks into `body`, which is plain data that can be cloned. */
export interface Envelope {
  /** Unique within the sender's thread over all its lives: life × 2^40 + a counter. */
  readonly id: number;
  readonly to: Address;
  readonly from: Address;
  /** `noun.verb`. */
  readonly type: string;
  readonly body: unknown;
  /** The id of the ask this answers. */
  readonly reply_to?: number;
  /** An answer that is an error; `body` is then null. */
  readonly error?: BusFailure;
  /** Whether the sender waits for an answer, and until when (epoch milliseconds). */
  readonly deadline?: number;
  /** What this message is part of: a request id or a turn id, carried along for the trace. */
  readonly trace?: string;
}

/** A failure of the bus or of the receiver. */
export interface BusFailure extends Failure {
  /** True when the receiver may have acted on the message before its thread ended. */
  readonly in_doubt?: boolean;
}

/** One message type of a protocol: what is sent, and what comes back (`undefined`: nothing, it is only sent). */
export interface MessageType {
  readonly body: unknown;
  readonly reply: unknown;
}

/** All message types of one kind, by `noun.verb`. */
export type Protocol = { readonly [type: string]: MessageType };

/** The protocols of all kinds. The bus is generic in it and knows none. */
export type Protocols = { readonly [K in Kind]: Protocol };

/** The outcome of an ask. */
export type Answer<R> = { readonly ok: true; readonly body: R } | { readonly ok: false; readonly error: BusFailure };

export interface AskOptions {
  /** Who asks: an address of this thread, for the answer comes back to where it lives. */
  readonly from: Address;
  /** How long the answer may take, in milliseconds. */
  readonly within: number;
  readonly trace?: string | undefined;
}

export interface SendOptions {
  readonly from: Address;
  readonly trace?: string | undefined;
}

declare const topicBrand: unique symbol;

/** `address#name`: what an actor publishes under that name. Its home is the address's thread. */
export type Topic<E> = string & { readonly [topicBrand]: E };

export function topic<E>(of: Address, name: string): Topic<E> {
  return `${of}#${name}` as Topic<E>;
}

/** The address a topic belongs to. */
export function topicOwner(of: Topic<unknown>): Address {
  return of.slice(0, of.indexOf('#')) as Address;
}

export interface Subscriber<E> {
  /** Events in order; many at once when they came in one batch. */
  readonly events: (events: readonly E[]) => void;
  /** This many events were dropped here because the link was full (never on a lossless subscription). */
  readonly gap?: (dropped: number) => void;
  /**
   * The publisher's thread ended; events may be missing. The subscription is already renewed with the next life, so
   * what is published from now on arrives: catch up from the record.
   */
  readonly lost?: () => void;
}

export interface SubscribeOptions {
  /** True: nothing is ever dropped between the threads (turn topics). */
  readonly lossless?: boolean;
}

/** The bus as an actor host, the edge or a store carrier sees it. Nothing here returns a promise. */
export interface Bus<P extends Protocols> {
  /** Sends without an answer. False: not accepted (overloaded, or no such thread) and noted as a dead letter. */
  send<K extends Kind & keyof P, T extends keyof P[K] & string>(
    to: Address<K>,
    type: T,
    body: P[K][T]['body'],
    options: SendOptions,
  ): boolean;
  /** Asks; `answered` is called exactly once, never before this call has returned. */
  ask<K extends Kind & keyof P, T extends keyof P[K] & string>(
    to: Address<K>,
    type: T,
    body: P[K][T]['body'],
    options: AskOptions,
    answered: (answer: Answer<P[K][T]['reply']>) => void,
  ): void;
  /** Answers an ask; of no effect for a message that was only sent. A second answer to the same ask is a dead letter. */
  reply(to: Envelope, body: unknown): void;
  /** Answers an ask with an error. */
  fail(to: Envelope, error: Failure): void;
  /**
   * Whether the life of a thread that this was sent from is there still. What lies in a mailbox when that ends is delivered all
   * the same, but the next life knows nothing of it: an answer reaches nobody, and what is kept for the sender is kept for nobody.
   */
  senderLives(sent: Envelope): boolean;
  /** Publishes to whoever listens, on any thread; costs one map look-up when nobody does. */
  publish<E>(topic: Topic<E>, event: E): void;
  /** Whether anybody listens, so that a publisher need not make the event at all. */
  heard(topic: Topic<unknown>): boolean;
  /** Listens to a topic wherever its home is. Returns the way to stop. */
  subscribe<E>(topic: Topic<E>, subscriber: Subscriber<E>, options?: SubscribeOptions): () => void;
  /** Calls `down` once when the actor or its thread ends. Returns the way to stop. */
  watch(of: Address, down: (reason: 'ended' | 'thread_lost') => void): () => void;
}
