// SPDX-License-Identifier: Apache-2.0
// The part of the configuration about the process itself: network, access, threads, storage, limits, logs.

import { z } from 'zod';
import {
  duration,
  fieldFacts,
  httpUrl,
  permission,
  secret,
  secretUrl,
  shaped,
  size,
  text,
  userId,
  whole,
} from './fields.ts';
import { parseListen } from './listen.ts';

const listen = z
  .string()
  .refine((value) => parseListen(value) !== undefined, { error: 'is not host:port' })
  .register(fieldFacts, { kind: 'text', allowed: 'host:port, such as 127.0.0.1:18789, localhost:0 or [::1]:18789' });

const hostname = shaped(/^(\*\.)?[A-Za-z0-9._-]{1,253}$|^\[[0-9A-Fa-f:.]+\]$/, 'a host name without a port');
const origin = shaped(/^https?:\/\/[^\s/*]+$/i, 'an origin such as https://chat.example.org, without a path');
const network = z
  .union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()], { error: 'is not a network' })
  .register(fieldFacts, { kind: 'text', allowed: 'a network such as 10.0.0.0/8 or fd00::/8, or one address' });

/** `networking`: where the gateway listens and whom it lets knock. */
export const networking = z
  .strictObject({
    mode: z
      .enum(['local', 'tailscale'])
      .default('local')
      .describe('`local` listens on `listen`; `tailscale` also joins a tailnet.'),
    listen: listen
      .default('127.0.0.1:18789')
      .describe('Host and port to listen on. Port 0 lets the system choose one.'),
    allowed_hosts: z
      .array(hostname)
      .max(1000)
      .default([])
      .describe('Extra `Host` values accepted (guard against DNS rebinding); loopback names always are.'),
    cors_origins: z
      .array(origin)
      .max(1000)
      .default([])
      .describe('Browser origins besides its own that may call the API.'),
    trusted_proxies: z.array(network).max(1000).default([]).describe('Networks whose `X-Forwarded-For` counts.'),
    rate_limit_rps: whole(0, 1_000_000).default(0).describe('Requests a second per client address; 0 = off.'),
    rate_limit_burst: whole(0, 1_000_000)
      .default(0)
      .describe('Requests a client address may make at once above the rate.'),
    chat_rate_limit_rpm: whole(0, 1_000_000)
      .default(30)
      .describe('Chat messages a minute per user (or address); 0 = off.'),
    chat_rate_limit_burst: whole(0, 1_000_000)
      .default(10)
      .describe('Chat messages a user may send at once above the rate.'),
    chat_max_concurrent_streams: whole(1, 100_000).default(5).describe('Open chat streams per user (or address).'),
    tailscale: z
      .strictObject({
        hostname: shaped(/^$|^[A-Za-z0-9-]{1,63}$/, 'a host name of letters, digits and "-"')
          .default('')
          .describe("Name on the tailnet; empty = the machine's own."),
        auth_key: secret().prefault('').describe('Tailscale auth key.'),
        node_auth: z
          .strictObject({
            required_tag: shaped(/^$|^tag:[A-Za-z0-9-]{1,60}$/, 'a tag such as tag:agent-node')
              .default('tag:agent-node')
              .describe('Tag a node must carry to connect.'),
          })
          .prefault({})
          .describe('How nodes on the tailnet prove themselves.'),
      })
      .prefault({})
      .describe('Used when `mode` is `tailscale`.'),
  })
  .prefault({})
  .describe('Where the gateway listens and whom it answers.');

/** `auth`: who may use the API. */
export const auth = z
  .strictObject({
    mode: z
      .enum(['token', 'none'])
      .default('token')
      .describe('`none` asks for no token; only on a loopback `networking.listen`.'),
    tokens: z
      .array(
        z.strictObject({
          token: secret()
            .refine((value) => value !== '', { error: 'is empty' })
            .describe('The bearer token.'),
          user_id: userId().describe('The user who speaks with it.'),
          name: text(200).default('').describe('What it is for.'),
          permissions: z
            .array(permission())
            .max(1000)
            .optional()
            .describe('What it may do; unset = whatever its user may.'),
        }),
      )
      .max(10_000)
      .default([])
      .describe('API tokens. With none, the first start makes one for the owner.'),
  })
  .prefault({})
  .describe('Access to the API.');

/** `gateway`: threads, mailboxes and patience. */
export const gateway = z
  .strictObject({
    threads: z
      .union([z.literal('auto'), whole(1, 256)], { error: 'is neither' })
      .register(fieldFacts, { kind: 'text', allowed: 'auto, or a whole number from 1 to 256' })
      .default('auto')
      .describe('Lane threads; `auto` = cores - 1, at least 1.'),
    io_threads: whole(1, 64).default(1).describe('Threads for channels.'),
    drain_timeout: duration('0s', '1h')
      .prefault('30s')
      .describe('How long a stopping gateway waits for running turns.'),
    watchdog: duration('100ms', '10m').prefault('10s').describe('A thread silent this long is replaced.'),
    awake_max: whole(1, 10_000_000).default(5000).describe('Awake sessions per lane thread; past it idle ones sleep.'),
    mailbox_capacity: whole(1, 1_000_000)
      .default(1024)
      .describe('Waiting messages per actor; past it a sender gets `overloaded`.'),
    session_idle_timeout: duration('1s', '24d')
      .prefault('15m')
      .describe('An idle lane is put to sleep after this long.'),
  })
  .prefault({})
  .describe('How the process works.');

const backend = z.enum(['sqlite', 'postgres']);
const override = () => z.strictObject({ backend: backend.optional().describe('Overrides `storage.backend`.') });

/** `storage`: what is kept, where, how safely. */
export const storage = z
  .strictObject({
    backend: backend.default('sqlite').describe('Where data is kept.'),
    durability: z
      .enum(['full', 'normal'])
      .default('full')
      .describe('`full` syncs every group commit to disk; `normal` may lose the last moments to a power cut.'),
    journal_retention: duration('1h', '3650d')
      .prefault('30d')
      .describe('How long rows of the journal are kept at least; older ones that nobody needs are trimmed.'),
    session: override().prefault({}).describe('Session store.'),
    memory: override()
      .extend({ knowledge: override().prefault({}).describe('Knowledge store.') })
      .prefault({})
      .describe('Memory stores.'),
    vector: z
      .strictObject({
        backend: z.enum(['sqlite_vec']).default('sqlite_vec').describe('Where vectors are kept.'),
        dimensions: whole(1, 16_384)
          .default(384)
          .describe('Numbers in a vector; must be what the embedding model gives.'),
      })
      .prefault({})
      .describe('Vector store.'),
    gateway: override().prefault({}).describe('Store of users, pairings, audit.'),
    postgres: z
      .strictObject({
        url: secretUrl().prefault('').describe('Connection URL, `postgres://user:password@host/database`.'),
      })
      .prefault({})
      .describe('Used where a `backend` is `postgres`.'),
  })
  .prefault({})
  .describe('Where data is kept and how safely.');

/** `cluster`: several gateways as one. */
export const cluster = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Join other gateways.'),
    nats: z
      .strictObject({
        servers: z
          .array(shaped(/^(nats|tls|ws|wss):\/\/\S+$/, 'a URL such as nats://127.0.0.1:4222'))
          .min(1)
          .max(64)
          .default(['nats://127.0.0.1:4222'])
          .describe('NATS servers.'),
      })
      .prefault({})
      .describe('The message broker between gateways.'),
  })
  .prefault({})
  .describe('Several gateways working as one.');

