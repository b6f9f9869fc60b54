// SPDX-License-Identifier: Apache-2.0
// The gateway, put together: data directory, threads, root, edge; started in the order of the tree, drained in reverse.

import { availableParallelism } from 'node:os';
import { type Address, address } from './bus/address.ts';
import { SharedCounter } from './bus/counter.ts';
import { type Layout, MAIN, placement, threadNames } from './bus/layout.ts';
import type { RunningGateway, StartOptions } from './cli/running-gateway.ts';
import { versionInfo } from './cli/version.ts';
import { backupSource } from './composition/backup-job.ts';
import type { House } from './composition/boot.ts';
import { PULL_CHANNELS } from './composition/channel-types.ts';
import { budgetScopes, configuredProviders } from './composition/config-scopes.ts';
import { createContext, type ThreadContext } from './composition/context.ts';
import { type Held, socketIn, takeDataDir } from './composition/data-dir.ts';
import { threadEntry, threadWorkers } from './composition/early-threads.ts';
import { hostEmbedder } from './composition/embedder.ts';
import { ioThreads } from './composition/io-threads.ts';
import { killPoints } from './composition/kill-points.ts';
import { createLog, type ProcessLog } from './composition/log.ts';
import { askToDrain, startMain, threadLost } from './composition/main-role.ts';
import { mintToken, tokenGrants } from './composition/owner-token.ts';
import { mintCode } from './composition/pairing-code.ts';
import { perConfig } from './composition/per-config.ts';
import { hostPoolJobs } from './composition/pool-jobs.ts';
import { realWorld } from './composition/real-world.ts';
import { type RunningConfiguration, runningConfiguration } from './composition/reload/live-configuration.ts';
import type { ConfigState } from './composition/reload/live-parts.ts';
import { findRemovedChannels } from './composition/removed-channels.ts';
import { RootDirectory } from './composition/root-directory.ts';
import { rootSecrets } from './composition/root-secrets.ts';
import { secretKeeping } from './composition/secret-keeping.ts';
import type { ThreadSecrets } from './composition/secrets.ts';
import { type GatewaySkills, gatewaySkills } from './composition/skills/gateway-skills.ts';
import { startNote } from './composition/start-note.ts';
import { Threads } from './composition/threads.ts';
import type { Tracing } from './composition/tracing/tracing.ts';
import { unavailableParts } from './composition/unavailable.ts';
import { keepUploads } from './composition/uploads.ts';
import { UserErasures } from './composition/user-erasure.ts';
import { vectorsHere } from './composition/vectors-here.ts';
import { webhookChannels } from './composition/webhook-channels.ts';
import type { WorkerHost } from './composition/workers.ts';
import { parseListen } from './config/listen.ts';
import type { Config } from './config/schema.ts';
import { Admission } from './edge/admission.ts';
import type { EdgePorts } from './edge/ports.ts';
import { createEdge } from './edge/server.ts';
import { type Failure, failure, SigilError, toFailure } from './errors.ts';
import { Redactor } from './secrets/redactor.ts';
import type { GatewayStore } from './stores/gateway-store.ts';
import { createRemoteGatewayStore } from './stores/remote/gateway-store.ts';
import { createReadStore, createSeqTracker, type SeqTracker } from './stores/remote/read-store.ts';
import type { ReadStore } from './stores/session-store.ts';
import { checkBeforeStart } from './stores/sqlite/start-check.ts';
import { createUsageStore } from './stores/usage-store.ts';

/** The file a worker of the pool begins with. */
const POOL_ENTRY = new URL(import.meta.url.endsWith('.ts') ? './pool.ts' : './pool.js', import.meta.url);

/** When it is begun to watch the configuration file, in milliseconds after the start. */
const WATCH_AFTER_MS = 200;
/** Time readers get at least to take the last events of turns that ended in the drain, in milliseconds. */
const LAST_READS_MS = 250;
/** How long a stop waits for the times at which tokens were last used to be written down, in milliseconds. */
const LAST_USES_MS = 1_000;

/**
 * See {@link StartGateway}.
 *
 * @param redactor what hides secrets in this process; the command line hides them in its errors with the same
 * @param workers where its threads come from: some may be on their way already
 */
