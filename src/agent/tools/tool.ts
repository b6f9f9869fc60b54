// SPDX-License-Identifier: Apache-2.0
// The contract of a tool: what it is called, what it takes, what it may do, and how it is run.

import type { MemoryPort } from './memory-port.ts';
import type { SessionsPort } from './sessions-port.ts';
import type { SkillsPort } from './skills-port.ts';

/** What a tool gets besides its arguments. */
export interface ToolContext {
  readonly session_id: string;
  readonly workspace_id: string;
  readonly user_id: string;
  readonly turn_id: string;
  readonly call_id: string;
  /** Aborts when the call times out or its turn is cancelled; what is answered after that is not heard. */
  readonly signal: AbortSignal;
  /** Epoch milliseconds. */
  now(): number;
  readonly memory: MemoryPort;
  /** Other sessions; only where the tool that sends to them is called. */
  readonly sessions?: SessionsPort | undefined;
  /** The skills of the workspace; not given where there are none. */
  readonly skills?: SkillsPort | undefined;
}

/** What a tool answers: text for the model. An error's text says what went wrong, and what to do instead. */
export interface ToolOutcome {
  readonly content: string;
  readonly is_error: boolean;
  /** It was cut already where it came from, and says so. */
  readonly truncated?: boolean;
}

export interface Tool {
  readonly name: string;
  /** For the model: what it does and when to use it. */
  readonly description: string;
  /** JSON Schema of the arguments, an object's. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /** What arguments are checked against here, where that is less than what a model is told. */
  readonly checkedSchema?: Readonly<Record<string, unknown>>;
  /** What it may do, beyond `tool.<name>`, which every tool needs. */
  readonly capabilities: readonly string[];
  /** Whether a workspace that lists no tools lets it in: only what reads and keeps what is that workspace's own. */
  readonly safe?: boolean;
  readonly timeoutMs: number;
  /** Whether running it again changes nothing more: then an interrupted call is made again after a crash. */
  readonly idempotent: boolean;
  /**
   * Whether a person is asked before a call runs: `never` where it is not said, `ask` always, or as its arguments say: a
   * function of them alone that gives the reason a person is shown, or null where nobody need be asked.
   */
  readonly approval?: 'never' | 'ask' | ((args: Readonly<Record<string, unknown>>) => string | null);
  /** Whether it must not run beside other calls of the same reply. */
  readonly serial: boolean;
  /** Arguments have passed the schema. A rejection is an error the model is told of. */
  execute(args: Readonly<Record<string, unknown>>, context: ToolContext): Promise<ToolOutcome>;
}

/** A result as JSON. */
export function answer(value: Readonly<Record<string, unknown>>): ToolOutcome {
  return { content: JSON.stringify(value), is_error: false };
}

/** An error in words. */
export function problem(message: string): ToolOutcome {
  return { content: message, is_error: true };
}
