// SPDX-License-Identifier: Apache-2.0
// What the edge is given by the composition root: the bus, the read store, who may enter, and the world.

import type { IncomingMessage } from 'node:http';
import type { Quarantined } from '../actors/gateway/protocol.ts';
import type { SigilBus } from '../actors/protocols.ts';
import type { SkillKeeping } from '../agent/skills/keeping.ts';
import type { Address } from '../bus/address.ts';
import type { Config } from '../config/schema.ts';
import type { ModelInfo } from '../providers/provider.ts';
import type { SecretKeeping } from '../secrets/keeping.ts';
import type { Redactor } from '../secrets/redactor.ts';
import type { Explained, WorkspaceMatrix } from '../security/access-matrix.ts';
import type { Attachment, AttachmentOwner } from '../stores/attachments.ts';
import type { Actor } from '../stores/directory-commands.ts';
import type { StoredErasure, StoredPause, StoredWorkspace } from '../stores/directory-records.ts';
import type { GatewayStore } from '../stores/gateway-store.ts';
import type { ReadStore } from '../stores/session-store.ts';
import type { UsageStore } from '../stores/usage-store.ts';
import type { World } from '../world.ts';
import type { Admission } from './admission.ts';

/** A token's owner as the guard knows it. Tokens are kept as SHA-256 digests (hex) only. */
export interface TokenGrant {
  /** Under which it is listed, and revoked if it can be. */
  readonly id: string;
  readonly digest: string;
  readonly user_id: string;
  readonly name: string;
  readonly permissions: readonly string[];
  /** When it stops being one, epoch milliseconds; not given: when it is revoked. */
  readonly expires_at?: number;
}

/** Tokens that were made while the gateway runs, as its root has them at this moment. */
export interface LiveTokens {
  /** False while the root has not read them: nobody can be told that a token is unknown. */
  readonly ready: boolean;
  /** The same object as long as nothing about it has changed; undefined when it is unknown, or revoked. */
  find(id: string): TokenGrant | undefined;
  /** It was used now. */
  used(id: string): void;
  /** Epoch milliseconds; undefined when it never was. */
  lastUsed(id: string): number | undefined;
  /** Told when one may be known no longer, or open less. */
  onChange(run: () => void): void;
}

/** Workspaces and who is in them, as the gateway's root has them at this moment. */
export interface LiveWorkspaces {
  /** Undefined: there is no such workspace, or it is somebody's own. */
  membersOf(workspace_id: string): ReadonlySet<string> | undefined;
  /** Those that were made here and are there. */
  made(): readonly StoredWorkspace[];
}

/** Whether new turns are begun, as the gateway's root has it at this moment. */
export interface LivePause {
  /** Null: they are. */
  readonly paused: StoredPause | null;
}

