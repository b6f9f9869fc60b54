// SPDX-License-Identifier: Apache-2.0
// What the audit is told of a start: the version, what was left out, and a fingerprint of the configuration.

import { hash } from 'node:crypto';
import type { Quarantined } from '../actors/gateway/protocol.ts';
import { versionInfo } from '../cli/version.ts';
import type { Config } from '../config/schema.ts';
import { configShow } from '../config/show.ts';
import { type AuditNote, auditNote } from '../stores/audit.ts';

/** Parts that are left out and named. */
const NAMED_MOST = 100;

/** The fingerprint tells another configuration from the same; every secret is hidden in what it is made of. */
export function startNote(config: Config, quarantined: readonly Quarantined[]): AuditNote {
  const { version, commit } = versionInfo();
  const left_out = quarantined.map(({ what }) => what).slice(0, NAMED_MOST);
  const config_sha256 = hash('sha256', JSON.stringify(configShow(config)));
  return auditNote('config.applied', 'system', { version, commit, config_sha256, left_out });
}
