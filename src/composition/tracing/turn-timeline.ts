// SPDX-License-Identifier: Apache-2.0
// From the facts of a turn to the spans of its trace: what waited, what was prepared, which model and tool was called, and until when.

import type { TurnFact } from './turn-facts.ts';

type Attributes = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** One span. Times are epoch milliseconds with a fraction. */
export interface Stretch {
  readonly name: string;
  readonly kind: 'internal' | 'client';
  readonly from: number;
  readonly to: number;
  readonly attributes: Attributes;
  /** What it failed of: a code, never a text. */
  readonly error?: string;
}

/** A turn and what it is made of, in the order of their ends. */
export interface TurnTimeline extends Stretch {
  readonly parts: readonly Stretch[];
}

/**
 * The attributes are those of OpenTelemetry's conventions for generative AI, and `sigil.*`.
 *
 * @param facts of one turn, in order; the last is its end
 * @param vendor of a provider by its name in the configuration
 * @param answered when whoever asked had the answer; that it was durable when not given
 */
export function turnTimeline(
  facts: readonly TurnFact[],
  vendor: (provider: string) => string,
  answered = 0,
): TurnTimeline | undefined {
  const first = facts[0];
  const last = facts.at(-1);
  if (first === undefined || last?.happened.type !== 'ended') return undefined;
  const parts: Stretch[] = [];
  const add = (
    name: string,
    from: number,
    to: number,
    attributes: Attributes = {},
    more: Partial<Stretch> = {},
  ): void => {
    parts.push({ name, kind: 'internal', from: Math.min(from, to), to, attributes, ...more });
  };
  const about: Record<string, string | number | boolean> = { 'gen_ai.operation.name': 'invoke_agent' };
  let from = first.at;
  /** Up to where it is known what was done. */
  let known = first.at;
  let call: { readonly at: number; readonly model: string; readonly n: number } | undefined;
  const asked = new Map<string, { readonly at: number; readonly tool: string }>();
  const callEnds = (at: number, more: Attributes, error?: string): void => {
    if (call === undefined) return;
    const attributes = {
      'gen_ai.operation.name': 'chat',
      ...modelOf(call.model, vendor),
      'sigil.model.call': call.n,
      ...more,
    };
    add(`chat ${nameOf(call.model)}`, call.at, at, attributes, {
      kind: 'client',
      ...(error === undefined ? {} : { error }),
    });
    call = undefined;
  };
  for (const { at, happened } of facts) {
    switch (happened.type) {
      case 'started':
        from = at - happened.queued_ms;
        add('queue', from, at);
        Object.assign(about, placeOf(happened), modelOf(happened.model, vendor));
        break;
      case 'resumed':
        // What its life before had begun ended with that.
        callEnds(at, {}, 'interrupted');
        Object.assign(about, placeOf(happened), { 'sigil.turn.attempt': happened.attempt });
        break;
      case 'called':
        add('prepare', known, at);
        call = { at, model: happened.model, n: happened.call };
        break;
      case 'replied':
        callEnds(at, {
          'gen_ai.usage.input_tokens': happened.input_tokens,
          'gen_ai.usage.output_tokens': happened.output_tokens,
          'gen_ai.response.finish_reasons': [happened.finish],
        });
        break;
      case 'replaced':
        call ??= { at: known, model: happened.model, n: 0 };
        callEnds(at, {}, happened.code);
        break;
      case 'tool': {
        const { name, call_id, is_error, took_ms } = happened;
        const attributes = {
          ...{ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': name, 'gen_ai.tool.call.id': call_id },
          'sigil.tool.outcome': is_error ? 'error' : 'ok',
        };
        add(`execute_tool ${name}`, at - took_ms, at, attributes, is_error ? { error: 'tool_error' } : {});
        break;
      }
      case 'asked':
        asked.set(happened.id, { at, tool: happened.tool });
        break;
      case 'decided': {
        const { id, decision } = happened;
        const { at: since = known, tool = '' } = asked.get(id) ?? {};
        asked.delete(id);
        add('approval', since, at, { 'gen_ai.tool.name': tool, 'sigil.approval.decision': decision });
        break;
      }
      case 'ended':
        callEnds(at, {}, happened.failed ? happened.outcome : undefined);
        add('respond', known, Math.max(at, answered));
        break;
      default:
        happened satisfies never;
    }
    known = at;
  }
  const { outcome, failed } = last.happened;
  return {
    ...{ name: 'invoke_agent', kind: 'internal', from, to: Math.max(last.at, answered), parts },
    attributes: { ...about, 'sigil.turn.id': first.turn_id, 'sigil.turn.outcome': outcome },
    ...(failed ? { error: outcome } : {}),
  };
}

function placeOf({ session_id, workspace_id }: { readonly session_id: string; readonly workspace_id: string }) {
  return { 'gen_ai.conversation.id': session_id, 'sigil.workspace.id': workspace_id };
}

/** `provider/model` in two. */
function modelOf(model: string, vendor: (provider: string) => string) {
  const provider = vendor(model.slice(0, Math.max(0, model.indexOf('/'))));
  // The second name of the same: the older one is what most that reads traces knows yet.
  return { 'gen_ai.request.model': nameOf(model), 'gen_ai.provider.name': provider, 'gen_ai.system': provider };
}

function nameOf(model: string): string {
  return model.slice(model.indexOf('/') + 1);
}
