// SPDX-License-Identifier: Apache-2.0
// The edge as the gateway puts it together: what it asks of the threads, of the root and of this process, and where it listens.

import { address } from '../bus/address.ts';
import { placement, threadNames } from '../bus/layout.ts';
import type { StartOptions } from '../cli/running-gateway.ts';
import { versionInfo } from '../cli/version.ts';
import { parseListen } from '../config/listen.ts';
import type { Config } from '../config/schema.ts';
import type { Admission } from '../edge/admission.ts';
import type { EdgePorts } from '../edge/ports.ts';
import { createEdge } from '../edge/server.ts';
import { failure, SigilError } from '../errors.ts';
import type { GatewayStore } from '../stores/gateway-store.ts';
import { createRemoteGatewayStore } from '../stores/remote/gateway-store.ts';
import { createReadStore, type SeqTracker } from '../stores/remote/read-store.ts';
import type { ReadStore } from '../stores/session-store.ts';
import { createUsageStore } from '../stores/usage-store.ts';
import { backupSource } from './backup-job.ts';
import { PULL_CHANNELS } from './channel-types.ts';
import { budgetScopes, configuredProviders } from './config-scopes.ts';
import type { ThreadContext } from './context.ts';
import { threadEntry } from './early-threads.ts';
import type { ProcessLog } from './log.ts';
import { mintToken } from './owner-token.ts';
import { mintCode } from './pairing-code.ts';
import { perConfig } from './per-config.ts';
import type { RunningConfiguration } from './reload/live-configuration.ts';
import type { ConfigState } from './reload/live-parts.ts';
import type { RootDirectory } from './root-directory.ts';
import { secretKeeping } from './secret-keeping.ts';
import type { GatewaySkills } from './skills/gateway-skills.ts';
import type { Tracing } from './tracing/tracing.ts';
import type { UserErasures } from './user-erasure.ts';
import { webhookChannels } from './webhook-channels.ts';

export type GatewayEdge = ReturnType<typeof createEdge>;

/** What the edge is made of. */
export interface EdgeParts {
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
export function gatewayStores(
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

/** The edge over this process's ports to everything else. */
export function gatewayEdge(parts: EdgeParts): GatewayEdge {
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
      matrix: async () => (await import('./capability-report.ts')).capabilityMatrix(house.config),
      explain: async (...asked) =>
        (await import('./capability-report.ts')).explainCapability(house.config, directory.people.table, ...asked),
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
    inspector: async () => (await import('./inspector-files.ts')).inspectorFiles(),
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

/** Opens the edge's port. @throws SigilError that says why it cannot be, and what to do */
export async function listenTcp(edge: GatewayEdge, config: Config): Promise<{ url: string }> {
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
