// SPDX-License-Identifier: Apache-2.0
// The gateway of T17, as a process that tells how late the loop of its main thread was.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { defaultConfig } from '../src/config/schema.ts';
import { startGateway } from '../src/gateway.ts';
import type { MainDelay } from './busy-main.ts';

/** How often it is looked, in milliseconds. A look that is not late comes after this long, so it is taken off. */
const EVERY = 1;
const NS = 1e6;
const US = 1e3;

const dataDir = mkdtempSync(join(tmpdir(), 'sigil-busy-'));
const base = defaultConfig();
const config = {
  ...base,
  networking: {
    ...base.networking,
    listen: '127.0.0.1:0',
    chat_rate_limit_rpm: 0,
    chat_max_concurrent_streams: 1_000,
  },
  models: { ...base.models, budgets: { ...base.models.budgets, per_session_tokens: 0 } },
};
const gateway = await startGateway({ config, dataDir, quarantined: [], tcp: true, logLevel: 'silent' });
const delay = monitorEventLoopDelay({ resolution: EVERY });
delay.enable();
// What main itself did between two looks: on a machine with more to do than cores, the rest is waiting for one.
const own = createHistogram();
let before = process.threadCpuUsage();
setInterval(() => {
  const { user, system } = process.threadCpuUsage(before);
  before = process.threadCpuUsage();
  own.record(Math.max(1, Math.round(user + system)));
}, EVERY).unref();

process.on('message', (what: 'start' | 'delay') => {
  if (what === 'start') {
    process.send?.({ url: gateway.url, token: readFileSync(join(dataDir, 'owner.token'), 'utf8').trim() });
    return;
  }
  process.send?.({
    wall: Math.max(0, delay.percentile(99) / NS - EVERY),
    own: Math.max(0, own.percentile(99) / US - EVERY),
  } satisfies MainDelay);
  own.reset();
  delay.reset();
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }));
