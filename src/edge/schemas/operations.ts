// SPDX-License-Identifier: Apache-2.0
// Every route as the OpenAPI document tells it. A test holds this list against the routes themselves.

import type { z } from 'zod';
import type { ErrorCode } from '../../errors.ts';
import type { Method } from '../exchange.ts';
import type { ComponentName } from './components.ts';
import { TRACE_EVENTS, TURN_EVENTS } from './events.ts';
import * as requests from './requests.ts';

export interface Operation {
  readonly method: Method;
  readonly path: string;
  readonly id: string;
  readonly tag: 'chat' | 'turns' | 'sessions' | 'memory' | 'gateway' | 'debug';
  readonly summary: string;
  /** The parameters in the path, and what they are. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: z.ZodObject;
  readonly resumes?: true;
  readonly body?: { readonly schema: ComponentName; readonly required: boolean };
  /** JSON, events, or either as `Accept` says. */
  readonly answer?: ComponentName | 'object';
  readonly events?: Readonly<Record<string, z.ZodType>>;
  readonly empty?: string;
  readonly open?: true;
  /** What it refuses with, besides what every operation may. */
  readonly refuses: readonly ErrorCode[];
}

const BODY: readonly ErrorCode[] = ['validation_failed', 'payload_too_large', 'unsupported_media_type'];
const READ: readonly ErrorCode[] = ['view_behind', 'thread_lost', 'deadline_exceeded'];
const OWNED: readonly ErrorCode[] = ['forbidden', 'not_found', ...READ];
const MESSAGE: readonly ErrorCode[] = [
  ...BODY,
  'input_blocked',
  'forbidden',
  'not_a_member',
  'not_found',
  'conflict',
  'rate_limited',
  'overloaded',
  'draining',
  'thread_lost',
  'view_behind',
  'deadline_exceeded',
  'storage_failed',
];
const TURN_FAILS: readonly ErrorCode[] = [
  'budget_exceeded',
  'provider_unavailable',
  'provider_error',
  'tool_loop_limit',
  'poisoned',
];
const SESSION = { id: "The session's id." };
const TURN = { id: "The turn's id." };
const CHAT_BODY = { schema: 'ChatRequest', required: true } as const;
const MAY_BE_EMPTY = { schema: 'NoBody', required: false } as const;
const NOTHING_LEFT = 'The turn is over and its last event was the one named.';

type Short = Omit<Operation, 'method' | 'path' | 'id' | 'summary' | 'refuses'> & {
  readonly refuses?: readonly ErrorCode[];
};

function operation(
  call: `${Method} /${string}`,
  id: string,
  summary: string,
  { refuses = [], ...rest }: Short,
): Operation {
  const [method, path] = call.split(' ') as [Method, string];
  return { method, path, id, summary, refuses, ...rest };
}

