// SPDX-License-Identifier: Apache-2.0
// The house the API is walked through: a real gateway with a vendor, a channel, an MCP server and people in it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPlatform as openWebhook, SECRET, type WebhookPlatform } from '../channels/webhook/platform.ts';
import {
  APP_SECRET,
  NUMBER,
  openPlatform as openWhatsApp,
  TOKEN,
  VERIFY_TOKEN,
} from '../channels/whatsapp/platform.ts';
import { closeHouses, type House, newDataDir, startHouse } from '../flow/house.ts';
import { startHttpToolbox } from '../mcp/http-server.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer } from '../wire/server.ts';

/** Whoever may everything. */
export const OWNER = 'token-of-the-owner-0123456789';
/** A member of `lab`, without permissions. */
export const BEN = 'token-of-ben-0123456789';
/** A member of nothing. */
export const GUS = 'token-of-gus-0123456789';

export interface Stage {
  readonly house: House;
  readonly hook: WebhookPlatform;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  process.env['SIGIL_TEST_TOOLS'] = fileURLToPath(new URL('../flow/asking-tools.ts', import.meta.url));
  const [hook, whatsapp, toolbox, vendor] = await Promise.all([
    openWebhook(),
    openWhatsApp(),
    startHttpToolbox(),
    startWireServer(),
  ]);
  const usage = { inputTokens: 3, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 };
  vendor.answer(({ path }) =>
    path.endsWith('/models')
      ? openAiChat.models(['local-model'])
      : openAiChat.stream({ parts: [{ type: 'text', deltas: ['Said ', 'so.'] }], finish: 'stop', usage }),
  );
  const dataDir = newDataDir();
  const file = join(dataDir, 'sigil.yaml');
  // What is read again is there to be read; all else is of this test.
  writeFileSync(file, 'agent: { persona: Brief. }\n');
  const settings = {
    auth: {
      tokens: [
        { token: OWNER, user_id: 'owner', name: 'owner', permissions: ['admin:*'] },
        { token: BEN, user_id: 'ben', name: 'ben', permissions: [] },
        { token: GUS, user_id: 'gus', name: 'gus', permissions: [] },
      ],
    },
    users: [{ id: 'ben', name: 'Ben', role: 'member' }] as never,
    workspaces: { lab: { description: 'Of the configuration.', members: ['owner', 'ben'] } },
    providers: {
      sigil: { type: 'sigil' },
      mine: { type: 'openai-compatible', endpoint: vendor.url, api_key: 'sk-of-the-walk-1' },
    },
    models: { default: 'sigil/offline' },
    channels: {
      hook: { type: 'webhook', pairing: 'closed', url: hook.url, secret: SECRET },
      phone: {
        ...{ type: 'whatsapp', pairing: 'closed', phone_number_id: NUMBER, access_token: TOKEN },
        ...{ app_secret: APP_SECRET, verify_token: VERIFY_TOKEN, api_root: whatsapp.root },
      },
    },
    mcp: { box: { url: toolbox.url } },
    secrets: { backend: 'file' },
    logging: { level: 'info' },
  };
  const house = await startHouse(settings, dataDir, file);
  return {
    house,
    hook,
    close: async () => {
      delete process.env['SIGIL_TEST_TOOLS'];
      await closeHouses();
      await Promise.all([hook.close(), whatsapp.close(), toolbox.close(), vendor.close()]);
    },
  };
}
