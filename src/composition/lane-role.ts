// SPDX-License-Identifier: Apache-2.0
// A lane thread: its sessions with their model streams and tools.

import { createBackgroundCalls } from '../actors/session/background-call.ts';
import { createCallHolds } from '../actors/session/call-holds.ts';
import { Lanes } from '../actors/session/lanes.ts';
import { createPassages } from '../actors/session/passages.ts';
import type { Deliver } from '../actors/session/protocol.ts';
import { createReservations, type Reservations } from '../actors/session/reservations.ts';
import type { VendorDoor } from '../actors/thread/door.ts';
import { type ListedModels, type PassEvent, passName } from '../actors/thread/protocol.ts';
import { builtInTools } from '../agent/tools/catalogue.ts';
import type { Tool } from '../agent/tools/tool.ts';
import { createArgumentChecks } from '../agent/tools/validate.ts';
import { type Address, address, idOf, kindOf } from '../bus/address.ts';
import { type Envelope, topic } from '../bus/envelope.ts';
import { markOf, placement } from '../bus/layout.ts';
import type { ConfigChange } from '../config/change.ts';
import { failure, SigilError, toFailure } from '../errors.ts';
import { cannotCarry } from '../providers/carries.ts';
import { halfAllowed } from '../security/access-matrix.ts';
import { attachmentFiles } from '../stores/sqlite/attachment-files.ts';
import { providerEntries, providerTypes, renewedProvider, rulesOf } from './config-scopes.ts';
import { configuredTools } from './configured-tools.ts';
import type { ThreadContext } from './context.ts';
import { embeddingModels } from './embedding-choice.ts';
import { embeddingUsage } from './embedding-usage.ts';
import { failingSessions } from './failing-sessions.ts';
import { createFleetingSessions, type WriteUse } from './fleeting-sessions.ts';
import type { LaneAdapters } from './lane-adapters.ts';
import { callParts, usageCost } from './lane-calls.ts';
import { laneEffects } from './lane-effects.ts';
import { currentSizes } from './lane-policy.ts';
import { closeLeftCalls } from './left-calls.ts';
import { livePrices } from './live-prices.ts';
import { mcpTools } from './mcp-tools.ts';
import { currentPrices } from './model-prices.ts';
import { createModelStream } from './model-stream.ts';
import { perConfig } from './per-config.ts';
import { createProbes } from './probes.ts';
import type { Role, StartRole } from './role.ts';
import { createScanners } from './scanner.ts';
import { loadScannerRules, withScannerRules } from './scanner-rules.ts';
import { testTools } from './test-tools.ts';
import { type Terms, TurnTerms } from './turn-terms.ts';
import { askedEmbedder } from './vendor-embedder.ts';
import { wireTap } from './wire-tap.ts';

/** How long the journal may take, in milliseconds. A slow disk is waited for; a lost thread is told at once. */
const JOURNAL_WITHIN = 60_000;
/** How long the record of what a call uses may take to be durable. */
const USE_WITHIN = 60_000;
const HALF_ALLOWED = 'a workspace lists a tool and not what it needs: add that to its tools.allow';
const TOO_MANY_WAIT = 'The gateway is starting, and too many messages wait for that; try again.';
/** Pause before the streams that have something open are asked for again. */
const OWED_PAUSE = 100;

/** The role with these adapters, made once for each life of a thread. */
export const laneRole = (open: (context: ThreadContext) => Promise<LaneAdapters>): StartRole => {
  return async (context) => laneWith(context, await open(context));
};

/** One for the thread: what a life that stood ready has compiled is there when it is needed. */
const checks = createArgumentChecks();

/** Does beforehand what the first turn of a thread would wait for. */
export async function warmLane(): Promise<void> {
  await Promise.all([checks.load(), loadScannerRules()]);
  for (const { inputSchema } of builtInTools()) checks.check(inputSchema, {}, () => undefined);
}

export const startLane = laneRole(async (context) => {
  const { house, secrets, world } = context;
  const tried = await testTools(process.env['SIGIL_TEST_TOOLS'], secrets);
  const retool = (): readonly Tool[] => tried(configuredTools(context));
  const providers = providerEntries(house.config);
  const files = attachmentFiles(house.data_dir);
  const tap = wireTap(context);
  const models = createModelStream({ providers, world, secrets, tap, images: files });
  await models.preload('sigil');
  const { stream, vectors, key, close } = models;
  const changed = (change: ConfigChange): void =>
    models.follow(providerEntries(change.after), renewedProvider(change), change.after.agent.turn_timeout);
  const deleted = (workspace_id: string, session_id: string): void => {
    files.eraseSession(workspace_id, session_id).catch((thrown: unknown) => {
      context.fault(address('session', session_id), toFailure(thrown));
    });
  };
  const embedding = { load: models.load, hold: models.hold, tap };
  const own = retool();
  return {
    tools: own,
    retool,
    checks,
    stream,
    vectors,
    key,
    models: models.models,
    embedding,
    deleted,
    changed,
    close,
  };
});

