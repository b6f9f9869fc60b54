// SPDX-License-Identifier: Apache-2.0
// The gateway a chat talks to: one that runs, or one it starts inside itself, and another when that one goes away.

import { setTimeout as sleep } from 'node:timers/promises';
import { toFailure } from '../errors.ts';
import { toCliError } from './cli-error.ts';
import { GatewayClient, isConnectionError, type Target } from './client.ts';
import type { Call } from './command.ts';
import { quarantinedParts, runnableConfigOf } from './config-source.ts';
import { dataDirOf, namedUrl, routeTo, socketOf } from './connect.ts';
import type { RunningGateway } from './running-gateway.ts';

/** A gateway that holds the data directory may be starting or draining for this long. */
const PATIENCE_MS = 45_000;
const POLL_MS = 100;
const PROBE_TIMEOUT_MS = 3_000;

/** A chat's way to its gateway. */
export interface ChatLink {
  /** The gateway in use; found or started when there is none. */
  client(): Promise<GatewayClient>;
  /** The gateway in use is gone: the next call finds or starts another. */
  lost(): void;
  /** Whether another gateway may take the place of one that is gone. */
  readonly replaceable: boolean;
  /** Whether a gateway is in use. */
  readonly connected: boolean;
  /** Whether it runs inside this process. */
  readonly hosting: boolean;
  /** Drains a gateway inside this process. */
  close(reason: string): Promise<void>;
}

/** How a gateway inside a chat is started. */
export interface LinkOptions {
  /** Level of its log on stderr. */
  readonly logLevel: string;
}

/** Finds or starts gateways for a chat. */
export class LocalLink implements ChatLink {
  readonly #call: Call;
  readonly #options: LinkOptions;
  #client: GatewayClient | undefined;
  #hosted: RunningGateway | undefined;

  constructor(call: Call, options: LinkOptions, hosted?: RunningGateway) {
    this.#call = call;
    this.#options = options;
    if (hosted !== undefined) this.#host(hosted);
  }

  get hosting(): boolean {
    return this.#hosted !== undefined;
  }

  get replaceable(): boolean {
    return namedUrl(this.#call) === undefined;
  }

  get connected(): boolean {
    return this.#client !== undefined;
  }

  async client(): Promise<GatewayClient> {
    this.#client ??= await this.#find();
    return this.#client;
  }

  lost(): void {
    this.#client = undefined;
  }

  async close(reason: string): Promise<void> {
    await this.#hosted?.drain(reason);
    this.#hosted = undefined;
  }

  async #find(): Promise<GatewayClient> {
    const url = namedUrl(this.#call);
    // A gateway that was named is the one that is meant, running or not.
    if (url !== undefined) return this.#clientOf({ kind: 'url', url });
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const running = await this.#running();
      if (running !== undefined) return running;
      try {
        return await this.#start();
      } catch (thrown) {
        // Another process was faster, or the one that goes away has not let go of the data yet.
        if (toFailure(thrown).code !== 'conflict' || Date.now() > deadline) throw toCliError(thrown);
        await sleep(POLL_MS);
      }
    }
  }

  #clientOf(target: Target): GatewayClient {
    return new GatewayClient(routeTo(this.#call, target));
  }

  /** The gateway of this data directory, if one answers. */
  async #running(): Promise<GatewayClient | undefined> {
    const client = this.#clientOf({ kind: 'socket', path: socketOf(dataDirOf(this.#call)) });
    try {
      await client.get('/health', { timeoutMs: PROBE_TIMEOUT_MS });
      return client;
    } catch (error) {
      if (isConnectionError(error)) return undefined;
      throw error;
    }
  }

  async #start(): Promise<GatewayClient> {
    const { config, declared, quarantined, source } = await runnableConfigOf(this.#call);
    const gateway = await this.#call.composition.startGateway({
      ...{ config, declared, configFile: source.file ?? null, levelFixed: true },
      loading: { flags: {}, flagNames: {} },
      dataDir: dataDirOf(this.#call),
      quarantined: quarantinedParts(quarantined),
      tcp: false,
      logLevel: this.#options.logLevel,
    });
    return this.#host(gateway);
  }

  #host(gateway: RunningGateway): GatewayClient {
    const client = this.#clientOf({ kind: 'socket', path: gateway.socket });
    this.#hosted = gateway;
    this.#client = client;
    const gone = () => {
      if (this.#hosted !== gateway) return;
      this.#hosted = undefined;
      this.#client = undefined;
    };
    // How it failed is in its log; the chat finds or starts another at its next message.
    gateway.closed.then(gone, gone);
    return client;
  }
}
