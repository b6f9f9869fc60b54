// SPDX-License-Identifier: Apache-2.0
// The one schema of `sigil.yaml`: types, defaults, reference texts and JSON Schema all come from it.

import { z } from 'zod';
import { duration, shaped, size } from './fields.ts';
import { agent, models, providers, sessions } from './schema-agent.ts';
import { auth, cluster, gateway, logging, networking, security, storage, telemetry } from './schema-gateway.ts';
import { channels, mcp, plugins, tools, users, workspaces } from './schema-places.ts';

/** The whole configuration. The order of keys is the order of `config show` and of the reference. */
export const ConfigSchema = z
  .strictObject({
    networking,
    auth,
    gateway,
    storage,
    cluster,
    providers,
    models,
    agent,
    sessions,
    workspaces,
    users,
    channels,
    plugins,
    outbox: z
      .strictObject({
        max_age: duration('1s', '24d').prefault('24h').describe('A reply not sent for this long is given up, visibly.'),
      })
      .prefault({})
      .describe('Replies on their way to a platform.'),
    approvals: z
      .strictObject({
        timeout: duration('1s', '24d').prefault('1h').describe('A tool call not approved for this long is denied.'),
      })
      .prefault({})
      .describe('Tool calls that wait for a person.'),
    tools,
    mcp,
    secrets: z
      .strictObject({
        backend: z
          .enum(['auto', 'keyring', 'file', 'env'])
          .default('auto')
          .describe(
            'Where `keyring://service/account` leads: the keyring, the file `secrets.age` in the data directory, or `SIGIL_SECRET_*` variables; `auto` = the keyring where a session has one, else the file.',
          ),
      })
      .prefault({})
      .describe('Secrets.'),
    attachments: z
      .strictObject({
        max_size: size('1KB', '1GB').prefault('25MB').describe('Largest attachment; 1 MB is 1024 × 1024 bytes.'),
        types: z
          .array(shaped(/^[a-z0-9.+*-]+\/[a-z0-9.+*-]+$/i, 'a media type such as image/png or image/*'))
          .max(1000)
          .default([])
          .describe('Media types accepted; empty = all.'),
      })
      .prefault({})
      .describe('Files sent along.'),
    security,
    logging,
    telemetry,
  })
  .describe(
    'Configuration of a Sigil gateway. Durations: 500ms, 30s, 15m, 24h, 30d or milliseconds. Sizes: 512KB, 1MB (1024-based) or bytes.',
  );

/** What may be written in the file: everything optional, durations and sizes as text or number. */
export type ConfigInput = z.input<typeof ConfigSchema>;

/** Readonly all the way down. */
export type DeepReadonly<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly DeepReadonly<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
      : T;

/** The parsed configuration: frozen, every default filled in, durations in milliseconds, sizes in bytes. */
export type Config = DeepReadonly<z.output<typeof ConfigSchema>>;

/** A secret as written in the configuration; a resolver of secrets turns it into its text. */
export type SecretRef = Config['auth']['tokens'][number]['token'];

/** Freezes a plain value and everything in it. */
export function deepFreeze<T>(value: T): DeepReadonly<T> {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value as DeepReadonly<T>;
}

/** The configuration of an empty machine. */
export function defaultConfig(): Config {
  return deepFreeze(ConfigSchema.parse({}, { jitless: true }));
}
