// SPDX-License-Identifier: Apache-2.0
// What an MCP server's actor answers to: calls of its tools, which tools it has, and how it is.

/** A tool of a server, as it passed the wall. */
export interface ServerTool {
  /** Without the server's name, in the letters that names of capabilities have. */
  readonly name: string;
  /** As the server calls it. */
  readonly original: string;
  readonly description: string;
  /** JSON Schema of the arguments, an object's. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /** What the server says of it: that calling it again changes nothing more. */
  readonly idempotent: boolean;
  /** That it only looks. */
  readonly read_only: boolean;
  /** That it may destroy something: a person is asked before it runs. */
  readonly destructive: boolean;
}

/** A tool that is not offered. */
export interface SkippedTool {
  readonly name: string;
  readonly why: string;
}

/** The tools of a server; a frozen value that is replaced whole. */
export interface ToolList {
  readonly tools: readonly ServerTool[];
  /** The first of those left out. */
  readonly skipped: readonly SkippedTool[];
  /** How many were left out. */
  readonly skipped_count: number;
}

/** What a call came to. */
export interface ToolReply {
  /** For the model, cut to size. */
  readonly content: string;
  readonly is_error: boolean;
  readonly truncated: boolean;
}

export interface ServerInfo {
  readonly name: string;
  readonly version: string;
}

export type McpState = 'connecting' | 'ready' | 'retrying' | 'quarantined';

export interface McpStatus {
  readonly name: string;
  readonly state: McpState;
  readonly transport: 'stdio' | 'http';
  /** What it said it is; null before it was first connected to. */
  readonly server: ServerInfo | null;
  readonly tools: number;
  readonly skipped: readonly SkippedTool[];
  readonly skipped_count: number;
  readonly in_flight: number;
  readonly calls: number;
  /** Calls that came to no answer, or to one that says the tool failed. */
  readonly failures: number;
  /** Times a connection was lost or could not be made. */
  readonly losses: number;
  readonly last_error: { readonly code: string; readonly message: string; readonly at: string } | null;
  /** When it is tried again; null when nothing is waited for. */
  readonly retry_at: string | null;
}

export type McpProtocol = {
  /** Calls a tool; the ask's deadline ends the call on the server too. `tool_failed` when it comes to no answer. */
  readonly 'tool.call': {
    readonly body: {
      /** The caller's own id for the call. */
      readonly call: string;
      readonly name: string;
      readonly arguments: Readonly<Record<string, unknown>>;
    };
    readonly reply: ToolReply;
  };
  /** Nobody waits for this call any more; its ask fails. */
  readonly 'tool.cancel': { readonly body: { readonly call: string }; readonly reply: undefined };
  /** The tools it has now; whoever listens to its topic `tools` is told when to ask again. */
  readonly 'mcp.tools': {
    readonly body: Record<string, never>;
    readonly reply: {
      readonly list: ToolList;
      /** Why a call would fail; null when it would not for that. */
      readonly unavailable: string | null;
    };
  };
  readonly 'mcp.status': { readonly body: Record<string, never>; readonly reply: McpStatus };
  /** Connects anew at once, whatever it waits for. */
  readonly 'mcp.reconnect': { readonly body: Record<string, never>; readonly reply: { readonly state: McpState } };
};

/** The name of the topic on which an actor says that its tools have changed. */
export const TOOLS_TOPIC = 'tools';

/** How a server's tool is called among all tools. */
export function toolNameOf(server: string, tool: string): string {
  return `mcp.${server}.${tool}`;
}
