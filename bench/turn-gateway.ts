// SPDX-License-Identifier: Apache-2.0
// The gateway of T1, T3, T4 and T19, as a process: durable, without limits on whoever talks to it, its models at the vendor it is given.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigSchema } from '../src/config/schema.ts';
import { startGateway } from '../src/gateway.ts';
import { collectAll } from './collect.ts';
import { residentMb } from './house.ts';
import { NAMES, SKILL_READ } from './twenty-tools.ts';

/**
 * What its agent has: `usual`, what a gateway comes with; `bare`, no tool, no skill and no window but its last message;
 * `full`, twenty tools, five skills and a window of twenty messages.
 */
export type Equipment = 'usual' | 'bare' | 'full';

/**
 * What it is told: to start with this vendor, to say what memory it holds, everything collected, or what processor time it has
 * used, in microseconds.
 */
export type GatewayOrder = { readonly vendor: string; readonly equipment: Equipment } | 'memory' | 'cpu';

export interface GatewayStarted {
  readonly url: string;
  readonly token: string;
}

/** Calls that run at once at a provider, and streams that are open. */
const MOST = 10_000;

const dataDir = mkdtempSync(join(tmpdir(), 'sigil-turns-'));

const HOME = 'personal:owner';
const SETTINGS: Readonly<Record<Equipment, Readonly<Record<string, unknown>>>> = {
  usual: {},
  bare: { sessions: { memory: { active_window: 1 } }, workspaces: { [HOME]: { tools: { allow: [] } } } },
  full: {
    sessions: { memory: { active_window: 20 } },
    workspaces: { [HOME]: { tools: { allow: [...NAMES, SKILL_READ] } } },
  },
};

/** Twenty tools in the place of those there are, and five skills, one of them always shown whole. */
function equip(): void {
  process.env['SIGIL_TEST_TOOLS'] = new URL('./twenty-tools.ts', import.meta.url).href;
  for (let at = 0; at < SKILLS; at += 1) {
    const name = `bench-skill-${at}`;
    const folder = join(dataDir, 'workspaces', encodeURIComponent(HOME), 'skills', name);
    mkdirSync(folder, { recursive: true });
    const trigger = at === 0 ? 'metadata:\n  "gateway:trigger": auto\n' : '';
    const description =
      'How letters of this house are begun and ended, for whoever writes one or is asked to look at one.';
    const body = 'Begin with the name of the person. Say first what is wanted, then why. End with thanks.\n'.repeat(12);
    writeFileSync(join(folder, 'SKILL.md'), `---\nname: ${name}\ndescription: ${description}\n${trigger}---\n${body}`);
  }
}

const SKILLS = 5;

async function start(vendor: string, equipment: Equipment): Promise<GatewayStarted> {
  if (equipment === 'full') equip();
  const provider = { endpoint: vendor, api_key: 'sk-bench', max_concurrency: MOST };
  const config = ConfigSchema.parse({
    networking: { listen: '127.0.0.1:0', chat_rate_limit_rpm: 0, chat_max_concurrent_streams: MOST },
    storage: { durability: 'full' },
    providers: {
      local: { ...provider, type: 'openai-compatible' },
      claude: { ...provider, type: 'anthropic' },
    },
    models: { budgets: { per_session_tokens: 0, per_hour_usd: 1_000_000, per_day_usd: 1_000_000 } },
    ...SETTINGS[equipment],
  });
  const { url } = await startGateway({ config, dataDir, quarantined: [], tcp: true, logLevel: 'silent' });
  if (url === null) throw new Error('the gateway listens nowhere');
  return { url, token: readFileSync(join(dataDir, 'owner.token'), 'utf8').trim() };
}

process.on('message', (order: GatewayOrder) => {
  if (order === 'memory') return void collectAll().then(() => process.send?.(residentMb()));
  if (order === 'cpu') {
    const { user, system } = process.cpuUsage();
    return void process.send?.(user + system);
  }
  return void start(order.vendor, order.equipment).then((started) => process.send?.(started));
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }));