function laneWith(context: ThreadContext, adapters: LaneAdapters): Role {
  const { bus, house, world, residents, directory } = context;
  const live = livePrices(context);
  const prices = currentPrices(house, live.now);
  const sizeOf = currentSizes(house);
  const mcp = mcpTools(context, () => terms.renew());
  const terms = new TurnTerms(
    { context, checks: adapters.checks, prices, sizeOf, mcp, scanner: createScanners(context) },
    ...([house.config, adapters.tools] as const),
  );
  // Said once: every lane and every life of one would find the same.
  if (context.name === 'lane-1' && context.life === 1)
    for (const half of halfAllowed(terms.now.access, adapters.tools, rulesOf(house.config)))
      context.log('warn', { ...half }, HALF_ALLOWED);
  const place = placement(house.layout);
  const reservations = createReservations(bus, (turn_id) => terms.of(turn_id).policy);
  let own = adapters.tools;

  const lanes = new Lanes({
    world,
    policy: (turn_id) => terms.of(turn_id).policy,
    effects: laneEffects({ context, adapters, reservations, prices, terms, sizeOf }),
    residents,
    moved: (workspace_id, session_id, how) => {
      const to = address('workspace', workspace_id);
      const options = { from: address('session', session_id) };
      if (how === 'opened' || how === 'awake')
        bus.send(to, 'workspace.session_awake', { session_id, opened: how === 'opened' }, options);
      else bus.send(to, 'workspace.session_asleep', { session_id }, options);
      if (how === 'deleted') bus.send(to, 'workspace.session_deleted', { session_id }, options);
      if (how === 'deleted') adapters.deleted?.(workspace_id, session_id);
    },
    ended: (session_id) => bus.ended(address('session', session_id)),
    fault: (session_id, error) => context.fault(address('session', session_id), error),
    failed: failingSessions(world),
    share: (session_id) => {
      const { suspect } = context;
      if (suspect === null) return 'unknown';
      if (markOf(address('session', session_id)) !== suspect.mark) return 'innocent';
      return suspect.reason === 'hung' ? 'guilty' : 'suspect';
    },
  });
  const self = address('thread', context.name);
  const holder = `${context.name}@${world.uuid()}`;
  const writeUse: WriteUse = (workspace_id, records, audit, done) => {
    const body = { records, ...(audit.length > 0 && { audit }) };
    bus.ask(address('workspace', workspace_id), 'workspace.write', body, { from: self, within: USE_WITHIN }, done);
  };
  let fleetingReservations: Reservations | undefined;
  const fleeting = createFleetingSessions({
    ...{ world, residents, holder, write: writeUse },
    scanner: () => terms.now.scanner,
    policy: () => terms.now.policy,
    effects: (fleetingPolicy, shape) => {
      fleetingReservations = createReservations(bus, fleetingPolicy);
      const now = (): Terms => ({ ...terms.now, policy: fleetingPolicy() });
      return laneEffects({
        ...{ context, adapters, prices, sizeOf, shape, reservations: fleetingReservations },
        // None of them is there for longer than its one turn.
        terms: {
          get now() {
            return now();
          },
          of: now,
          over: () => undefined,
        },
      });
    },
    fail: (to, error) => bus.fail(to, error),
    ended: (session_id) => bus.ended(address('session', session_id)),
    fault: (of, error) => context.fault(of, error),
  });
  const receive = (envelope: Envelope): void =>
    withScannerRules(() =>
      fleeting.takes(envelope) ? fleeting.receive(envelope) : lanes.receive(envelope, idOf(envelope.to)),
    );
  bus.host('session', (envelope) => {
    if (envelope.type !== 'session.deliver') return receive(envelope);
    // Whoever sent it on may have heard sooner who there is.
    const { directory: known = 0 } = envelope.body as Deliver;
    directory.at(
      known,
      () => receive(envelope),
      () => bus.fail(envelope, failure('overloaded', TOO_MANY_WAIT)),
    );
  });

  let closed = false;
  // What a turn that goes on may do is decided by who its senders are: before that is known none goes on.
  const begin = (): void => {
    if (closed) return;
    recover(
      context,
      lanes,
      (of) => place(of) === context.index,
      () => closed,
    );
  };
  directory.at(0, begin, begin);
  directory.onResumed(() => {
    withScannerRules(() => lanes.unpaused());
    // What fell asleep with messages that wait is open in the journal, as after a start.
    begin();
  });
  const { stream, vectors } = adapters;
  const embeds = perConfig(house, embeddingModels);
  const probes = createProbes({
    // A model for vectors answers no chat: asked for one, it would seem never to come back.
    stream: (provider, request, sink) =>
      vectors !== undefined && embeds()(`${provider}/${request.model}`)
        ? vectors(provider, request.model, sink)
        : stream(provider, request, sink),
    world,
  });
  const calls = createBackgroundCalls({
    ...callParts(context, adapters),
    from: address('thread', context.name),
    cost: (model, usage) => usageCost(model, usage, prices),
    hide: (text) => context.secrets.redactor.text(text),
    scan: () => terms.now.scanner.replies,
  });
  const holds = createCallHolds(bus, self);
  const stopClosing = closeLeftCalls(context, holder, (model, workspace_id) =>
    terms.now.policy.budgets(model, workspace_id),
  );
  const types = perConfig(house, providerTypes);
  const passages = createPassages({
    ...callParts(context, adapters),
    ...{ holder, holds, scan: () => terms.now.scanner.replies },
    scanInput: () => ({ ...terms.now.scanner, soon: (run) => world.soon(run) }),
    // No session has it: whoever asks has chosen the id so that its session would live here.
    holderOf: (id) => address('session', id),
    over: (of) => bus.ended(of),
    route: (requested, workspace_id) => terms.now.policy.route({ requested, session: '', workspace_id }),
    failover: (workspace_id) => terms.now.policy.failover(workspace_id),
    scopes: (model, workspace_id) => terms.now.policy.budgets(model, workspace_id),
    unpriced: prices.refusal,
    cannot: (model, request) => cannotCarry(types().get(model.slice(0, model.indexOf('/'))) ?? '', request),
    longest: (model) => sizeOf(model).maxOutputTokens,
    price: prices.of,
    cost: (model, usage) => usageCost(model, usage, prices),
    hide: (text) => context.secrets.redactor.text(text),
    write: (workspace_id, records, done) => writeUse(workspace_id, records, [], done),
    publish: (id, events) => bus.publish(topic<readonly PassEvent[]>(self, passName(id)), events),
    fault: (error) => context.fault(self, error),
  });
  const embedded = embeddingUsage({ bus, world, self, failed: (error) => context.fault(self, error) });
  const { embedding } = adapters;
  const embed =
    embedding === undefined
      ? () => noModels()
      : askedEmbedder({ context, self, loader: embedding, prices, usage: embedded, tap: embedding.tap });
  return {
    // Of another configuration: what this lane's turns are made with from the next one on.
    changed: (change) => {
      adapters.changed?.(change);
      live.follow(change);
      mcp.follow();
      if (adapters.retool !== undefined && change.keys.some((key) => key.startsWith('tools.'))) own = adapters.retool();
      terms.replace(change.after, own, lanes.running());
    },
    drain: (done) => lanes.drain((left = 0) => fleeting.drain((more = 0) => passages.drain(() => done(left + more)))),
    vendors: {
      pass: (asked, done) => withScannerRules(() => passages.pass(asked, done)),
      passOff: passages.off,
      embed: (asked, done) =>
        void embed(asked).then(
          (body) => done({ ok: true, body }),
          (thrown: unknown) => done({ ok: false, error: toFailure(thrown) }),
        ),
      probe: probes.probe,
      call: (asked, done) => withScannerRules(() => calls.call(asked, done)),
      callOff: calls.off,
      key: adapters.key ?? ((_, done) => done({ fingerprint: null, refused: false })),
      models: answering(adapters.models ?? noModels),
    },
    up: (thread) => {
      reservations.announce((budget) => place(budget) === thread);
      holds.announce((budget) => place(budget) === thread);
      fleetingReservations?.announce((budget) => place(budget) === thread);
    },
    close: () => {
      closed = true;
      live.stop();
      mcp.stop();
      lanes.stop();
      fleeting.stop();
      passages.stop();
      stopClosing();
      embedded.close();
      calls.stop();
      probes.close();
      adapters.close?.();
    },
  };
}

/** The end of an adapter's promise: an answer, whatever becomes of it. */
function answering(models: (provider: string) => Promise<ListedModels>): VendorDoor['models'] {
  return ({ provider }, done) => {
    models(provider).then(
      (listed) => done({ ok: true, listed }),
      (thrown: unknown) => done({ ok: false, error: toFailure(thrown) }),
    );
  };
}

function noModels(): Promise<never> {
  return Promise.reject(new SigilError(failure('provider_unavailable', 'There is no provider here to ask.')));
}

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
    const told = (message: string): void => {
      if (open.length > 0) context.log('info', { sessions: open.length }, message);
    };
    if (open.length > 0) context.point('recover.owed');
    told('taking up interrupted sessions');
    if (open.length === 0) lanes.recover(open, () => undefined);
    else withScannerRules(() => lanes.recover(open, () => told('all interrupted sessions are awake')));
  });
}
