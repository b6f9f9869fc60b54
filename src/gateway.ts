// SPDX-License-Identifier: Apache-2.0
// The gateway, put together: data directory, threads, root, edge; started in the order of the tree, drained in reverse.

import { availableParallelism } from 'node:os';
import { address } from './bus/address.ts';
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
import { THREAD_ENTRY, threadWorkers } from './composition/early-threads.ts';
import { hostEmbedder } from './composition/embedder.ts';
import { ioThreads } from './composition/io-threads.ts';
import { killPoints } from './composition/kill-points.ts';
import { createLog, type ProcessLog } from './composition/log.ts';
import { askToDrain, startMain, threadLost } from './composition/main-role.ts';
import { mintToken, tokenGrants } from './composition/owner-token.ts';
import { mintCode } from './composition/pairing-code.ts';
import { hostPoolJobs } from './composition/pool-jobs.ts';
import { realWorld } from './composition/real-world.ts';
import { findRemovedChannels } from './composition/removed-channels.ts';
import { RootDirectory } from './composition/root-directory.ts';
import { rootSecrets } from './composition/root-secrets.ts';
import { secretKeeping } from './composition/secret-keeping.ts';
import type { ThreadSecrets } from './composition/secrets.ts';
import { type GatewaySkills, gatewaySkills } from './composition/skills/gateway-skills.ts';
import { startNote } from './composition/start-note.ts';
import { Threads } from './composition/threads.ts';
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
import { type Failure, failure, SigilError } from './errors.ts';
import { Redactor } from './secrets/redactor.ts';
import type { GatewayStore } from './stores/gateway-store.ts';
import { createRemoteGatewayStore } from './stores/remote/gateway-store.ts';
import { createReadStore, createSeqTracker, type SeqTracker } from './stores/remote/read-store.ts';
import type { ReadStore } from './stores/session-store.ts';
import { checkBeforeStart } from './stores/sqlite/start-check.ts';
import { createUsageStore } from './stores/usage-store.ts';

