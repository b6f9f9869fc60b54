// SPDX-License-Identifier: Apache-2.0
// Schemas that have a name of their own in the OpenAPI document.

import type { z } from 'zod';
import * as openaiRequests from '../openai/requests.ts';
import * as answers from './answers.ts';
import * as approvals from './approvals.ts';
import * as capabilities from './capabilities.ts';
import * as channels from './channels.ts';
import * as debug from './debug.ts';
import * as directory from './directory.ts';
import * as kept from './directory-answers.ts';
import { TRACE_EVENTS, TURN_EVENTS } from './events.ts';
import * as logs from './logs.ts';
import * as mcp from './mcp.ts';
import * as openai from './openai.ts';
import * as providers from './providers.ts';
import * as requests from './requests.ts';
import * as skills from './skills.ts';
import * as system from './system.ts';

export const COMPONENTS = {
  ChatRequest: requests.ChatRequest,
  NoBody: requests.NoBody,
  BackupRequest: requests.BackupRequest,
  PauseRequest: requests.PauseRequest,
  SecretRequest: requests.SecretRequest,
  SkillPathRequest: skills.SkillPathRequest,
  SkillMoveRequest: skills.SkillMoveRequest,
  Chat: answers.Chat,
  Usage: answers.Usage,
  ToolCall: answers.ToolCall,
  TurnToolCall: answers.TurnToolCall,
  Turn: answers.Turn,
  Session: answers.Session,
  Sessions: answers.Sessions,
  Message: answers.Message,
  Messages: answers.Messages,
  Upload: answers.Upload,
  Workspace: answers.Workspace,
  Workspaces: answers.Workspaces,
  FoundMessage: answers.FoundMessage,
  FoundMessages: answers.FoundMessages,
  FoundSimilar: answers.FoundSimilar,
  FoundSummary: answers.FoundSummary,
  Recalled: answers.Recalled,
  CompactRequest: requests.CompactRequest,
  Compaction: answers.Compaction,
  Entity: answers.Entity,
  Entities: answers.Entities,
  Relationship: answers.Relationship,
  Fact: answers.Fact,
  Facts: answers.Facts,
  Graph: answers.Graph,
  Cancelled: answers.Cancelled,
  ApprovalRequest: approvals.ApprovalRequest,
  Approval: approvals.Approval,
  Approvals: approvals.Approvals,
  Imported: answers.Imported,
  UserRequest: directory.UserRequest,
  UserChangeRequest: directory.UserChangeRequest,
  IdentityRequest: directory.IdentityRequest,
  PairingRequest: directory.PairingRequest,
  CodeRequest: directory.CodeRequest,
  WorkspaceRequest: directory.WorkspaceRequest,
  WorkspaceChangeRequest: directory.WorkspaceChangeRequest,
  PairingChangeRequest: directory.PairingChangeRequest,
  TokenRequest: directory.TokenRequest,
  SignInRequest: directory.SignInRequest,
  EraseRequest: directory.EraseRequest,
  User: kept.User,
  Users: kept.Users,
  Pairing: kept.Pairing,
  Pairings: kept.Pairings,
  NewCode: kept.NewCode,
  WorkspaceDetail: kept.WorkspaceDetail,
  SignInLink: kept.SignInLink,
  SignedIn: kept.SignedIn,
  Token: kept.Token,
  NewToken: kept.NewToken,
  Tokens: kept.Tokens,
  Removed: kept.Removed,
  Erasure: kept.Erasure,
  Secret: kept.Secret,
  Secrets: kept.Secrets,
  SecretSet: kept.SecretSet,
  SecretRemoved: kept.SecretRemoved,
  Skill: skills.Skill,
  Skills: skills.Skills,
  SkillDetailed: skills.SkillDetailed,
  SkillPut: skills.SkillPutAnswer,
  SkillRemoved: skills.SkillRemoved,
  LogLine: logs.LogLine,
  LogLines: logs.LogLines,
  AuditEntry: kept.AuditEntry,
  AuditEntries: kept.AuditEntries,
  AuditCheck: kept.AuditCheck,
  CapabilityMatrix: capabilities.CapabilityMatrix,
  CapabilityExplained: capabilities.CapabilityExplained,
  Used: kept.Used,
  Usages: kept.Usages,
  Health: system.Health,
  Ready: system.Ready,
  Problem: system.Problem,
  Provider: providers.Provider,
  Providers: providers.Providers,
  ProviderHealth: providers.ProviderHealth,
  ChannelDetails: channels.ChannelDetails,
  Channels: channels.Channels,
  ChannelState: channels.ChannelState,
  DeadLetter: channels.DeadLetter,
  DeadLetters: channels.DeadLetters,
  McpServer: mcp.McpServer,
  McpServers: mcp.McpServers,
  McpTool: mcp.McpTool,
  McpTools: mcp.McpTools,
  McpReconnected: mcp.McpReconnected,
  Model: providers.Model,
  Models: providers.Models,
  Budget: system.Budget,
  Thread: system.Thread,
  Threads: system.Threads,
  Status: system.Status,
  Agent: system.Agent,
  ConfigInForce: system.ConfigInForce,
  ConfigReloaded: system.ConfigReloaded,
  Actor: debug.Actor,
  ActorDetailed: debug.ActorDetailed,
  Actors: debug.Actors,
  BusFigures: debug.BusFigures,
  TurnSteps: debug.TurnSteps,
  ChatCompletionRequest: openaiRequests.ChatCompletionRequest,
  EmbeddingRequest: openaiRequests.EmbeddingRequest,
  ChatCompletion: openai.ChatCompletion,
  ChatCompletionChunk: openai.ChatCompletionChunk,
  CompletionUsage: openai.CompletionUsage,
  OpenAiModel: openai.OpenAiModel,
  OpenAiModels: openai.OpenAiModels,
  Embeddings: openai.Embeddings,
  OpenAiError: openai.OpenAiError,
  TurnStartedData: TURN_EVENTS.turn_started,
  TextDeltaData: TURN_EVENTS.text_delta,
  ThinkingDeltaData: TURN_EVENTS.thinking_delta,
  TurnRestartedData: TURN_EVENTS.turn_restarted,
  ApprovalRequestedData: TURN_EVENTS.approval_requested,
  ToolResultData: TURN_EVENTS.tool_result,
  WarningData: TURN_EVENTS.warning,
  DoneData: TURN_EVENTS.done,
  ErrorData: TURN_EVENTS.error,
  TransitionData: TRACE_EVENTS.transition,
  DroppedData: TRACE_EVENTS.dropped,
  WireEntryData: providers.WIRE_EVENTS.entry,
  WireDroppedData: providers.WIRE_EVENTS.dropped,
  WireLostData: providers.WIRE_EVENTS.lost,
} as const satisfies Record<string, z.ZodType>;

const NAMES: ReadonlyMap<z.ZodType, string> = new Map(
  Object.entries(COMPONENTS).map(([name, schema]) => [schema, name]),
);

/** The name a schema has in the document, if it has one. */
export function componentOf(schema: z.ZodType): ComponentName | undefined {
  return NAMES.get(schema) as ComponentName | undefined;
}

export type ComponentName = keyof typeof COMPONENTS;
