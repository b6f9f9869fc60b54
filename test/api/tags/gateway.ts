// SPDX-License-Identifier: Apache-2.0
// The gateway itself: how it is, its providers, its MCP servers, secrets and backups.

import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict';
import type { Part } from '../part.ts';
import { BEN } from '../stage.ts';

const ELSEWHERE = { headers: { Host: 'elsewhere.example' } };

export const gatewayPart: Part = async (walk) => {
  strictEqual((await walk.ok('health', { token: null })).body.status, 'ok');
  await walk.refused('health', 'misdirected_request', ELSEWHERE);
  await walk.ok('ready', { token: null });
  await walk.refused('ready', 'misdirected_request', ELSEWHERE);
  match((await walk.ok('openapi')).body.openapi, /^3\.1/);
  await walk.refused('openapi', 'unauthenticated', { token: null });
  const status = await walk.ok('status', { headers: { 'X-Request-Id': 'req-of-mine' } });
  strictEqual(status.headers['x-request-id'], 'req-of-mine');
  strictEqual(status.body.state, 'running');
  await walk.refused('status', 'unauthenticated', { token: 'nobody-has-this-token' });

  // Others are written while it is read.
  strictEqual((await walk.pages('listLogLines', { query: { q: 'the gateway runs' } })).length, 1);
  await walk.refused('listLogLines', 'forbidden', { token: BEN });
  await walk.refused('listLogLines', 'validation_failed', { query: { level: 'loud' } });
  const log = await walk.open('streamLogLines', { query: { lines: 2 } });
  await log.events.named('listening');
  strictEqual(log.events.events[0]?.event, 'line');
  log.close();
  await walk.refused('streamLogLines', 'forbidden', { token: BEN });
  await walk.refused('streamLogLines', 'validation_failed', { query: { lines: 'all' } });

  const providers = (await walk.pages('listProviders')) as readonly { name: string }[];
  deepStrictEqual(providers.map(({ name }) => name).sort(), ['mine', 'sigil']);
  await walk.refused('listProviders', 'unauthenticated', { token: null });
  for (const id of ['getProvider', 'getProviderHealth', 'listModels']) {
    await walk.ok(id, { params: { name: 'sigil' } });
    await walk.ok(id, { params: { name: 'mine' } });
    await walk.refused(id, 'not_found', { params: { name: 'nobody' } });
  }
  strictEqual((await walk.pages('listModels', { params: { name: 'mine' } })).length, 1);

  await walk.until('getMcpServer', { params: { name: 'box' } }, ({ body }) => body.state === 'ready');
  await walk.refused('getMcpServer', 'not_found', { params: { name: 'nobody' } });
  strictEqual((await walk.pages('listMcpServers')).length, 1);
  await walk.refused('listMcpServers', 'unauthenticated', { token: null });
  ok((await walk.pages('listMcpTools', { params: { name: 'box' } }, 3)).length > 3);
  await walk.refused('listMcpTools', 'not_found', { params: { name: 'nobody' } });
  await walk.ok('reconnectMcpServer', { params: { name: 'box' } });
  await walk.refused('reconnectMcpServer', 'forbidden', { params: { name: 'box' }, token: BEN });
  await walk.refused('reconnectMcpServer', 'not_found', { params: { name: 'nobody' } });

  match((await walk.ok('metrics')).text, /^# HELP /);
  await walk.refused('metrics', 'forbidden', { token: BEN });
  const changes = await walk.open('streamStatus');
  await changes.events.named('listening');
  changes.close();
  await walk.refused('streamStatus', 'unauthenticated', { token: null });
  strictEqual((await walk.ok('pauseAgent')).status, 200);
  await walk.refused('pauseAgent', 'validation_failed', { json: { forever: true } });
  strictEqual((await walk.ok('resumeAgent')).status, 200);
  await walk.refused('resumeAgent', 'validation_failed', { json: { forever: true } });

  const params = { service: 'weather', account: 'main' };
  await walk.ok('setSecret', { params, json: { value: 'rain-and-sun-77d1' } });
  await walk.refused('setSecret', 'validation_failed', { params, json: { value: '' } });
  await walk.refused('setSecret', 'validation_failed', { params, json: { value: 'x', more: 1 } });
  await walk.ok('setSecret', { params: { ...params, account: 'other' }, json: { value: 'snow-4c19' } });
  ok((await walk.pages('listSecrets')).length >= 2);
  const listed = await walk.ok('listSecrets');
  ok(listed.text.includes('weather') && !listed.text.includes('rain-and-sun'));
  await walk.refused('listSecrets', 'forbidden', { token: BEN });
  await walk.ok('removeSecret', { params });
  await walk.refused('removeSecret', 'not_found', { params });

  // The bytes of a whole archive, which is no text.
  const backup = await walk.ok('createBackup', { json: {} });
  strictEqual(backup.headers['content-type'], 'application/gzip');
  await walk.refused('createBackup', 'forbidden', { token: BEN });
  await walk.refused('createBackup', 'validation_failed', { json: { everything: true } });

  const { body: config } = await walk.ok('getConfig');
  ok(config.config.networking !== undefined && config.errors.length === 0);
  await walk.refused('getConfig', 'forbidden', { token: BEN });
  deepStrictEqual((await walk.ok('reloadConfig', { json: {} })).body.applied, []);
  await walk.refused('reloadConfig', 'forbidden', { token: BEN, json: {} });
  await walk.refused('reloadConfig', 'validation_failed', { json: { more: 1 } });
};
