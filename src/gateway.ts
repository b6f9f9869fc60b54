// SPDX-License-Identifier: Apache-2.0
// The gateway, put together: data directory, threads, root, edge; started in the order of the tree, drained in reverse.

import { availableParallelism } from 'node:os';
import { type Address, address } from './bus/address.ts';
import { SharedCounter } from './bus/counter.ts';
import { type Layout, MAIN, placement, threadNames } from './bus/layout.ts';
import type { RunningGateway, StartOptions } from './cli/running-gateway.ts';
import { versionInfo } from './cli/version.ts';
import type { House } from './composition/boot.ts';
import { createContext } from './composition/context.ts';
import { type Held, socketIn, takeDataDir } from './composition/data-dir.ts';
import { threadWorkers } from './composition/early-threads.ts';
import { hostEmbedder } from './composition/embedder.ts';
import { gatewayEdge, gatewayStores, listenTcp } from './composition/gateway-edge.ts';
import { ioThreads } from './composition/io-threads.ts';
import { killPoints } from './composition/kill-points.ts';
import { createLog, type ProcessLog } from './composition/log.ts';
import { askToDrain, startMain, threadLost } from './composition/main-role.ts';
import { tokenGrants } from './composition/owner-token.ts';
import { hostPoolJobs } from './composition/pool-jobs.ts';
import { realWorld } from './composition/real-world.ts';
import { runningConfiguration } from './composition/reload/live-configuration.ts';
import type { ConfigState } from './composition/reload/live-parts.ts';
import { findRemovedChannels } from './composition/removed-channels.ts';
import { RootDirectory } from './composition/root-directory.ts';
import { rootSecrets } from './composition/root-secrets.ts';
import type { ThreadSecrets } from './composition/secrets.ts';
import { gatewaySkills } from './composition/skills/gateway-skills.ts';
import { startNote } from './composition/start-note.ts';
import { threadReports } from './composition/thread-reports.ts';
import { Threads } from './composition/threads.ts';
import { unavailableParts } from './composition/unavailable.ts';
import { keepUploads } from './composition/uploads.ts';
import { UserErasures } from './composition/user-erasure.ts';
import { vectorsHere } from './composition/vectors-here.ts';
import type { WorkerHost } from './composition/workers.ts';
import type { Config } from './config/schema.ts';
import { Admission } from './edge/admission.ts';
import { type Failure, SigilError, toFailure } from './errors.ts';
import { Redactor } from './secrets/redactor.ts';
import { createSeqTracker } from './stores/remote/read-store.ts';
import { checkBeforeStart } from './stores/sqlite/start-check.ts';

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
    ...threadReports({
      context,
      log,
      // A channel that its last life was taking out is none of this one's.
      restored: (thread) => {
        if (thread.startsWith('io-')) tellRemoved((channel) => names[place(channel)] === thread);
      },
      over: (error) => over(error),
    }),
  });
  const seen = createSeqTracker();
  const admission = new Admission(realWorld, (refused) =>
    log.warn({ refused }, 'there is more to do than can be done: messages were refused'),
  );
  const { store, gateway } = gatewayStores(context, directory, seen);
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
  const edge = gatewayEdge({ ...parts, state: () => state });
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
    if (options.tcp) url = (await listenTcp(edge, config)).url;
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
