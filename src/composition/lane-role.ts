// SPDX-License-Identifier: Apache-2.0
// A lane thread: its sessions with their model streams and tools, and the workspaces, providers and budgets placed on it.

import { hash } from 'node:crypto';
import { startProviderActor } from '../actors/provider/actor.ts';
import { createCallModel } from '../actors/session/call-model.ts';
import type { LaneEffects } from '../actors/session/effects.ts';
import { Lanes } from '../actors/session/lanes.ts';
import { createReservations } from '../actors/session/reservations.ts';
import { createTurnPublisher } from '../actors/session/turn-publisher.ts';
import type { WorkspaceEvent } from '../actors/workspace/machine.ts';
import { costOf } from '../agent/estimate.ts';
import { prepare } from '../agent/prepare.ts';
import { builtInTools } from '../agent/tools/catalogue.ts';
import { createToolRegistry, type ToolRegistry } from '../agent/tools/registry.ts';
import { runToolCall } from '../agent/tools/run.ts';
import { createArgumentChecks } from '../agent/tools/validate.ts';
import { type Address, address, idOf, kindOf } from '../bus/address.ts';
import { placement, threadNames } from '../bus/layout.ts';
import type { Failure } from '../errors.ts';
import { priceOf } from '../providers/pricing.ts';
import type { ChatRequest } from '../providers/provider.ts';
import { permitsTool } from '../security/tool-rules.ts';
import type { SessionState } from '../stores/fold.ts';
import { packAppend } from '../stores/remote/append-wire.ts';
import { createReadStore } from '../stores/remote/read-store.ts';
import { Actors } from './actors.ts';
import { startBudget, startWorkspace } from './authorities.ts';
import { budgetScopes, providerTypes } from './config-scopes.ts';
import type { ThreadContext } from './context.ts';
import { CHANNEL_HINTS, CONTEXT_TOKENS, lanePolicy, OUTPUT_TOKENS } from './lane-policy.ts';
import { createModelStream } from './model-stream.ts';
import type { StartRole } from './role.ts';

/** How long the journal may take, in milliseconds. A slow disk is waited for; a lost thread is told at once. */
const JOURNAL_WITHIN = 60_000;
/** How long a question to the read thread may take. */
const READ_WITHIN = 10_000;
/** Pause before the streams that have something open are asked for again. */
const OWED_PAUSE = 100;

export const startLane: StartRole = async (context) => {
  const { bus, house, world, residents } = context;
  const { config } = house;
  const tools = createToolRegistry(builtInTools());
  const policy = lanePolicy(config, tools);
  const types = providerTypes(config);
  const place = placement(house.layout);
  const names = threadNames(house.layout);
  const models = createModelStream(types);
  await models.preload('sigil');

  const lanes = new Lanes({
    world,
    policy: () => policy,
    effects: laneEffects(context, tools, policy, models),
    residents,
    moved: (workspace_id, session_id, how) => {
      const to = address('workspace', workspace_id);
      const options = { from: address('session', session_id) };
      if (how !== 'asleep') bus.send(to, 'workspace.session_awake', { session_id, opened: how === 'opened' }, options);
      else bus.send(to, 'workspace.session_asleep', { session_id }, options);
    },
    ended: (session_id) => bus.ended(address('session', session_id)),
    fault: (session_id, error) => context.fault(address('session', session_id), error),
  });
  bus.host('session', (envelope) => lanes.receive(envelope, idOf(envelope.to)));

  const actors = new Actors(context);
  for (const [name] of types) {
    const self = address('provider', name);
    if (place(self) !== context.index) continue;
    actors.start('provider', self, (fault) =>
      startProviderActor({
        name,
        bus,
        world,
        residents,
        fault,
        max_concurrency: config.providers[name]?.max_concurrency ?? 0,
        availability: () => ({ available: true, message: 'ready' }),
      }),
    );
  }
  bus.host('provider', (envelope) => actors.receive(envelope));
  for (const scope of budgetScopes(config)) {
    const self = address('budget', scope);
    if (place(self) === context.index) actors.start('budget', self, (fault) => startBudget(context, scope, fault));
  }
  bus.host('budget', (envelope) => actors.receive(envelope));
  // A workspace's actor begins with its first session.
  bus.host('workspace', (envelope) => {
    if (!actors.has(envelope.to)) {
      actors.start('workspace', envelope.to, (fault) => startWorkspace(context, idOf(envelope.to), fault));
    }
    actors.receive(envelope);
  });

  let closed = false;
  recover(
    context,
    lanes,
    (of) => place(of) === context.index,
    () => closed,
  );
  return {
    drain: (done) => lanes.drain(done),
    down: (thread) => actors.tell<WorkspaceEvent>('workspace', { type: 'thread_lost', thread: names[thread] ?? '' }),
    close: () => {
      closed = true;
      lanes.stop();
      actors.stop();
    },
  };
};

