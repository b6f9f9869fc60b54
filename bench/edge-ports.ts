// SPDX-License-Identifier: Apache-2.0
// An edge for a measurement: one owner, no limits, and sessions that exist as soon as they are asked for.

import { createHash } from 'node:crypto';
import { realWorld } from '../src/composition/real-world.ts';
import { defaultConfig } from '../src/config/schema.ts';
import type { EdgePorts } from '../src/edge/ports.ts';
import type { ReadStore, SessionRow } from '../src/stores/session-store.ts';

export const TOKEN = 'a-token-of-ordinary-length-for-the-bench';
const STREAMS_MOST = 10_000;

export function benchPorts(bus: EdgePorts['bus']): EdgePorts {
  const quiet = (): void => undefined;
  const base = defaultConfig();
  const at = '2026-01-01T00:00:00.000Z';
  const row = (id: string): SessionRow => ({
    ...{ id, workspace_id: 'bench', user_id: 'owner', channel: 'channel/http', title: '', model: '' },
    ...{ status: 'active', turns: 1, messages: 1, created_at: at, updated_at: at },
  });
  const store = { read: async (_: string, { session_id }: { session_id: string }) => row(session_id) };
  const digest = createHash('sha256').update(TOKEN).digest('hex');
  return {
    bus,
    store: store as unknown as ReadStore,
    world: realWorld,
    config: { ...base, networking: { ...base.networking, chat_max_concurrent_streams: STREAMS_MOST } },
    tokens: [{ id: 'bench', digest, user_id: 'owner', name: '', permissions: ['admin:*'] }],
    live: { ready: true, find: () => undefined, used: quiet, lastUsed: () => undefined, onChange: quiet },
    places: { membersOf: () => undefined, made: () => [] },
    agent: { paused: null },
    // Nobody asks for these here.
    gateway: { auditLog: {} } as unknown as EdgePorts['gateway'],
    usage: {} as unknown as EdgePorts['usage'],
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    ...{ version: '0', commit: '', threads: [], resting: [], workspaces: [], providers: [], channels: [], budgets: [] },
    threadOf: () => '',
    state: () => 'running',
    quarantined: [],
    secrets: {} as unknown as EdgePorts['secrets'],
    skills: {} as unknown as EdgePorts['skills'],
    erasure: {} as unknown as EdgePorts['erasure'],
    capabilities: {} as unknown as EdgePorts['capabilities'],
    backup: {
      start: () => {
        throw new Error('no backups here');
      },
    },
  };
}
