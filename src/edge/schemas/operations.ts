// SPDX-License-Identifier: Apache-2.0
// Every route as the OpenAPI document tells it. A test holds this list against the routes themselves.

import type { z } from 'zod';
import type { ErrorCode } from '../../errors.ts';
import type { Method } from '../exchange.ts';
import { ExplainQuery } from './capabilities.ts';
import type { ComponentName } from './components.ts';
import * as directory from './directory.ts';
import { STATUS_EVENTS, TRACE_EVENTS, TURN_EVENTS } from './events.ts';
import { LOG_EVENTS, LogStreamQuery, LogsQuery } from './logs.ts';
import { CHUNK_EVENTS } from './openai.ts';
import { WIRE_EVENTS } from './providers.ts';
import * as requests from './requests.ts';
import * as skills from './skills.ts';

export interface Operation {
  readonly method: Method;
  readonly path: string;
  readonly id: string;
  readonly tag:
    | 'chat'
    | 'turns'
    | 'sessions'
    | 'memory'
    | 'skills'
    | 'users'
    | 'audit'
    | 'channels'
    | 'gateway'
    | 'openai'
    | 'debug';
  readonly summary: string;
  /** The parameters in the path, and what they are. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: z.ZodObject;
  readonly resumes?: true;
  /** A body of lines of JSON, worked on as it comes. */
  readonly lines?: true;
  /** A body of multipart/form-data with one file in the field `file`. */
  readonly form?: true;
  /** Or a body of one of these types, taken as it comes. */
  readonly uploads?: readonly string[];
  readonly body?: { readonly schema: ComponentName; readonly required: boolean };
  /** JSON, events, or either as `Accept` says. */
  readonly answer?: ComponentName | 'object';
  readonly events?: Readonly<Record<string, z.ZodType>>;
  /** What is asked and answered is a platform's: any query and body, and any status that its channel gives. */
  readonly foreign?: true;
  /** A file of one of these types instead. */
  readonly files?: readonly string[];
  readonly empty?: string;
  /** What it answers with where that is not 200; 204 has no body. */
  readonly status?: 201 | 204;
  readonly open?: true;
  /** The permission without which it is refused, whatever is asked; a test holds it against the route's. */
  readonly needs?: string;
  /** Its errors are told in the words of OpenAI's clients. */
  readonly openai?: true;
  /** What it refuses with, besides what every operation may. */
  readonly refuses: readonly ErrorCode[];
}

