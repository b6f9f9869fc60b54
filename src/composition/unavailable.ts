// SPDX-License-Identifier: Apache-2.0
// What the config may ask for and this version does not have: said at the start and in status, never silently ignored.

import type { Quarantined } from '../actors/gateway/protocol.ts';
import type { Config } from '../config/schema.ts';
import { plugins } from '../config/schema-places.ts';

/** Settings that have no effect in this version. */
export function unavailableParts(config: Config): readonly Quarantined[] {
  const parts: Quarantined[] = [];
  const missing = (what: string, message: string, advice: string): void => {
    parts.push({ what, code: 'validation_failed', message: `${message} is not available in this version.`, advice });
  };
  if (config.networking.mode !== 'local')
    missing('networking.mode', config.networking.mode, 'The gateway listens on networking.listen.');
  if (config.storage.backend !== 'sqlite') missing('storage.backend', config.storage.backend, 'SQLite is used.');
  if (config.cluster.enabled) missing('cluster.enabled', 'A cluster', 'This gateway runs alone.');
  // They are read by nothing yet: said when somebody has set one.
  if (JSON.stringify(config.plugins) !== JSON.stringify(plugins.parse({}, { jitless: true })))
    missing('plugins', 'What it sets', 'It has no effect.');
  return parts;
}
