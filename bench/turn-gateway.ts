// SPDX-License-Identifier: Apache-2.0
// The gateway of T1, T3 and T4, as a process: durable, without limits on whoever talks to it, its models at the vendor it is given.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigSchema } from '../src/config/schema.ts';
import { startGateway } from '../src/gateway.ts';
import { collectAll } from './collect.ts';
import { residentMb } from './house.ts';

/** What it is told: to start with this vendor, or to say what memory it holds, everything collected. */
export type GatewayOrder = { readonly vendor: string } | 'memory';

export interface GatewayStarted {
  readonly url: string;
  readonly token: string;
}

/** Calls that run at once at a provider, and streams that are open. */
const MOST = 10_000;

const dataDir = mkdtempSync(join(tmpdir(), 'sigil-turns-'));

async function start(vendor: string): Promise<GatewayStarted> {
  const provider = { endpoint: vendor, api_key: 'sk-bench', max_concurrency: MOST };
  const config = ConfigSchema.parse({
    networking: { listen: '127.0.0.1:0', chat_rate_limit_rpm: 0, chat_max_concurrent_streams: MOST },
    storage: { durability: 'full' },
    providers: {
      local: { ...provider, type: 'openai-compatible' },
      claude: { ...provider, type: 'anthropic' },
    },
    models: { budgets: { per_session_tokens: 0, per_hour_usd: 1_000_000, per_day_usd: 1_000_000 } },
  });
  const { url } = await startGateway({ config, dataDir, quarantined: [], tcp: true, logLevel: 'silent' });
  if (url === null) throw new Error('the gateway listens nowhere');
  return { url, token: readFileSync(join(dataDir, 'owner.token'), 'utf8').trim() };
}

process.on('message', (order: GatewayOrder) => {
  if (order !== 'memory') return void start(order.vendor).then((started) => process.send?.(started));
  void collectAll().then(() => process.send?.(residentMb()));
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }));
