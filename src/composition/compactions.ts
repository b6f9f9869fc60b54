// SPDX-License-Identifier: Apache-2.0
// What compactions have done for them on the main thread: batches read, models chosen and called on a lane, sessions told.

import { reservationOf } from '../actors/budget/protocol.ts';
import type { CompactionEffects, CompactionPlan, CompactionPolicy } from '../actors/workspace/compaction-effects.ts';
import {
  COMPACTION_TIMES,
  type CompactionTimes,
  type ReadBatch,
  speakersOf,
} from '../actors/workspace/decide-compaction.ts';
import { estimateTokens, reservationOf as mostOf } from '../agent/estimate.ts';
import { summaryRequest } from '../agent/summarize.ts';
import { readSummary } from '../agent/summary-reply.ts';
import { address } from '../bus/address.ts';
import type { Config } from '../config/schema.ts';
import type { Failure } from '../errors.ts';
import type { WorkspaceStream } from '../stores/workspace-writer.ts';
import type { ThreadContext } from './context.ts';
import { type ModelSize, modelRoutes, modelSizes } from './lane-policy.ts';
import type { ModelPrices } from './model-prices.ts';
import { perConfig } from './per-config.ts';
import { statementIds } from './statement-ids.ts';

/** How long each step may take, in milliseconds; its call has a time of its own. */
const WITHIN = { read: 10_000, reserve: 10_000, tell: 60_000 } as const;
/** A lane's answer may take this much longer than the call it is asked for. */
const ON_THE_WAY = 5_000;
/** The pause before it is asked again what is to be taken up, in milliseconds; and workspaces told at a time. */
const RESUME = { pause: 500, page: 200 } as const;

/** Which models may sum up, and what they take. */
export interface CompactionModels {
  /** In the order in which they are asked. */
  candidates(workspace_id: string, session_model: string): readonly string[] | Failure;
  size(model: string): ModelSize;
  /** The budgets its calls could reach. */
  scopes(model: string, workspace_id: string): readonly string[];
  readonly prices: ModelPrices;
}

export function compactionModels(config: Config, prices: ModelPrices): CompactionModels {
  const { route, failover, budgets } = modelRoutes(config, prices);
  const { summary_model } = config.sessions.memory.compaction;
  return {
    candidates: (workspace_id, session) => {
      const first = route({ requested: summary_model, session, workspace_id });
      if (typeof first !== 'string') return first;
      return [first, ...failover(workspace_id).filter((model) => model !== first)];
    },
    size: modelSizes(config),
    scopes: budgets,
    prices,
  };
}

/** The same as {@link compactionModels}, of whichever configuration is in force when it is asked. */
export function currentCompactionModels(house: { readonly config: Config }, prices: ModelPrices): CompactionModels {
  const now = perConfig(house, (config) => compactionModels(config, prices));
  return {
    candidates: (...asked) => now().candidates(...asked),
    size: (model) => now().size(model),
    scopes: (...asked) => now().scopes(...asked),
    prices,
  };
}

export function compactionPolicy({ sessions: { memory } }: Config): CompactionPolicy {
  return {
    keep_last: memory.recent_store.max_messages,
    batch: memory.compaction.batch_size,
    times: timesOf(process.env['SIGIL_COMPACTION_TIMES']),
  };
}

/** Of tests and simulations, that cannot wait so long. */
function timesOf(setting: string | undefined): CompactionTimes {
  if (setting === undefined || setting === '') return COMPACTION_TIMES;
  return { ...COMPACTION_TIMES, ...(JSON.parse(setting) as Partial<CompactionTimes>) };
}

export interface CompactionParts {
  readonly context: ThreadContext;
  /** The workspace's. */
  readonly id: string;
  /** The thread a session lives on. */
  readonly home: (session_id: string) => string;
  readonly models: CompactionModels;
  readonly stream: WorkspaceStream;
  readonly traced: CompactionEffects['traced'];
}