/** The file a worker of the pool begins with. */
const POOL_ENTRY = new URL(import.meta.url.endsWith('.ts') ? './pool.ts' : './pool.js', import.meta.url);

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
  const options = { ...asked, config, quarantined: [...asked.quarantined, ...leftOut] };
  const { dataDir } = options;
  const socket = socketIn(dataDir);
  const lock = takeDataDir(dataDir, killPoints(process.env['SIGIL_KILL_AT']));
  try {
    const log = await createLog(config, options.logLevel, redactor);
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

async function start(
  options: StartOptions,
  lock: Held,
  socket: string,
  log: ProcessLog,
  secrets: ThreadSecrets,
  workers: WorkerHost,
): Promise<RunningGateway> {
  const { config, dataDir } = options;
  const layout = layoutOf(config);
  const names = threadNames(layout);
  const house: House = {
    layout,
    config,
    data_dir: dataDir,
    counters: new SharedArrayBuffer(SharedCounter.bytes(names.length)),
    beats: new SharedArrayBuffer(names.length * Int32Array.BYTES_PER_ELEMENT),
    working: new SharedArrayBuffer(names.length * Int32Array.BYTES_PER_ELEMENT),
  };
  const { tokens, leftOut } = await tokenGrants(config, dataDir, secrets);
  const quarantined = [...options.quarantined, ...leftOut, ...unavailableParts(config)];
  for (const { what, message, advice } of quarantined) log.warn({ part: what }, `${message} ${advice}`);

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
  const uploads = keepUploads({ dataDir, limits: config.attachments, world: realWorld });
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
  lost = (thread) => threadLost(context, main, thread);
  let state: 'starting' | 'running' | 'draining' = 'starting';
  const needed = new Set(ioThreads(config).map((of) => names[placement(layout)(of)]));
  const resting = new Set(names.filter((thread) => thread.startsWith('io-') && !needed.has(thread)));
  const started = threads.start(resting);
  // The threads load while the edge does.
  started.catch(() => undefined);
  const shelved = skills.start();
  const parts = {
    admission,
    context,
    directory,
    options,
    tokens,
    quarantined,
    log,
    resting,
    store,
    gateway,
    erasures,
    uploads,
    skills,
  };
  const edge = edgeOf({ ...parts, state: () => state });
  const stopAll = async (): Promise<void> => {
    erasures.stop();
    uploads.stop();
    skills.stop();
    admission.close();
    await threads.stop();
    await pool.close();
    main.stop();
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
  findRemovedChannels(context, (left) => {
    log.warn({ part: left.what }, `${left.message} ${left.advice}`);
    quarantined.push(left);
  });
  erasures.resume();
  directory.note(startNote(config, quarantined));
  log.info({ url, socket, threads: names.length, data_dir: dataDir }, 'the gateway runs');
  point('start.ready');

  let draining: Promise<void> | null = null;
  const drain = async (reason: string): Promise<void> => {
    log.info({ reason }, 'draining');
    state = 'draining';
    point('drain.begun');
    const over_at = realWorld.monotonic() + config.gateway.drain_timeout;
    askToDrain(context, reason);
    const turns_left = await drained;
    point('drain.lanes_done');
    // What the lanes have left of the time is the readers'; those who still wait then are told so. Who reads a turn that
    // waits for a person would wait in vain.
    await edge.close(turns_left > 0 ? LAST_READS_MS : Math.max(LAST_READS_MS, over_at - realWorld.monotonic()));
    await new Promise<void>((resolve) => {
      const late = realWorld.after(LAST_USES_MS, resolve);
      directory.flush(() => {
        late();
        resolve();
      });
    });
    await stopAll();
    log.info({ reason }, 'the gateway has ended');
    over(null);
  };
  return {
    url,
    socket,
    closed,
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
  readonly tokens: EdgePorts['tokens'];
  readonly quarantined: StartOptions['quarantined'];
  readonly log: ProcessLog;
  readonly store: ReadStore;
  readonly gateway: GatewayStore;
  readonly erasures: UserErasures;
  readonly uploads: EdgePorts['uploads'];
  readonly skills: GatewaySkills;
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
  const { users, tokens } = directory.configured;
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
    gateway: createRemoteGatewayStore({ bus, from, store, date, mint, ...codes, users, tokens, acknowledged }),
  };
}

function edgeOf(parts: EdgeParts): Edge {
  const { admission, context, directory, options, quarantined, log, store, gateway, resting, state } = parts;
  const { config } = options;
  const { bus, world, house } = context;
  const { version, commit } = versionInfo();
  const names = threadNames(house.layout);
  const place = placement(house.layout);
  return createEdge({
    bus,
    store,
    gateway,
    usage: createUsageStore(store, (epoch) => new Date(epoch)),
    erasure: parts.erasures,
    ...(parts.uploads === undefined ? {} : { uploads: parts.uploads }),
    // The tools are loaded when somebody asks: main itself never runs one.
    capabilities: {
      matrix: async () => (await import('./composition/capability-report.ts')).capabilityMatrix(config),
      explain: async (...asked) =>
        (await import('./composition/capability-report.ts')).explainCapability(
          config,
          directory.people.table,
          ...asked,
        ),
    },
    live: directory,
    world,
    config,
    tokens: parts.tokens,
    redactor: context.secrets.redactor,
    log,
    version,
    commit,
    threads: names.filter((thread) => !resting.has(thread)),
    resting: [...resting],
    threadOf: (of) => names[place(of)] ?? '',
    workspaces: Object.keys(config.workspaces),
    places: directory,
    providers: configuredProviders(config),
    channels: [...PULL_CHANNELS, ...Object.keys(config.channels)],
    takesWebhooks: webhookChannels(config),
    budgets: budgetScopes(config),
    state,
    quarantined,
    admission,
    point: context.point,
    skills: parts.skills.keeping,
    secrets: secretKeeping(config, options.dataDir, context.secrets.redactor),
    backup: backupSource(THREAD_ENTRY, { dataDir: options.dataDir, version, configFile: options.configFile ?? null }),
  });
}