/** Takes up what was interrupted: asks until the journal answers, because nothing else would wake those sessions. */
function recover(context: ThreadContext, lanes: Lanes, mine: (of: Address) => boolean, closed: () => boolean): void {
  const { bus, world, name } = context;
  const from = address('thread', name);
  bus.ask(address('store', 'journal'), 'journal.owed', {}, { from, within: JOURNAL_WITHIN }, (answer) => {
    // A thread that is told to end while it asks would otherwise ask for ever, and never end.
    if (closed()) return;
    if (!answer.ok) {
      world.after(OWED_PAUSE, () => recover(context, lanes, mine, closed));
      return;
    }
    const open = (answer.body.streams as Address[])
      .filter((stream) => kindOf(stream) === 'session' && mine(stream))
      .map(idOf);
    if (open.length === 0) return;
    context.log('info', { sessions: open.length }, 'taking up interrupted sessions');
    lanes.recover(open, () => context.log('info', { sessions: open.length }, 'all interrupted sessions are awake'));
  });
}

function laneEffects(
  context: ThreadContext,
  tools: ToolRegistry,
  policy: ReturnType<typeof lanePolicy>,
  models: ReturnType<typeof createModelStream>,
): LaneEffects {
  const { bus, world, house } = context;
  const { config } = house;
  const journal = address('store', 'journal');
  const read = address('store', 'read');
  const checks = createArgumentChecks();
  const store = createReadStore({
    bus,
    from: address('thread', context.name),
    seen: { note: () => undefined, began: () => undefined, barrier: () => 'latest' },
  });
  const reservations = createReservations(bus, () => policy);

  const may = (workspace_id: string, tool: string): boolean => {
    const rules = config.workspaces[workspace_id]?.tools;
    return rules === undefined || permitsTool(tool, rules.allow, rules.deny);
  };

  const request = (state: SessionState): ChatRequest | Failure => {
    const { turn, facts } = state;
    const model = turn?.model ?? '';
    const prepared = prepare({
      persona: config.agent.persona,
      channel: CHANNEL_HINTS,
      window: state.window,
      active_window: policy.window,
      messages: [turn?.message.content ?? ''],
      turn: turn?.said ?? [],
      tools: tools.offer((tool) => may(facts?.workspace_id ?? '', tool.name)),
      model: {
        id: model.slice(model.indexOf('/') + 1),
        maxContextTokens: CONTEXT_TOKENS,
        maxOutputTokens: OUTPUT_TOKENS,
      },
      options: {},
    });
    return prepared.ok ? prepared.request : prepared.failure;
  };

  return {
    ...reservations,
    ...createTurnPublisher(bus, world),
    append: (append, answered) => {
      bus.ask(
        journal,
        'journal.append',
        packAppend(append),
        { from: append.stream as Address, within: JOURNAL_WITHIN },
        answered,
      );
    },
    tail: (session_id, answered) => {
      const from = address('session', session_id);
      bus.ask(journal, 'journal.tail', { stream: from }, { from, within: JOURNAL_WITHIN }, answered);
    },
    oldKey: (session_id, message_id, answered) => {
      const from = address('session', session_id);
      bus.ask(
        read,
        'message.turn',
        { session_id, message_id, after: 'latest' },
        { from, within: READ_WITHIN },
        answered,
      );
    },
    reply: (to, body) => bus.reply(to, body),
    fail: (to, error) => bus.fail(to, error),
    callModel: createCallModel({
      bus,
      world,
      stream: models.stream,
      prepare: request,
      turn_timeout: () => policy.turn_timeout,
    }),
    runTool: (state, call, done) => {
      const { turn, facts } = state;
      const controller = new AbortController();
      const workspace_id = facts?.workspace_id ?? '';
      const user_id = turn?.message.user_id ?? '';
      runToolCall(
        call,
        {
          tools,
          checks,
          world,
          timeout_ms: config.sessions.tool_timeout,
          signal: controller.signal,
          permit: (tool) =>
            may(workspace_id, tool.name)
              ? { allowed: true }
              : { allowed: false, reason: `${tool.name} is not allowed in this workspace.` },
          context: {
            session_id: facts?.session_id ?? '',
            workspace_id,
            user_id,
            turn_id: turn?.turn_id ?? '',
            memory: {
              search: async (words, limit) =>
                (await store.read('message.search', { workspace_id, user_id, words, limit })).items,
              // There is no store of facts yet: the statement is in the history, where search finds it.
              remember: async () => 'history',
            },
          },
        },
        ({ content, is_error, truncated, took_ms }) => done({ call, content, is_error, truncated, took_ms }),
      );
      return () => controller.abort();
    },
    cost: (model, usage) =>
      costOf(
        {
          inputTokens: usage.input_tokens,
          outputTokens: usage.output_tokens,
          cacheReadTokens: usage.cache_read_tokens,
          cacheWriteTokens: usage.cache_write_tokens,
        },
        priceOf(model, config.models.pricing),
      ),
    digest: (text) => hash('sha256', text, 'base64url').slice(0, 16),
    point: context.point,
  };
}