export async function startGateway(
  asked: StartOptions,
  redactor = new Redactor(),
  workers = threadWorkers(),
): Promise<RunningGateway> {
  const { config, leftOut } = vectorsHere(asked.config);
  const options = { ...asked, config, wanted: asked.config, withoutVectors: leftOut };
  const { dataDir } = options;
  const socket = socketIn(dataDir);
  const lock = takeDataDir(dataDir, killPoints(process.env['SIGIL_KILL_AT']));
  try {
    const log = await createLog(config, options.logLevel, redactor, options.logFd);
    return await start(options, lock, socket, log, rootSecrets(config, dataDir, redactor), workers);
  } catch (error) {
    workers.dismiss?.();
    lock.release();
    throw error;
  }
}

function layoutOf(config: Config): Layout {
  const { threads, io_threads } = config.gateway;
  return { lanes: threads === 'auto' ? Math.max(1, availableParallelism() - 1) : threads, io: io_threads };
}

/** What is to be started: as it was asked for, and as it can run here. */
interface Start extends StartOptions {
  readonly wanted: Config;
  readonly withoutVectors: StartOptions['quarantined'];
}

async function start(
  options: Start,
  lock: Held,
  socket: string,
  log: ProcessLog,
  secrets: ThreadSecrets,
  workers: WorkerHost,
): Promise<RunningGateway> {
  const { config, dataDir } = options;
  const layout = layoutOf(config);
  const names = threadNames(layout);
  const traces = config.telemetry.otlp_endpoint === '' ? undefined : await import('./composition/tracing/tracing.ts');
  const { tokens, leftOut } = await tokenGrants(config, dataDir, secrets);
  const written: ConfigState = {
    config,
    started: options.wanted,
    declared: options.declared ?? options.wanted,
    file: options.configFile ?? null,
    applied_at: realWorld.iso(realWorld.now()),
    ...{ restart_pending: [], errors: [], errors_at: null, tokens },
    quarantined: [...options.quarantined, ...leftOut, ...unavailableParts(options.wanted)],
    left_out: [...options.withoutVectors],
  };
  const quarantined = (): StartOptions['quarantined'] => [...written.quarantined, ...written.left_out];
  const house: House = {
    layout,
    get config() {
      return written.config;
    },
    data_dir: dataDir,
    log_level: options.logLevel,
    counters: new SharedArrayBuffer(SharedCounter.bytes(names.length)),
    beats: new SharedArrayBuffer(names.length * Int32Array.BYTES_PER_ELEMENT),
    working: new SharedArrayBuffer(names.length * Int32Array.BYTES_PER_ELEMENT),
  };
  for (const { what, message, advice } of quarantined()) log.warn({ part: what }, `${message} ${advice}`);

  for (const error of checkBeforeStart(dataDir)) log.error({ error }, 'a workspace cannot be read');
  if (lock.restored) log.warn({ data_dir: dataDir }, 'a restore that had been cut short was finished');

  let lanesDrained = (_: number): void => undefined;
  const drained = new Promise<number>((resolve) => {
    lanesDrained = resolve;
  });
  const point = killPoints(process.env['SIGIL_KILL_AT']);
  point('start.locked');
  let lost = (_: number): void => undefined;
  const context = createContext({
    house,
    index: MAIN,
    life: 1,
    world: realWorld,
    log: log.write,
    point,
    secrets,
    drain: (done) => done(),
    onDown: (thread) => lost(thread),
  });
  const { bus } = context;
  const root = address('gateway', 'root');
  const from = address('thread', 'main');
  let over = (_: Failure | null): void => undefined;
  const closed = new Promise<void>((resolve, reject) => {
    over = (error) => (error === null ? resolve() : reject(new SigilError(error)));
  });
  // Whoever starts a gateway looks at this when it ends; until then nobody does.
  closed.catch(() => undefined);

  const place = placement(layout);
  const tellRemoved = (sought: (channel: Address) => boolean): void =>
    findRemovedChannels(context, sought, (left) => {
      if (written.left_out.some(({ what }) => what === left.what)) return;
      log.warn({ part: left.what }, `${left.message} ${left.advice}`);
      written.left_out.push(left);
      bus.send(root, 'gateway.quarantine', left, { from });
    });
  const directory = new RootDirectory(context, config);
  /** Those that are quarantined now. */
  const left_out = new Set<string>();
  const pool = hostEmbedder(context, POOL_ENTRY);
  hostPoolJobs(context, pool);
  const skills = gatewaySkills(context, pool, (workspace, set) => threads.tellSkills(workspace, set));
  const threads = new Threads({
    house,
    workers,
    world: realWorld,
    bus,
    secrets,
    directory: directory.people,
    skills: () => skills.all(),
    log: log.write,
    restarted: (thread, reason) => {
      log.warn({ thread, reason }, 'a thread ended and is started again');
      context.tell({ type: 'thread_lost', data: { thread, reason } });
      bus.send(root, 'gateway.thread_restarted', { thread, reason }, { from });
    },
    quarantined: (thread, error, rest_ms) => {
      const { code, message } = error;
      log.error({ thread, rest_ms, error }, 'a thread is left out until it has rested');
      const again = realWorld.iso(realWorld.now() + rest_ms);
      const advice = `It is tried again at ${again}; the log says what it ended with. Restart the gateway to try it at once.`;
      bus.send(root, 'gateway.quarantine', { what: `thread/${thread}`, code, message, advice }, { from });
      left_out.add(thread);
      // Without its journal or any lane a gateway serves nobody: better to end and be started again from outside.
      const lanes = names.filter((name) => name.startsWith('lane-'));
      if (thread === 'journal' || lanes.every((name) => left_out.has(name))) over(error);
    },
    released: (thread) => {
      log.warn({ thread }, 'a thread that was left out serves again');
      left_out.delete(thread);
      bus.send(root, 'gateway.released', { what: `thread/${thread}` }, { from });
    },
    restored: (thread, life) => {
      context.tell({ type: 'thread_started', data: { thread, life } });
      // A channel that its last life was taking out is none of this one's.
      if (thread.startsWith('io-')) tellRemoved((channel) => names[place(channel)] === thread);
    },
    reap: (pid) => {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch (error) {
        // It has ended meanwhile.
        log.debug({ pid, error }, 'a process group of a thread that ended is gone');
      }
    },
    unstoppable: (thread) => {
      log.error({ thread }, 'a thread cannot be ended; the process ends with it');
      // Everything that was acknowledged is in the journal, and whoever started this process starts it again.
      process.kill(process.pid, 'SIGKILL');
    },
  });
  const seen = createSeqTracker();
  const admission = new Admission(realWorld, (refused) =>
    log.warn({ refused }, 'there is more to do than can be done: messages were refused'),
  );
  const { store, gateway } = storesOf(context, directory, seen);
  const uploads = keepUploads({ dataDir, limits: () => house.config.attachments, world: realWorld });
  const erasures = new UserErasures({
    ...{ context, directory, store, dataDir, audit: gateway.auditLog, acknowledged: (seq) => seen.note(seq), uploads },
    memberOf: (user_id) =>
      [...directory.people.table.parts.members.entries()].flatMap(([id, members]) =>
        members.has(user_id) ? [id] : [],
      ),
  });
  const main = startMain(context, {
    admission,
    directory,
    enter: (user_id) => erasures.enter(user_id),
    quarantined,
    drained: (turns_left) => lanesDrained(turns_left),
    acknowledged: (seq) => seen.note(seq),
  });
  lost = (thread) => threadLost(context, main.actors, thread);
  let state: 'starting' | 'running' | 'draining' = 'starting';
  const neededBy = (of: Config): ReadonlySet<string | undefined> =>
    new Set(ioThreads(of).map((actor) => names[place(actor)]));
  const needed = neededBy(config);
  const resting = new Set(names.filter((thread) => thread.startsWith('io-') && !needed.has(thread)));
  const started = threads.start(resting);
  // The threads load while the edge does.
  started.catch(() => undefined);
  const shelved = skills.start();
  const { loading } = options;
  const configuration = runningConfiguration(written, () =>
    loading === undefined
      ? undefined
      : {
          ...{ context, state: written, dataDir, loading, log, directory, skills, threads, main },
          level_fixed: options.levelFixed ?? false,
          note: (action, details, result, by) =>
            void gateway.auditLog
              .note({ action, details, result }, by)
              .catch((error: unknown) => log.error({ error: toFailure(error), action }, 'not noted in the audit')),
          wake: (now) => {
            const wanted = neededBy(now);
            for (const name of [...resting].filter((thread) => wanted.has(thread))) {
              resting.delete(name);
              threads.wake(name);
            }
          },
        },
  );
  const tracing = traces?.startTracing({
    ...{ context, origins: log.origins, version: versionInfo().version, env: process.env },
    lanes: names.filter((name) => name.startsWith('lane-')),
  });
  const parts = {
    admission,
    context,
    directory,
    options,
    written,
    configuration,
    quarantined,
    log,
    resting,
    store,
    gateway,
    erasures,
    uploads,
    skills,
    tracing,
  };
  const edge = edgeOf({ ...parts, state: () => state });
  const stopAll = async (): Promise<void> => {
    configuration.stop();
    erasures.stop();
    uploads.stop();
    skills.stop();
    admission.close();
    await threads.stop();
    await pool.close();
    main.actors.stop();
    bus.close();
    context.heartbeat.stop();
    lock.release();
  };
  let url: string | null = null;
  try {
    await edge.listenSocket(socket);
    if (options.tcp) url = (await listen(edge, config)).url;
    point('start.listening');
    await started;
    await directory.loaded;
    await shelved;
  } catch (error) {
    await edge.close();
    await stopAll();
    throw error instanceof Error ? error : new SigilError(error as Failure);
  }
  if (url !== null) lock.update({ pid: process.pid, url, socket, started_at: realWorld.iso(realWorld.now()) });
  state = 'running';
  bus.send(root, 'gateway.started', {}, { from });
  // From here on a read need not ask for the latest: this process knows what it has acknowledged.
  bus.ask(address('store', 'journal'), 'journal.stats', {}, { from, within: 10_000 }, (answer) => {
    if (answer.ok) seen.began(answer.body.seq);
  });
  tellRemoved(() => true);
  erasures.resume();
  directory.note(startNote(config, quarantined()));
  log.info({ url, socket, threads: names.length, data_dir: dataDir }, 'the gateway runs');
  point('start.ready');
  // What a start need not wait for.
  const startWatching = realWorld.after(WATCH_AFTER_MS, () => {
    configuration
      .start()
      .catch((error: unknown) => log.error({ error: toFailure(error) }, 'the configuration file is not watched'));
  });

  let draining: Promise<void> | null = null;
  const drain = async (reason: string): Promise<void> => {
    log.info({ reason }, 'draining');
    state = 'draining';
    startWatching();
    configuration.stop();
    point('drain.begun');
    const over_at = realWorld.monotonic() + house.config.gateway.drain_timeout;
    askToDrain(context, reason);
    const turns_left = await drained;
    point('drain.lanes_done');
    // What the lanes have left of the time is the readers'; those who still wait then are told so. Who reads a turn that
    // waits for a person, or for the agent to be resumed, would wait in vain.
    const vain = turns_left > 0 || directory.paused !== null;
    await edge.close(vain ? LAST_READS_MS : Math.max(LAST_READS_MS, over_at - realWorld.monotonic()));
    await new Promise<void>((resolve) => {
      const late = realWorld.after(LAST_USES_MS, resolve);
      directory.flush(() => {
        late();
        resolve();
      });
    });
    await tracing?.close();
    await stopAll();
    log.info({ reason }, 'the gateway has ended');
    over(null);
  };
  return {
    url,
    socket,
    closed,
    reload: async (reason) => {
      try {
        await configuration.reload({ user_id: 'system', via: '' }, reason);
      } catch (thrown) {
        log.error({ error: toFailure(thrown), reason }, 'the configuration cannot be read again');
        throw thrown;
      }
    },
    drain: (reason) => {
      draining ??= drain(reason);
      return draining;
    },
  };
}