export const OPERATIONS: readonly Operation[] = [
  operation('GET /health', 'health', 'Whether the process serves', { tag: 'gateway', answer: 'Health', open: true }),
  operation('GET /ready', 'ready', 'Whether messages are taken', {
    tag: 'gateway',
    answer: 'Ready',
    open: true,
    refuses: ['overloaded', 'draining'],
  }),
  operation('GET /openapi.json', 'openapi', 'This document', { tag: 'gateway', answer: 'object' }),
  operation('GET /api/v1/status', 'status', 'A snapshot of the gateway', { tag: 'gateway', answer: 'Status' }),
  operation('GET /api/v1/providers', 'listProviders', 'Providers of language models', {
    tag: 'gateway',
    answer: 'Providers',
  }),
  operation('POST /api/v1/chat', 'chat', 'Sends a message and waits for the whole answer', {
    tag: 'chat',
    body: CHAT_BODY,
    answer: 'Chat',
    refuses: [...MESSAGE, ...TURN_FAILS],
  }),
  operation('POST /api/v1/chat/stream', 'chatStream', "Sends a message and streams its turn's events", {
    tag: 'chat',
    body: CHAT_BODY,
    events: TURN_EVENTS,
    refuses: MESSAGE,
  }),
  operation(
    'POST /api/v1/sessions/:id/messages',
    'sendMessage',
    'Sends a message to a session; `Accept: text/event-stream` streams',
    {
      tag: 'chat',
      params: SESSION,
      body: CHAT_BODY,
      answer: 'Chat',
      events: TURN_EVENTS,
      refuses: [...MESSAGE, ...TURN_FAILS],
    },
  ),
  operation('GET /api/v1/sessions/:id/stream', 'streamSession', 'Every turn of a session as it happens', {
    tag: 'sessions',
    params: SESSION,
    query: requests.ResumeQuery,
    resumes: true,
    events: TURN_EVENTS,
    refuses: ['validation_failed', 'rate_limited', ...OWNED],
  }),
  operation('GET /api/v1/turns/:id', 'getTurn', "A turn's record", {
    tag: 'turns',
    params: TURN,
    answer: 'Turn',
    refuses: OWNED,
  }),
  operation('GET /api/v1/turns/:id/stream', 'streamTurn', "A turn's events again", {
    tag: 'turns',
    params: TURN,
    query: requests.ResumeQuery,
    resumes: true,
    events: TURN_EVENTS,
    empty: NOTHING_LEFT,
    refuses: ['validation_failed', 'rate_limited', ...OWNED],
  }),
  operation('POST /api/v1/turns/:id/cancel', 'cancelTurn', 'Stops a turn, or takes a waiting one back', {
    tag: 'turns',
    params: TURN,
    body: MAY_BE_EMPTY,
    answer: 'Cancelled',
    refuses: [...BODY, ...OWNED],
  }),
  operation('GET /api/v1/workspaces', 'listWorkspaces', 'Workspaces the caller may enter', {
    tag: 'sessions',
    query: requests.PageQuery,
    answer: 'Workspaces',
    refuses: ['validation_failed', ...READ],
  }),
  operation('GET /api/v1/workspaces/:id/sessions', 'listSessions', 'Sessions of a workspace, newest activity first', {
    tag: 'sessions',
    params: { id: "The workspace's id." },
    query: requests.PageQuery,
    answer: 'Sessions',
    refuses: ['validation_failed', 'not_a_member', ...OWNED],
  }),
  operation('GET /api/v1/sessions/:id', 'getSession', 'A session', {
    tag: 'sessions',
    params: SESSION,
    answer: 'Session',
    refuses: OWNED,
  }),
  operation('GET /api/v1/sessions/:id/messages', 'listMessages', 'Messages of a session, oldest first', {
    tag: 'sessions',
    params: SESSION,
    query: requests.PageQuery,
    answer: 'Messages',
    refuses: ['validation_failed', ...OWNED],
  }),
  operation('POST /api/v1/sessions/:id/archive', 'archiveSession', 'Puts a session away; it takes no more messages', {
    tag: 'sessions',
    params: SESSION,
    body: MAY_BE_EMPTY,
    answer: 'Session',
    refuses: [...BODY, ...OWNED],
  }),
  operation('GET /api/v1/memory/search', 'searchMemory', "Searches a workspace's messages by their words, best first", {
    tag: 'memory',
    query: requests.MemorySearchQuery,
    answer: 'FoundMessages',
    refuses: ['validation_failed', 'not_a_member', ...OWNED],
  }),
  operation('GET /api/v1/memory/recall', 'recall', 'What a text brings to mind: messages and summaries', {
    tag: 'memory',
    query: requests.MemoryRecallQuery,
    answer: 'Recalled',
    refuses: ['validation_failed', 'not_a_member', ...OWNED],
  }),
  operation('GET /debug/actors', 'listActors', 'Actors in the order of their addresses', {
    tag: 'debug',
    query: requests.ActorsQuery,
    answer: 'Actors',
    refuses: ['validation_failed', 'forbidden'],
  }),
  operation(
    'GET /debug/actors/stream',
    'streamTransitions',
    "Actors' transitions as they happen, at most 1,000 a second",
    {
      tag: 'debug',
      query: requests.TraceQuery,
      events: TRACE_EVENTS,
      refuses: ['validation_failed', 'forbidden'],
    },
  ),
  operation('GET /debug/actors/:kind/:id', 'getActor', 'One actor', {
    tag: 'debug',
    params: { kind: "The actor's kind.", id: 'Its id.' },
    query: requests.ActorQuery,
    answer: 'ActorDetailed',
    refuses: ['validation_failed', ...OWNED],
  }),
  operation('GET /debug/actors/:address', 'getActorByAddress', 'One actor, its address with the slash escaped', {
    tag: 'debug',
    params: { address: '`kind/id`.' },
    query: requests.ActorQuery,
    answer: 'ActorDetailed',
    refuses: ['validation_failed', ...OWNED],
  }),
  operation('GET /debug/threads', 'listThreads', 'Threads with their figures', {
    tag: 'debug',
    answer: 'Threads',
    refuses: ['forbidden'],
  }),
  operation('GET /debug/bus', 'busFigures', 'What travelled between actors', {
    tag: 'debug',
    answer: 'BusFigures',
    refuses: ['forbidden'],
  }),
  operation('GET /debug/turns/:id', 'debugTurn', "A turn's journal, step by step", {
    tag: 'debug',
    params: TURN,
    answer: 'TurnSteps',
    refuses: OWNED,
  }),
];
