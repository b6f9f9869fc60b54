// SPDX-License-Identifier: Apache-2.0
// One request on its way through the edge, and what a route may answer.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Failure } from '../errors.ts';
import type { Actor } from '../stores/directory-commands.ts';
import type { HeldBytes } from './limits.ts';

/** Who calls, as the guard found out. */
export interface Caller {
  /** The id its token is listed under; empty where there is none. */
  readonly token_id: string;
  readonly user_id: string;
  /** The token's name, for the log. */
  readonly name: string;
  readonly permissions: readonly string[];
  /** Has `admin:*`: may see and do everything. */
  readonly admin: boolean;
  /** When the token stops being one, epoch milliseconds; not given: when it is revoked. */
  readonly expires_at?: number;
  /** The browser's session it came in by, under an id that is no secret; not given for a token. */
  readonly web?: string;
}

/** A request that has passed the guard. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** Where it comes from, as limits count it. */
  readonly clientAddress: string;
  readonly caller: Caller;
  /** The decoded parts of the path a route names with `:name`. */
  readonly params: Readonly<Record<string, string>>;
  /** What follows the `?`. */
  readonly query: URLSearchParams;
  /** What all bodies together may hold that are not read to their end yet. */
  readonly bodies: HeldBytes;
}

/** The route has written, or goes on writing, to the raw response by itself. */
export const STREAMED = Symbol('streamed');

/** An answer in JSON. */
export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Refused before anything of it was read: no error is thrown for that, since under a flood it is most of what is done. */
export interface RefusedAnswer {
  readonly refused: Failure;
}

export type Answer = JsonAnswer | RefusedAnswer | typeof STREAMED;

export function json(body: unknown): JsonAnswer {
  return { status: 200, body };
}

export type Handler = (exchange: Exchange) => Answer | Promise<Answer>;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A route as data. Its description for OpenAPI stands in `schemas/operations.ts`, under the same method and path. */
export interface Route {
  readonly method: Method;
  /** Segments with `:` in front match anything. */
  readonly path: string;
  /** A permission besides being known. */
  readonly needs?: string;
  /** Asks for no token. What follows the first `:` of its path is open too. */
  readonly open?: true;
  /** Answers with events, or in words of its own: then HEAD makes no sense. */
  readonly stream?: true;
  readonly handle: Handler;
}

/** Who asks, as the audit names them: ids, for an entry is never erased. */
export function actorOf({ caller }: Exchange): Actor {
  return { user_id: caller.user_id, via: caller.token_id };
}

/** The one parameter of a path that its route names. */
export function param(exchange: Exchange, name: string): string {
  return exchange.params[name] ?? '';
}