const BODY: readonly ErrorCode[] = ['validation_failed', 'payload_too_large', 'unsupported_media_type'];
const READ: readonly ErrorCode[] = ['view_behind', 'thread_lost', 'deadline_exceeded'];
const OWNED: readonly ErrorCode[] = ['forbidden', 'not_found', ...READ];
/** A change of the directory. */
const CHANGE: readonly ErrorCode[] = ['conflict', 'overloaded', 'draining', 'thread_lost', 'storage_failed'];
/** Files are read by a pool that may have too much to do. */
const SKILLS_READ: readonly ErrorCode[] = ['not_found', 'overloaded', 'deadline_exceeded', 'thread_lost'];
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
  'provider_auth',
  'provider_quota',
  'provider_rate_limited',
  'provider_overloaded',
  'provider_model_unknown',
  'provider_too_large',
  'provider_bad_request',
  'provider_network',
  'provider_timeout',
  'provider_ended_early',
  'tool_loop_limit',
  'poisoned',
];
const CHANNEL = { channel: 'Name of the channel in the configuration.' };
const WEBHOOK = {
  open: true,
  foreign: true,
  files: ['text/plain', 'application/json'],
  refuses: [
    ...(['not_found', 'payload_too_large', 'rate_limited', 'overloaded', 'draining'] as const),
    ...(['deadline_exceeded', 'internal'] as const),
  ],
} as const;
const SESSION = { id: "The session's id." };
const WORKSPACE = { id: "The workspace's id." };
const USER = { id: "The user's id." };
const PROVIDER = { name: "The provider's name." };
const SKILL = { name: "The skill's name." };
const CHANNEL_NAME = { name: "The channel's name." };
const MCP = { name: "The server's name." };
const SECRET = { service: 'What it is for.', account: 'Which of them.' };
const PAIRING = { id: "The pairing's id." };
const TURN = { id: "The turn's id." };
const APPROVAL = { id: 'The id of the request.' };
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
  operation('GET /health', 'health', 'Whether the process serves', {
    ...{ tag: 'gateway', answer: 'Health', open: true, refuses: ['misdirected_request'] },
  }),
  operation('GET /ready', 'ready', 'Whether messages are taken', {
    tag: 'gateway',
    answer: 'Ready',
    open: true,
    refuses: ['misdirected_request', 'overloaded', 'draining'],
  }),
  operation('GET /openapi.json', 'openapi', 'This document', { tag: 'gateway', answer: 'object' }),
  operation(
    'POST /api/v1/auth/links',
    'createSignInLink',
    'Makes a one-time link that signs a browser in as the caller',
    {
      ...{ tag: 'users', body: MAY_BE_EMPTY, answer: 'SignInLink', status: 201, refuses: [...BODY, 'conflict'] },
    },
  ),
  operation('POST /auth/session', 'signIn', 'Signs a browser in: a cookie for a code of a link, or for a token', {
    ...{ tag: 'users', body: { schema: 'SignInRequest', required: true }, status: 204, open: true },
    refuses: [...BODY, 'unauthenticated', 'forbidden', 'misdirected_request', 'rate_limited', 'overloaded'],
  }),
  operation('GET /auth/session', 'getSignedIn', 'Who the caller is here, by cookie or token', {
    ...{ tag: 'users', answer: 'SignedIn' },
  }),
  operation('DELETE /auth/session', 'signOut', 'Ends the session of the cookie; a token is left as it is', {
    ...{ tag: 'users', status: 204 },
  }),
  operation('GET /api/v1/status', 'status', 'A snapshot of the gateway', { tag: 'gateway', answer: 'Status' }),
  operation('GET /metrics', 'metrics', 'Metrics for Prometheus; needs `admin:debug` or `metrics:read`', {
    tag: 'gateway',
    files: ['text/plain'],
    refuses: ['forbidden', 'not_found'],
  }),
  operation('GET /api/v1/events', 'streamStatus', 'Changes of the status as they happen', {
    tag: 'gateway',
    resumes: true,
    events: STATUS_EVENTS,
    refuses: ['rate_limited'],
  }),
  operation('GET /api/v1/logs', 'listLogLines', 'The newest lines of the log; needs `admin:logs`', {
    needs: 'admin:logs',
    ...{ tag: 'gateway', query: LogsQuery, answer: 'LogLines' },
    refuses: ['validation_failed', 'forbidden'],
  }),
  operation('GET /api/v1/logs/stream', 'streamLogLines', 'Lines of the log as they are written; needs `admin:logs`', {
    needs: 'admin:logs',
    ...{ tag: 'gateway', query: LogStreamQuery, resumes: true, events: LOG_EVENTS },
    refuses: ['validation_failed', 'forbidden', 'rate_limited'],
  }),
  operation('GET /api/v1/config', 'getConfig', 'The configuration in force, secrets hidden; needs `admin:config`', {
    needs: 'admin:config',
    tag: 'gateway',
    answer: 'ConfigInForce',
    refuses: ['forbidden', 'not_found'],
  }),
  operation(
    'POST /api/v1/config/reload',
    'reloadConfig',
    'Reads the configuration again and applies what can be; needs `admin:config`',
    {
      needs: 'admin:config',
      tag: 'gateway',
      body: MAY_BE_EMPTY,
      answer: 'ConfigReloaded',
      refuses: [...BODY, 'forbidden', 'not_found', 'conflict', 'overloaded', 'draining', 'deadline_exceeded'],
    },
  ),
  operation('GET /api/v1/providers', 'listProviders', 'Providers of language models', {
    tag: 'gateway',
    query: requests.PageQuery,
    answer: 'Providers',
    refuses: ['validation_failed'],
  }),
  operation('GET /api/v1/providers/:name', 'getProvider', 'How a provider is', {
    tag: 'gateway',
    params: PROVIDER,
    answer: 'Provider',
    refuses: ['not_found'],
  }),
  operation(
    'GET /api/v1/providers/:name/health',
    'getProviderHealth',
    'Whether a provider can be asked, and if not why',
    {
      tag: 'gateway',
      params: PROVIDER,
      answer: 'ProviderHealth',
      refuses: ['not_found'],
    },
  ),
  operation('GET /api/v1/providers/:name/models', 'listModels', 'Models of a provider, its vendor asked for them', {
    tag: 'gateway',
    params: PROVIDER,
    query: requests.PageQuery,
    answer: 'Models',
    refuses: ['validation_failed', 'not_found', 'provider_unavailable'],
  }),
  operation('GET /api/v1/mcp', 'listMcpServers', 'MCP servers', {
    ...{ tag: 'gateway', query: requests.PageQuery, answer: 'McpServers', refuses: ['validation_failed'] },
  }),
  operation('GET /api/v1/mcp/:name', 'getMcpServer', 'How an MCP server is', {
    tag: 'gateway',
    params: MCP,
    answer: 'McpServer',
    refuses: ['not_found'],
  }),
  operation('GET /api/v1/mcp/:name/tools', 'listMcpTools', 'The tools an MCP server offers now', {
    tag: 'gateway',
    params: MCP,
    query: requests.PageQuery,
    answer: 'McpTools',
    refuses: ['validation_failed', 'not_found', 'thread_lost', 'overloaded', 'deadline_exceeded'],
  }),
  operation('POST /api/v1/mcp/:name/reconnect', 'reconnectMcpServer', 'Connects to an MCP server anew, at once', {
    needs: 'admin:mcp',
    tag: 'gateway',
    params: MCP,
    body: MAY_BE_EMPTY,
    answer: 'McpReconnected',
    refuses: ['forbidden', 'not_found', 'thread_lost', 'overloaded', 'deadline_exceeded', ...BODY],
  }),
  operation('POST /api/v1/attachments', 'upload', 'Uploads a file for a message', {
    tag: 'chat',
    form: true,
    answer: 'Upload',
    refuses: [...BODY, 'conflict', 'overloaded', 'storage_failed'],
  }),
  operation('GET /api/v1/channels', 'listChannels', 'Channels', {
    ...{ tag: 'gateway', query: requests.PageQuery, answer: 'Channels', refuses: ['validation_failed'] },
  }),
  operation('GET /api/v1/channels/:name', 'getChannel', 'How a channel is', {
    tag: 'gateway',
    params: CHANNEL_NAME,
    answer: 'ChannelDetails',
    refuses: ['not_found'],
  }),
  operation('GET /api/v1/channels/:name/dead-letters', 'listDeadLetters', 'The newest of what a channel did not say', {
    needs: 'admin:channels',
    tag: 'gateway',
    params: CHANNEL_NAME,
    query: requests.PageQuery,
    answer: 'DeadLetters',
    refuses: [
      'validation_failed',
      'forbidden',
      'not_found',
      'conflict',
      'thread_lost',
      'overloaded',
      'deadline_exceeded',
    ],
  }),
  operation('POST /api/v1/channels/:name/start', 'startChannel', 'Connects a channel, at once whatever it waits for', {
    needs: 'admin:channels',
    tag: 'gateway',
    params: CHANNEL_NAME,
    body: MAY_BE_EMPTY,
    answer: 'ChannelState',
    refuses: ['forbidden', 'not_found', 'conflict', 'thread_lost', 'overloaded', 'deadline_exceeded', ...BODY],
  }),
  operation(
    'POST /api/v1/channels/:name/stop',
    'stopChannel',
    'Lets go of a channel until it or the gateway is started',
    {
      needs: 'admin:channels',
      tag: 'gateway',
      params: CHANNEL_NAME,
      body: MAY_BE_EMPTY,
      answer: 'ChannelState',
      refuses: ['forbidden', 'not_found', 'conflict', 'thread_lost', 'overloaded', 'deadline_exceeded', ...BODY],
    },
  ),
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
  operation('GET /api/v1/approvals', 'listApprovals', 'Tool calls that wait for a person, oldest first', {
    tag: 'turns',
    query: requests.PageQuery,
    answer: 'Approvals',
    refuses: ['validation_failed', ...READ],
  }),
  operation('GET /api/v1/approvals/:id', 'getApproval', 'A tool call that waits for a person, or did', {
    tag: 'turns',
    params: APPROVAL,
    answer: 'Approval',
    refuses: OWNED,
  }),
  operation('POST /api/v1/approvals/:id', 'decideApproval', 'Allows a tool call, or refuses it', {
    tag: 'turns',
    params: APPROVAL,
    body: { schema: 'ApprovalRequest', required: true },
    answer: 'Approval',
    refuses: [...BODY, ...OWNED, 'conflict', 'overloaded', 'storage_failed'],
  }),
  operation('GET /api/v1/workspaces', 'listWorkspaces', 'Workspaces the caller may enter', {
    tag: 'sessions',
    query: requests.PageQuery,
    answer: 'Workspaces',
    refuses: ['validation_failed', ...READ],
  }),
  operation('POST /api/v1/workspaces', 'createWorkspace', 'Makes a workspace; needs `admin:workspaces`', {
    needs: 'admin:workspaces',
    ...{ tag: 'sessions', body: { schema: 'WorkspaceRequest', required: true }, answer: 'WorkspaceDetail' },
    refuses: [...BODY, ...OWNED, ...CHANGE],
  }),
  operation('GET /api/v1/workspaces/:id', 'getWorkspace', 'A workspace, who is in it, and its conversations', {
    ...{ tag: 'sessions', params: WORKSPACE, answer: 'WorkspaceDetail', refuses: ['not_a_member', ...OWNED] },
  }),
  operation('PATCH /api/v1/workspaces/:id', 'updateWorkspace', 'Changes a workspace; needs `admin:workspaces`', {
    needs: 'admin:workspaces',
    ...{ tag: 'sessions', params: WORKSPACE, answer: 'WorkspaceDetail' },
    body: { schema: 'WorkspaceChangeRequest', required: true },
    refuses: [...BODY, ...OWNED, ...CHANGE],
  }),
  operation('DELETE /api/v1/workspaces/:id', 'deleteWorkspace', 'Closes a workspace; needs `admin:workspaces`', {
    needs: 'admin:workspaces',
    ...{ tag: 'sessions', params: WORKSPACE, answer: 'Removed', refuses: [...OWNED, ...CHANGE] },
  }),
  operation('GET /api/v1/workspaces/:id/sessions', 'listSessions', 'Sessions of a workspace, newest activity first', {
    tag: 'sessions',
    params: WORKSPACE,
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
  operation('GET /api/v1/sessions/:id/export', 'exportSession', 'A session as a file', {
    tag: 'sessions',
    params: SESSION,
    query: requests.ExportQuery,
    files: ['application/jsonl', 'text/markdown'],
    refuses: ['validation_failed', ...OWNED],
  }),
  operation('POST /api/v1/sessions/import', 'importSession', 'Takes in an exported session; repeating it is safe', {
    tag: 'sessions',
    query: requests.ImportQuery,
    lines: true,
    answer: 'Imported',
    refuses: [...BODY, 'not_a_member', 'conflict', 'overloaded', 'draining', 'storage_failed', ...OWNED],
  }),
  operation('POST /api/v1/sessions/:id/archive', 'archiveSession', 'Puts a session away; it takes no more messages', {
    tag: 'sessions',
    params: SESSION,
    body: MAY_BE_EMPTY,
    answer: 'Session',
    refuses: [...BODY, ...OWNED],
  }),
  operation('DELETE /api/v1/sessions/:id', 'deleteSession', 'Deletes a session with all that was said in it', {
    tag: 'sessions',
    params: SESSION,
    answer: 'Removed',
    refuses: [...OWNED, ...CHANGE],
  }),
  operation('GET /api/v1/memory/search', 'searchMemory', "Searches a workspace's messages by their words, best first", {
    tag: 'memory',
    query: requests.MemorySearchQuery,
    answer: 'FoundMessages',
    refuses: ['validation_failed', 'not_a_member', ...OWNED],
  }),
  operation('GET /api/v1/memory/recall', 'recall', 'What a text brings to mind: facts, summaries and messages', {
    tag: 'memory',
    query: requests.MemoryRecallQuery,
    answer: 'Recalled',
    refuses: ['validation_failed', 'not_a_member', ...OWNED],
  }),
  operation('POST /api/v1/memory/compactions', 'compact', 'Has older messages summed up now; it goes on by itself', {
    tag: 'memory',
    body: { schema: 'CompactRequest', required: false },
    answer: 'Compaction',
    refuses: [...BODY, 'not_a_member', 'conflict', 'overloaded', 'draining', ...OWNED],
  }),
  operation('GET /api/v1/memory/compactions/:id', 'getCompaction', 'How far a compaction is', {
    tag: 'memory',
    params: { id: "The compaction's id." },
    query: requests.CompactionQuery,
    answer: 'Compaction',
    refuses: ['validation_failed', 'not_a_member', ...OWNED],
  }),
  operation('GET /api/v1/memory/facts', 'listFacts', 'Facts a workspace knows, newest first', {
    tag: 'memory',
    query: requests.FactsQuery,
    answer: 'Facts',
    refuses: ['validation_failed', 'forbidden', 'not_a_member', ...READ],
  }),
  operation('GET /api/v1/memory/entities', 'listEntities', 'Things a workspace knows of, by their names', {
    tag: 'memory',
    query: requests.EntitiesQuery,
    answer: 'Entities',
    refuses: ['validation_failed', 'forbidden', 'not_a_member', ...READ],
  }),
  operation('GET /api/v1/memory/graph', 'getGraph', 'The part of the graph around an entity', {
    tag: 'memory',
    query: requests.GraphQuery,
    answer: 'Graph',
    refuses: ['validation_failed', 'not_a_member', ...OWNED],
  }),
  operation(
    'POST /api/v1/agent/pause',
    'pauseAgent',
    'Begins no new turn until it is resumed, over restarts too; messages are taken and wait; needs `admin:agent`',
    {
      needs: 'admin:agent',
      tag: 'gateway',
      body: { schema: 'PauseRequest', required: false },
      answer: 'Agent',
      refuses: [...BODY, 'forbidden', ...CHANGE, 'deadline_exceeded'],
    },
  ),
  operation('POST /api/v1/agent/resume', 'resumeAgent', 'Begins the turns that wait; needs `admin:agent`', {
    needs: 'admin:agent',
    tag: 'gateway',
    body: MAY_BE_EMPTY,
    answer: 'Agent',
    refuses: [...BODY, 'forbidden', ...CHANGE, 'deadline_exceeded'],
  }),
  operation(
    'POST /api/v1/backups',
    'createBackup',
    'Makes a backup and sends it as one archive; needs `admin:backup`',
    {
      needs: 'admin:backup',
      tag: 'gateway',
      body: { schema: 'BackupRequest', required: false },
      files: ['application/gzip'],
      refuses: [...BODY, 'forbidden', 'conflict', 'storage_failed'],
    },
  ),
  operation('GET /api/v1/secrets', 'listSecrets', 'Secrets by their names, never their values; needs `admin:*`', {
    needs: 'admin:*',
    tag: 'gateway',
    query: requests.PageQuery,
    answer: 'Secrets',
    refuses: ['validation_failed', 'forbidden', 'storage_failed'],
  }),
  operation('PUT /api/v1/secrets/:service/:account', 'setSecret', 'Keeps a secret; needs `admin:*`', {
    needs: 'admin:*',
    tag: 'gateway',
    params: SECRET,
    body: { schema: 'SecretRequest', required: true },
    answer: 'SecretSet',
    refuses: [...BODY, 'forbidden', ...CHANGE],
  }),
  operation('DELETE /api/v1/secrets/:service/:account', 'removeSecret', 'Forgets a secret; needs `admin:*`', {
    needs: 'admin:*',
    tag: 'gateway',
    params: SECRET,
    answer: 'SecretRemoved',
    refuses: ['forbidden', 'not_found', 'validation_failed', ...CHANGE],
  }),
  operation('GET /api/v1/skills', 'listSkills', 'Skills of a workspace, and what is wrong with them', {
    ...{ tag: 'skills', query: skills.SkillsQuery, answer: 'Skills' },
    refuses: ['validation_failed', 'forbidden', 'not_a_member', ...SKILLS_READ],
  }),
  operation('POST /api/v1/skills', 'installSkill', 'Installs a skill from an archive or a path; needs `admin:skills`', {
    needs: 'admin:skills',
    ...{ tag: 'skills', query: skills.SkillInstallQuery, answer: 'SkillPut' },
    body: { schema: 'SkillPathRequest', required: true },
    uploads: ['application/gzip', 'application/x-tar', 'application/zip'],
    refuses: [...BODY, 'forbidden', 'not_a_member', ...SKILLS_READ, ...CHANGE],
  }),
  operation('GET /api/v1/skills/:name', 'getSkill', 'A skill with its text and the names of its files', {
    ...{ tag: 'skills', params: SKILL, query: skills.SkillQuery, answer: 'SkillDetailed' },
    refuses: ['validation_failed', 'forbidden', 'not_a_member', ...SKILLS_READ],
  }),
  operation('DELETE /api/v1/skills/:name', 'removeSkill', 'Removes a skill, or a link to one; needs `admin:skills`', {
    needs: 'admin:skills',
    ...{ tag: 'skills', params: SKILL, query: skills.SkillQuery, answer: 'SkillRemoved' },
    refuses: ['validation_failed', 'forbidden', 'not_a_member', ...SKILLS_READ, ...CHANGE],
  }),
  operation('POST /api/v1/skills/:name/copy', 'copySkill', 'Copies a skill, or links to it; needs `admin:skills`', {
    needs: 'admin:skills',
    ...{ tag: 'skills', params: SKILL, query: skills.SkillQuery, answer: 'SkillPut' },
    body: { schema: 'SkillMoveRequest', required: true },
    refuses: [...BODY, 'forbidden', 'not_a_member', ...SKILLS_READ, ...CHANGE],
  }),
  operation('GET /api/v1/users', 'listUsers', 'Users, those of the configuration first; needs `admin:users`', {
    needs: 'admin:users',
    ...{
      tag: 'users',
      query: requests.PageQuery,
      answer: 'Users',
      refuses: ['validation_failed', 'forbidden', ...READ],
    },
  }),
  operation('POST /api/v1/users', 'createUser', 'Makes a user', {
    needs: 'admin:users',
    ...{ tag: 'users', body: { schema: 'UserRequest', required: true }, answer: 'User' },
    refuses: [...BODY, 'forbidden', ...CHANGE],
  }),
  operation('GET /api/v1/users/:id', 'getUser', 'A user', {
    needs: 'admin:users',
    ...{ tag: 'users', params: USER, answer: 'User', refuses: OWNED },
  }),
  operation('PATCH /api/v1/users/:id', 'updateUser', 'Changes a user', {
    needs: 'admin:users',
    ...{ tag: 'users', params: USER, body: { schema: 'UserChangeRequest', required: true }, answer: 'User' },
    refuses: [...BODY, ...OWNED, ...CHANGE],
  }),
  operation('DELETE /api/v1/users/:id', 'deleteUser', 'Removes a user with their pairings and tokens', {
    needs: 'admin:users',
    ...{ tag: 'users', params: USER, answer: 'Removed', refuses: [...OWNED, ...CHANGE] },
  }),
  operation('GET /api/v1/users/:id/export', 'exportUser', 'Everything about somebody; one’s own, or with `admin:*`', {
    ...{ tag: 'users', params: USER, files: ['application/json'], refuses: OWNED },
  }),
  operation('POST /api/v1/users/:id/erase', 'eraseUser', 'Erases everything about somebody; needs `admin:*`', {
    needs: 'admin:*',
    ...{ tag: 'users', params: USER, body: { schema: 'EraseRequest', required: true }, answer: 'Erasure' },
    refuses: [...BODY, ...OWNED, ...CHANGE],
  }),
  operation('GET /api/v1/users/:id/erasure', 'getErasure', 'How far the erasure of somebody is; needs `admin:*`', {
    needs: 'admin:*',
    ...{ tag: 'users', params: USER, answer: 'Erasure', refuses: ['forbidden', 'not_found'] },
  }),
  operation('POST /api/v1/users/:id/identities', 'linkIdentity', 'Says who a user is on a platform', {
    needs: 'admin:users',
    ...{ tag: 'users', params: USER, body: { schema: 'IdentityRequest', required: true }, answer: 'User' },
    refuses: [...BODY, ...OWNED, ...CHANGE],
  }),
  operation(
    'DELETE /api/v1/users/:id/identities/:channel/:platform_id',
    'unlinkIdentity',
    'Takes back who a user is on a platform',
    {
      needs: 'admin:users',
      ...{ tag: 'users', answer: 'User', refuses: [...OWNED, ...CHANGE] },
      params: { ...USER, channel: 'The type of channel.', platform_id: 'Their id on that platform.' },
    },
  ),
  operation('GET /api/v1/pairings', 'listPairings', 'Pairings, oldest first; needs `admin:pairings`', {
    needs: 'admin:pairings',
    ...{ tag: 'users', query: directory.PairingsQuery, answer: 'Pairings' },
    refuses: ['validation_failed', 'forbidden', ...READ],
  }),
  operation('POST /api/v1/pairings', 'createPairing', 'Makes a pairing', {
    needs: 'admin:pairings',
    ...{ tag: 'users', body: { schema: 'PairingRequest', required: true }, answer: 'Pairing' },
    refuses: [...BODY, ...OWNED, ...CHANGE],
  }),
  operation('POST /api/v1/pairings/codes', 'createPairingCode', 'Makes a one-time code, which is told this once', {
    needs: 'admin:pairings',
    ...{ tag: 'users', body: { schema: 'CodeRequest', required: true }, answer: 'NewCode' },
    refuses: [...BODY, ...OWNED, ...CHANGE],
  }),
  operation('DELETE /api/v1/pairings/codes/:id', 'deletePairingCode', 'Takes a code back', {
    needs: 'admin:pairings',
    ...{ tag: 'users', params: { id: "The code's id." }, answer: 'Removed', refuses: [...OWNED, ...CHANGE] },
  }),
  operation('PATCH /api/v1/pairings/:id', 'decidePairing', 'Lets somebody in, or not', {
    needs: 'admin:pairings',
    ...{ tag: 'users', params: PAIRING, body: { schema: 'PairingChangeRequest', required: true }, answer: 'Pairing' },
    refuses: [...BODY, ...OWNED, ...CHANGE],
  }),
  operation('DELETE /api/v1/pairings/:id', 'deletePairing', 'Removes a pairing', {
    needs: 'admin:pairings',
    ...{ tag: 'users', params: PAIRING, answer: 'Removed', refuses: [...OWNED, ...CHANGE] },
  }),
  operation('GET /api/v1/tokens', 'listTokens', "One's own tokens; all with `admin:tokens`", {
    ...{ tag: 'users', query: directory.TokensQuery, answer: 'Tokens' },
    refuses: ['validation_failed', 'forbidden', ...READ],
  }),
  operation('POST /api/v1/tokens', 'createToken', 'Makes a token, which is told this once', {
    ...{ tag: 'users', body: { schema: 'TokenRequest', required: true }, answer: 'NewToken' },
    refuses: [...BODY, ...OWNED, ...CHANGE],
  }),
  operation('DELETE /api/v1/tokens/:id', 'revokeToken', 'Revokes a token: it stops at once', {
    ...{ tag: 'users', params: { id: "The token's id." }, answer: 'Removed', refuses: [...OWNED, ...CHANGE] },
  }),
  operation('GET /api/v1/audit', 'listAudit', 'Entries of the audit, newest first; needs `admin:audit`', {
    needs: 'admin:audit',
    ...{ tag: 'audit', query: directory.AuditsQuery, answer: 'AuditEntries' },
    refuses: ['validation_failed', 'forbidden', ...READ],
  }),
  operation('GET /api/v1/audit/verify', 'verifyAudit', "Walks the audit's chain; needs `admin:audit`", {
    needs: 'admin:audit',
    ...{ tag: 'audit', query: directory.AuditVerifyQuery, answer: 'AuditCheck' },
    refuses: ['validation_failed', 'forbidden', ...READ],
  }),
  operation('GET /api/v1/capabilities', 'listCapabilities', 'What each role may do where; needs `admin:users`', {
    needs: 'admin:users',
    ...{ tag: 'users', answer: 'CapabilityMatrix', refuses: ['forbidden'] },
  }),
  operation(
    'GET /api/v1/capabilities/explain',
    'explainCapability',
    "Whether somebody may do something, and why; others' than one's own with `admin:users`",
    {
      ...{ tag: 'users', query: ExplainQuery, answer: 'CapabilityExplained' },
      refuses: ['validation_failed', 'forbidden'],
    },
  ),
  operation('GET /api/v1/usage', 'listUsage', "Tokens and cost; others' than one's own with `admin:usage`", {
    ...{ tag: 'audit', query: directory.UsageQuery, answer: 'Usages' },
    refuses: ['validation_failed', 'forbidden', ...READ],
  }),
  operation('GET /debug/actors', 'listActors', 'Actors in the order of their addresses', {
    needs: 'admin:debug',
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
      needs: 'admin:debug',
      tag: 'debug',
      query: requests.TraceQuery,
      events: TRACE_EVENTS,
      refuses: ['validation_failed', 'forbidden'],
    },
  ),
  operation('GET /debug/actors/:kind/:id', 'getActor', 'One actor', {
    needs: 'admin:debug',
    tag: 'debug',
    params: { kind: "The actor's kind.", id: 'Its id.' },
    query: requests.ActorQuery,
    answer: 'ActorDetailed',
    refuses: ['validation_failed', ...OWNED],
  }),
  operation('GET /debug/actors/:address', 'getActorByAddress', 'One actor, its address with the slash escaped', {
    needs: 'admin:debug',
    tag: 'debug',
    params: { address: '`kind/id`.' },
    query: requests.ActorQuery,
    answer: 'ActorDetailed',
    refuses: ['validation_failed', ...OWNED],
  }),
  operation(
    'GET /debug/providers/stream',
    'streamProviderTraffic',
    'What goes to vendors and comes from them; needs `admin:*`',
    {
      needs: 'admin:*',
      tag: 'debug',
      query: requests.WireQuery,
      events: WIRE_EVENTS,
      refuses: ['validation_failed', 'forbidden', 'not_found', 'overloaded'],
    },
  ),
  operation(
    'POST /v1/chat/completions',
    'createChatCompletion',
    "A model's or an agent's answer, for OpenAI's clients",
    {
      tag: 'openai',
      body: { schema: 'ChatCompletionRequest', required: true },
      answer: 'ChatCompletion',
      events: CHUNK_EVENTS,
      openai: true,
      refuses: [...MESSAGE, ...TURN_FAILS],
    },
  ),
  operation('GET /v1/models', 'listModelsForOpenAi', "Models and workspaces, for OpenAI's clients", {
    tag: 'openai',
    answer: 'OpenAiModels',
    openai: true,
  }),
  operation('GET /v1/models/:id', 'getModelForOpenAi', "One of them, for OpenAI's clients", {
    tag: 'openai',
    params: { id: '`provider/model` with its slash as `%2F`, or `workspace:<id>`.' },
    answer: 'OpenAiModel',
    openai: true,
    refuses: ['not_found'],
  }),
  operation('POST /v1/embeddings', 'createEmbedding', "Texts as vectors, for OpenAI's clients", {
    tag: 'openai',
    body: { schema: 'EmbeddingRequest', required: true },
    answer: 'Embeddings',
    openai: true,
    refuses: [...BODY, 'not_found', 'overloaded', 'thread_lost', 'deadline_exceeded', ...TURN_FAILS],
  }),
  operation('GET /debug/threads', 'listThreads', 'Threads with their figures', {
    needs: 'admin:debug',
    tag: 'debug',
    answer: 'Threads',
    refuses: ['forbidden'],
  }),
  operation('GET /debug/bus', 'busFigures', 'What travelled between actors', {
    needs: 'admin:debug',
    tag: 'debug',
    answer: 'BusFigures',
    refuses: ['forbidden'],
  }),
  operation('GET /debug/turns/:id', 'debugTurn', "A turn's journal, step by step", {
    needs: 'admin:debug',
    tag: 'debug',
    params: TURN,
    answer: 'TurnSteps',
    refuses: OWNED,
  }),
  operation('GET /webhooks/:channel', 'verifyWebhook', "A platform asks whether this address is its channel's", {
    tag: 'channels',
    params: CHANNEL,
    ...WEBHOOK,
  }),
  operation('POST /webhooks/:channel', 'callWebhook', 'A platform tells a channel what happened, and signs it', {
    tag: 'channels',
    params: CHANNEL,
    ...WEBHOOK,
  }),
];