type Edge = ReturnType<typeof createEdge>;

async function listen(edge: Edge, config: Config): Promise<{ url: string }> {
  const { listen: text } = config.networking;
  const place = parseListen(text);
  if (place === undefined)
    throw new SigilError(failure('validation_failed', `networking.listen: ${text} is not HOST:PORT.`));
  try {
    return await edge.listenTcp(place.host, place.port);
  } catch (error) {
    const { code } = error as { code?: string };
    const why =
      code === 'EADDRINUSE'
        ? 'another program listens there'
        : code === 'EACCES'
          ? 'this user may not listen there'
          : String((error as Error).message);
    const advice = 'Choose another address with --listen HOST:PORT, or networking.listen in the configuration.';
    throw new SigilError(failure('conflict', `Cannot listen on ${text}: ${why}.`, { advice }));
  }
}

interface EdgeParts {
  readonly admission: Admission;
  readonly context: ThreadContext;
  readonly directory: RootDirectory;
  readonly options: StartOptions;
  readonly written: ConfigState;
  readonly configuration: RunningConfiguration;
  readonly quarantined: () => StartOptions['quarantined'];
  readonly log: ProcessLog;
  readonly store: ReadStore;
  readonly gateway: GatewayStore;
  readonly erasures: UserErasures;
  readonly uploads: EdgePorts['uploads'];
  readonly skills: GatewaySkills;
  readonly tracing: Tracing | undefined;
  readonly resting: ReadonlySet<string>;
  readonly state: EdgePorts['state'];
}