const scannerMode = z.enum(['block', 'flag', 'redact', 'off']);

/** `security`: the content scanner. */
export const security = z
  .strictObject({
    scanner: z
      .strictObject({
        input: scannerMode
          .default('block')
          .describe('What happens to a message that looks like an attack; `redact` also cuts secrets out of it.'),
        tool: scannerMode
          .default('flag')
          .describe('What happens to a result of a tool that looks like an attack, or holds a secret.'),
        output: scannerMode
          .default('redact')
          .describe(
            'What happens to a reply that holds a secret. Those the gateway itself holds are hidden in every mode.',
          ),
        limits: z
          .strictObject({
            max_content_length: size('1KB', '64MB')
              .prefault('1MB')
              .describe('Longest message accepted; over HTTP never more than 1MB.'),
            max_tool_result_scan_size: size('1KB', '64MB')
              .prefault('1MB')
              .describe('As much of a result of a tool is scanned; the rest is marked as unscanned.'),
            max_tool_content_scan_size: size('1KB', '64MB')
              .prefault('512KB')
              .describe('As much of one piece of text in a result is scanned.'),
          })
          .prefault({})
          .describe('How much is scanned. Sizes are 1024-based.'),
      })
      .prefault({})
      .describe('Looks for injections and secrets.'),
  })
  .prefault({})
  .describe('Content safety.');

/** `logging`: what goes to stderr. */
export const logging = z
  .strictObject({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .default('info')
      .describe('Least severe level written.'),
    format: z
      .enum(['auto', 'pretty', 'json'])
      .default('auto')
      .describe('`auto` = pretty on a terminal, JSON lines otherwise.'),
  })
  .prefault({})
  .describe('Logs.');

/** `telemetry`: traces and metrics. */
export const telemetry = z
  .strictObject({
    otlp_endpoint: httpUrl()
      .default('')
      .describe('Collector that takes traces, OTLP over HTTP, such as http://127.0.0.1:4318; empty = none are made.'),
    metrics: z.boolean().default(true).describe('Serve `/metrics`.'),
  })
  .prefault({})
  .describe('Traces and metrics.');
