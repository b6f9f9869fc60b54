// SPDX-License-Identifier: Apache-2.0
// One tool call from beginning to end: found, allowed, arguments checked, run within its time, its result cut to size.

import type { ErrorCode } from '../../errors.ts';
import type { ToolCall } from '../../stores/records.ts';
import type { ToolPermission } from '../../stores/tool-use.ts';
import { approvalOf, judgeCall, type Permission, reasonOf } from '../process.ts';
import type { ToolRegistry } from './registry.ts';
import type { Tool, ToolContext, ToolOutcome } from './tool.ts';
import type { ArgumentChecks } from './validate.ts';

/** The parts of the world a tool call needs. */
export interface ToolWorld {
  now(): number;
  monotonic(): number;
  after(ms: number, run: () => void): () => void;
}

export interface ToolRun {
  readonly tools: ToolRegistry;
  readonly checks: ArgumentChecks;
  readonly world: ToolWorld;
  readonly context: Omit<ToolContext, 'call_id' | 'signal' | 'now'>;
  /** Asked before the arguments are looked at; absent: everything is allowed. */
  readonly permit?: (tool: Tool, call: ToolCall) => Permission;
  /** Whether a person has let this call be made; where its tool asks it is not made otherwise. Absent: nobody has. */
  readonly approved?: boolean;
  /** The longest a call may take, whatever its tool says. */
  readonly timeout_ms: number;
  /** Aborts when the turn is cancelled. */
  readonly signal?: AbortSignal;
  /** The most bytes of UTF-8 a result may have; {@link RESULT_BYTES} when absent. */
  readonly result_bytes?: number;
}

export interface ToolResult {
  readonly call_id: string;
  readonly name: string;
  readonly content: string;
  readonly is_error: boolean;
  readonly truncated: boolean;
  /** Whole milliseconds. */
  readonly took_ms: number;
  /** What the enforcer said; absent when there is no such tool. */
  readonly permission?: ToolPermission;
}

export const RESULT_BYTES = 64 * 1024;

const UNASKED =
  'This call needs the approval of a person, and nobody was asked: it became so on its way. Make it again.';

const encoder = new TextEncoder();

/** Cuts a text to so many bytes of UTF-8, between characters, and says in the text that it was cut. */
export function cap(text: string, bytes: number): { readonly content: string; readonly truncated: boolean } {
  const content = text.toWellFormed();
  // A UTF-16 unit takes at most three bytes: short results, nearly all, are not encoded to be measured.
  if (content.length * 3 <= bytes) return { content, truncated: false };
  if (encoder.encodeInto(content, new Uint8Array(bytes)).read === content.length) return { content, truncated: false };
  const note = `\n[cut: this result has ${content.length} characters, more than fits]`;
  const { read } = encoder.encodeInto(content, new Uint8Array(Math.max(bytes - note.length, 0)));
  return { content: content.slice(0, read) + note, truncated: true };
}

/**
 * What a tool answered, read once: tools of others may answer anything, whatever their types promise. Undefined when it is
 * no answer, or cannot be read.
 */
function readOutcome(answered: unknown): ToolOutcome | undefined {
  if (typeof answered !== 'object' || answered === null) return undefined;
  try {
    const { content, is_error, truncated } = answered as { readonly [field in keyof ToolOutcome]?: unknown };
    if (typeof content !== 'string') return undefined;
    return { content, is_error: Boolean(is_error), truncated: truncated === true };
  } catch {
    return undefined;
  }
}

/** Starts a tool; a throw instead of a rejection comes out as one. */
function start(tool: Tool, args: Readonly<Record<string, unknown>>, context: ToolContext): Promise<unknown> {
  try {
    return Promise.resolve(tool.execute(args, context));
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}

/**
 * Runs one call. `done` gets exactly one result, for a call that is refused possibly before this returns; nothing is
 * ever thrown. Errors are text for the model, beginning with their code: `tool_denied`, `tool_timeout` or `tool_failed`.
 */
export function runToolCall(call: ToolCall, run: ToolRun, done: (result: ToolResult) => void): void {
  const began = run.world.monotonic();
  const controller = new AbortController();
  let cancelTimer = (): void => undefined;
  let answered = false;
  let permission: ToolPermission | undefined;

  const answer = (content: string, is_error: boolean, cut = false): void => {
    if (answered) return;
    answered = true;
    cancelTimer();
    run.signal?.removeEventListener('abort', cancelled);
    const took_ms = Math.max(Math.round(run.world.monotonic() - began), 0);
    const shown = cap(content, run.result_bytes ?? RESULT_BYTES);
    const truncated = cut || shown.truncated;
    const result = { call_id: call.id, name: call.name, content: shown.content, truncated, is_error, took_ms };
    done(permission === undefined ? result : { ...result, permission });
  };
  const fail = (code: ErrorCode, message: string, cut = false): void => answer(`${code}: ${message}`, true, cut);
  const cancelled = (): void => {
    fail('tool_failed', 'The turn was cancelled before the tool answered.');
    controller.abort();
  };

  const judged = judgeCall(call, {
    tool: (name) => run.tools.get(name),
    absent: (name) => run.tools.absent(name),
    permit: (tool) => run.permit?.(tool, call) ?? { allowed: true },
  });
  const said = run.permit === undefined ? undefined : judged.permission;
  if (said !== undefined) {
    const { allowed, rule = '' } = said;
    permission = allowed ? { allowed, rule } : { allowed, rule, reason: said.reason };
  }
  if (!judged.ok) return fail(judged.code, judged.message);
  const { tool, args } = judged;
  if (run.signal?.aborted) return cancelled();
  run.signal?.addEventListener('abort', cancelled, { once: true });

  const timeout = Math.min(tool.timeoutMs, run.timeout_ms);
  cancelTimer = run.world.after(timeout, () => {
    fail('tool_timeout', `The tool ${tool.name} did not answer within ${timeout} ms.`);
    controller.abort();
  });

  run.checks.check(tool.checkedSchema ?? tool.inputSchema, args, (problem) => {
    if (answered) return;
    if (problem !== undefined) return fail('tool_failed', problem);
    // Whether to ask was decided before the call was journaled. Its tool, or who may use it, may have become another since.
    if (run.approved !== true && approvalOf(tool, args) !== null) return fail('tool_denied', UNASKED);
    const context = { ...run.context, call_id: call.id, signal: controller.signal, now: () => run.world.now() };
    start(tool, args, context).then(
      (answered) => {
        const outcome = readOutcome(answered);
        if (outcome === undefined) return fail('tool_failed', 'The tool gave no answer that can be read.');
        const { content, is_error, truncated } = outcome;
        return is_error ? fail('tool_failed', content, truncated) : answer(content, false, truncated);
      },
      (thrown) => fail('tool_failed', reasonOf(thrown)),
    );
  });
}