/** What main asks the other threads by. */
function storesOf(
  context: ThreadContext,
  directory: RootDirectory,
  seen: SeqTracker,
): { readonly store: ReadStore; readonly gateway: GatewayStore } {
  const { bus, world } = context;
  const from = address('thread', 'main');
  const store = createReadStore({ bus, from, seen });
  const date = (epoch: number): Date => new Date(epoch);
  const mint = (): ReturnType<typeof mintToken> => mintToken(() => world.uuid());
  const acknowledged = (seq: number): void => seen.note(seq);
  const codes = {
    mintCode: (channel: string) =>
      mintCode(
        channel,
        () => world.uuid(),
        () => world.now(),
      ),
  };
  return {
    store,
    gateway: createRemoteGatewayStore({
      ...{ bus, from, store, date, mint, ...codes, acknowledged },
      users: () => directory.configured.users,
      tokens: () => directory.configured.tokens,
    }),
  };
}

function edgeOf(parts: EdgeParts): Edge {
  const { admission, context, directory, options, written, quarantined, log, store, gateway, resting, state } = parts;
  const { bus, world, house } = context;
  const { version, commit } = versionInfo();
  const names = threadNames(house.layout);
  const place = placement(house.layout);
  const workspaces = perConfig(house, (config) => Object.keys(config.workspaces));
  const providers = perConfig(house, configuredProviders);
  const channels = perConfig(house, (config) => [...PULL_CHANNELS, ...Object.keys(config.channels)]);
  const takesWebhooks = perConfig(house, webhookChannels);
  const budgets = perConfig(house, budgetScopes);
  return createEdge({
    bus,
    store,
    gateway,
    usage: createUsageStore(store, (epoch) => new Date(epoch)),
    erasure: parts.erasures,
    ...(parts.uploads === undefined ? {} : { uploads: parts.uploads }),
    // The tools are loaded when somebody asks: main itself never runs one.
    capabilities: {
      matrix: async () => (await import('./composition/capability-report.ts')).capabilityMatrix(house.config),
      explain: async (...asked) =>
        (await import('./composition/capability-report.ts')).explainCapability(
          house.config,
          directory.people.table,
          ...asked,
        ),
    },
    live: directory,
    world,
    get config() {
      return house.config;
    },
    configuration: parts.configuration,
    get tokens() {
      return written.tokens;
    },
    redactor: context.secrets.redactor,
    log,
    lines: log.kept,
    ...(parts.tracing === undefined ? {} : { tracing: parts.tracing }),
    began: (turn_id, request_id) => log.origins.note(turn_id, request_id),
    version,
    commit,
    get threads() {
      return names.filter((thread) => !resting.has(thread));
    },
    get resting() {
      return [...resting];
    },
    threadOf: (of) => names[place(of)] ?? '',
    get workspaces() {
      return workspaces();
    },
    places: directory,
    agent: directory,
    get providers() {
      return providers();
    },
    get channels() {
      return channels();
    },
    takesWebhooks: (channel) => takesWebhooks()(channel),
    get budgets() {
      return budgets();
    },
    state,
    get quarantined() {
      return quarantined();
    },
    admission,
    inspector: async () => (await import('./composition/inspector-files.ts')).inspectorFiles(),
    point: context.point,
    skills: parts.skills.keeping,
    secrets: secretKeeping(house, options.dataDir, context.secrets.redactor),
    backup: backupSource(threadEntry('backup'), {
      dataDir: options.dataDir,
      version,
      configFile: options.configFile ?? null,
    }),
  });
}