export interface EdgeLog {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** A line of the log, by its place among those of this life of the gateway. */
export interface KeptLine {
  readonly n: number;
  /** JSON, as it was written. */
  readonly text: string;
}

/** The newest lines of the log. */
export interface KeptLog {
  /** Of this life of the gateway: a line of another is known to be of another. */
  readonly name: string;
  /** Where the newest line stands; 0 before the first. */
  readonly last: number;
  /** @param before only lines that came before this one */
  newestFirst(before?: number): Iterable<KeptLine>;
  /** Told of every line from here on; answers how to stop. */
  follow(heard: (line: KeptLine) => void): () => void;
}

/** Makes a trace of each request. */
export interface RequestTracing {
  /** Answers what is called once, when the request is over, with its route if it found one. */
  begin(
    request: Pick<IncomingMessage, 'method' | 'headers'>,
    requestId: string,
  ): (route: string | undefined, status: number) => void;
}

/** Where a crash test may end the process: before and after its sender learns something. */
export type EdgePoint =
  | 'edge.acknowledged'
  | 'edge.answering'
  | 'edge.answered'
  | 'edge.stream_ending'
  | 'edge.stream_ended';

/** Where backups come from. */
export interface BackupSource {
  /**
   * The chunks of one archive; whoever stops taking them ends it.
   *
   * @throws SigilError `conflict` while another is being made, `storage_failed`
   */
  start(options: { readonly with_secrets: boolean }): AsyncIterable<Uint8Array>;
}

/** Erasing all that is held about somebody. */
export interface UserErasure {
  /** Begins it, or answers with the one under way; it goes on by itself, over restarts too. @throws SigilError */
  begin(user_id: string, by: Actor): Promise<StoredErasure>;
  /** The newest, under way or done. */
  find(user_id: string): StoredErasure | undefined;
  /** Whether it is under way: nothing is taken of them meanwhile. */
  erasing(user_id: string): boolean;
}

/** Files that were uploaded and wait for their message. */
export interface AttachmentUploads {
  /** Bytes one may have. */
  readonly most: number;
  keep(
    user_id: string,
    file: { readonly name: string; readonly media_type: string; readonly data: Uint8Array },
  ): Promise<{ readonly id: string; readonly name: string; readonly media_type: string; readonly size: number }>;
  /**
   * What they are to a message; `session_id` is empty where it opens a session. `discard` is for a message that was not taken.
   *
   * @throws SigilError `validation_failed` naming those that are not there
   */
  attach(
    owner: AttachmentOwner,
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly attachments: readonly Attachment[]; discard(): Promise<void> }>;
  /** Those of somebody who is erased. */
  erase(user_id: string): Promise<void>;
}

/** What the enforcer would say. */
export interface Capabilities {
  matrix(): Promise<readonly WorkspaceMatrix[]>;
  /** @param capability one, or the name of a tool */
  explain(user_id: string, workspace_id: string, capability: string): Promise<Explained>;
}

/** A provider that runs, as far as it is known without asking it. */
export interface ConfiguredProvider {
  readonly name: string;
  readonly type: string;
  /** The built-in table of its models. */
  readonly models: readonly ModelInfo[];
}

/** Something wrong with the configuration as it is written now. */
export interface ConfigError {
  /** The file it stands in, the variable or the flag. */
  readonly place: string;
  /** 1-based; null where it is no line's. */
  readonly line: number | null;
  /** The key; empty when it is about the whole file. */
  readonly key: string;
  readonly found: string;
  readonly allowed: string;
  readonly message: string;
}

/** Where the configuration in force comes from, and how what is written relates to it. Times are RFC 3339. */
export interface ConfigStatus {
  /** Null while there is none. */
  readonly file: string | null;
  readonly applied_at: string;
  /** Changed keys that wait for a restart. */
  readonly restart_pending: readonly string[];
  /** Why what is written now is not in force; empty when it is. */
  readonly errors: readonly ConfigError[];
  /** When they were found; null without any. */
  readonly errors_at: string | null;
}

/** What came of reading the configuration again. */
export type Reloaded =
  | { readonly ok: true; readonly applied: readonly string[]; readonly restart_pending: readonly string[] }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/** The configuration of a gateway that runs. */
export interface LiveConfiguration {
  /** Told when another one is in force, once everything the ports give is of that. */
  onChange(run: () => void): void;
  status(): ConfigStatus;
  /** What is in force, with the entries that are set aside, as `config show` prints it. */
  shown(): Promise<Readonly<Record<string, unknown>>>;
  /** Reads it again and applies it; settles when every thread follows it. @throws SigilError when it cannot be read again */
  reload(by: Actor, why?: string): Promise<Reloaded>;
}

/** A file of the inspector's page. */
export interface PageFile {
  /** Its media type. */
  readonly type: string;
  readonly bytes: Uint8Array;
  /** A tag made of its contents, in quotes. */
  readonly etag: string;
}

/** The inspector's page as it is published, or as a checkout makes it. */
export interface PageFiles {
  page(): Promise<PageFile | undefined>;
  /** A file the page names; undefined when there is none of that name. */
  asset(name: string): Promise<PageFile | undefined>;
}

/** What is of the configuration is of the one in force whenever it is looked at. */
export interface EdgePorts {
  readonly bus: SigilBus;
  readonly store: ReadStore;
  readonly world: World;
  readonly config: Config;
  /** Not given where it stays as it is. */
  readonly configuration?: LiveConfiguration;
  /** Those that stand in the configuration. */
  readonly tokens: readonly TokenGrant[];
  readonly live: LiveTokens;
  readonly gateway: GatewayStore;
  readonly usage: UsageStore;
  readonly log: EdgeLog;
  /** Not given where no lines are kept. */
  readonly lines?: KeptLog;
  /** Told which request's message a turn answers. */
  readonly began?: (turn_id: string, request_id: string) => void;
  /** Not given where no traces are made. */
  readonly tracing?: RequestTracing;
  /** Hides what secrets stand for in problems and debug pages; nothing is known when not given. */
  readonly redactor?: Pick<Redactor, 'data'>;
  readonly version: string;
  readonly commit: string;
  /** Names of the threads that run, in order (`main`, `journal`, …). */
  readonly threads: readonly string[];
  /** Threads on which nothing lives and that were not started. */
  readonly resting: readonly string[];
  /** The name of the thread an actor lives on when it lives. */
  threadOf(of: Address): string;
  /** Configured workspace ids; more exist once somebody wrote in them. */
  readonly workspaces: readonly string[];
  readonly places: LiveWorkspaces;
  readonly agent: LivePause;
  readonly providers: readonly ConfiguredProvider[];
  /** Configured channels by actor id, for status. */
  readonly channels: readonly string[];
  /**
   * Whether a channel of this name is configured whose platform may call us; asked for each request. None is when not given.
   */
  takesWebhooks?(channel: string): boolean;
  /** Budget scopes with an actor (`global`, `workspace:<id>`). */
  readonly budgets: readonly string[];
  /** Whether every part is up, and none is stopping. */
  state(): 'starting' | 'running' | 'draining';
  readonly quarantined: readonly Quarantined[];
  /** What was let in and waits; nothing is refused for it when not given. */
  readonly admission?: Admission;
  readonly backup: BackupSource;
  readonly secrets: SecretKeeping;
  readonly skills: SkillKeeping;
  readonly erasure: UserErasure;
  /** Not given where no files are taken. */
  readonly uploads?: AttachmentUploads;
  readonly capabilities: Capabilities;
  /** The inspector's files, loaded with the first request for one; there is no page when not given. */
  readonly inspector?: () => Promise<PageFiles>;
  /** Named places of the crash tests. */
  readonly point?: (name: EdgePoint) => void;
}