export function compactionEffects({ context, id, home, models, stream, traced }: CompactionParts): CompactionEffects {
  const { bus, house, point, log } = context;
  const self = address('workspace', id);
  const store = address('store', 'read');
  const memory = (): Config['sessions']['memory'] => house.config.sessions.memory;
  const facts = (): boolean => memory().summaries.extract_facts && memory().knowledge.enabled;
  const { times } = compactionPolicy(house.config);
  const free = { tokens: 0, cost_usd: 0, seq: 0 } as const;
  const settle: CompactionEffects['settle'] = (scopes, of, call, used) => {
    const body = { reservation: reservationOf(of, call), ...used };
    for (const scope of scopes) bus.send(address('budget', scope), 'budget.settle', body, { from: self });
  };
  return {
    open: (done) => stream.open(done),
    read: (session_id, least, after, done) => {
      const options = { from: self, within: WITHIN.read };
      bus.ask(store, 'session.get', { session_id, after: 'latest' }, options, (session) => {
        if (!session.ok && session.error.code === 'not_found') return done({ ok: true, body: null });
        if (!session.ok) return done(session);
        const { user_id, model } = session.body;
        const { compaction, active_window: window } = memory();
        const limit = Math.max(least, compaction.batch_size);
        const body = { workspace_id: id, session_id, window, limit, after };
        bus.ask(store, 'memory.batch', body, options, (batch) =>
          done(batch.ok ? { ok: true, body: { ...batch.body, session_id, user_id, model } } : batch),
        );
      });
    },
    gone: (done) => {
      const body = { workspace_id: id, after: 'latest' } as const;
      bus.ask(store, 'compaction.gone', body, { from: self, within: WITHIN.read }, (answer) =>
        done(answer.ok ? { ok: true, body: answer.body.sessions } : answer),
      );
    },
    plan: (batch, tried) => planOf(models, id, facts(), batch, tried),
    scopes: (model) => models.scopes(model, id),
    reserve: (scopes, { id: of, call, tokens, cost_usd }, done) => {
      const left = [...scopes];
      const asked: string[] = [];
      const next = (): void => {
        const scope = left.shift();
        if (scope === undefined) return done(null);
        // Before it is granted: nobody knows what becomes of an answer that does not come.
        asked.push(scope);
        const body = { turn_id: of, call, tokens, cost_usd };
        bus.ask(address('budget', scope), 'budget.reserve', body, { from: self, within: WITHIN.reserve }, (answer) => {
          if (answer.ok) return next();
          settle(asked, of, call, free);
          done(answer.error);
        });
      };
      next();
    },
    settle,
    call: ({ id: of, session_id, model, request, tokens }, done) => {
      const body = { id: of, workspace_id: id, model, request, tokens, within: times.call };
      const options = { from: self, within: times.call + ON_THE_WAY, trace: of };
      bus.ask(address('thread', home(session_id)), 'thread.call', body, options, done);
    },
    callOff: (of, session_id) =>
      void bus.send(address('thread', home(session_id)), 'thread.call_off', { id: of }, { from: self }),
    summary: (text) => readSummary(text, facts()),
    ids: statementIds,
    write: (records, done) => stream.write({ workspace_id: id, records }, done),
    tell: (session_id, compaction_id, { content: summary, from, to, messages }, done) => {
      const body = { compaction_id, summary, from, to, messages };
      const options = { from: self, within: WITHIN.tell };
      bus.ask(address('session', session_id), 'session.compacted', body, options, (answer) => {
        if (answer.ok) done({ ok: true, body: true });
        else if (answer.error.code === 'not_found') done({ ok: true, body: false });
        else done(answer);
      });
    },
    at: (time) => Date.parse(time),
    point,
    log: (level, fields, message) => log(level, { workspace_id: id, ...fields }, message),
    traced,
  };
}

/** @returns undefined when every model that may be asked has been */
function planOf(
  models: CompactionModels,
  workspace_id: string,
  facts: boolean,
  batch: ReadBatch,
  tried: readonly string[],
): CompactionPlan | Failure | undefined {
  const candidates = models.candidates(workspace_id, batch.model);
  if (!Array.isArray(candidates)) return candidates as Failure;
  const model = (candidates as readonly string[]).find((one) => !tried.includes(one));
  if (model === undefined) return undefined;
  const refused = models.prices.refusal(model, workspace_id);
  if (refused !== undefined) return refused;
  const size = models.size(model);
  const { request, taken } = summaryRequest({
    messages: batch.messages,
    before: batch.before?.content ?? null,
    facts,
    speakers: speakersOf(batch.messages),
    model: { id: model.slice(model.indexOf('/') + 1), ...size },
  });
  const most = mostOf(
    estimateTokens(request),
    request.options.maxTokens ?? size.maxOutputTokens,
    models.prices.of(model),
  );
  return { model, request, taken, ...most, scopes: models.scopes(model, workspace_id) };
}

/** Asks, until it is answered, in which workspaces an end of the process has left something open, and tells them. */
export function resumeCompactions({ bus, world, name }: ThreadContext): () => void {
  const from = address('thread', name);
  let stopped = false;
  const ask = (after_id: string): void => {
    if (stopped) return;
    const body = { after_id, limit: RESUME.page, after: 'latest' } as const;
    bus.ask(address('store', 'read'), 'compaction.workspaces', body, { from, within: WITHIN.read }, (answer) => {
      if (stopped) return;
      if (!answer.ok) return void world.after(RESUME.pause, () => ask(after_id));
      const { workspaces } = answer.body;
      for (const id of workspaces) bus.send(address('workspace', id), 'workspace.resume', {}, { from });
      const last = workspaces.at(-1);
      if (last !== undefined && workspaces.length === RESUME.page) ask(last);
    });
  };
  ask('');
  return () => {
    stopped = true;
  };
}
