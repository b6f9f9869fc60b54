// SPDX-License-Identifier: Apache-2.0
// A backup over HTTP: the archive as the answer's body, made while the gateway runs.

import { STATUS_TOPIC, type StatusEvent } from '../../actors/gateway/protocol.ts';
import { topic } from '../../bus/envelope.ts';
import { checkPermission } from '../access.ts';
import { EDGE } from '../ask.ts';
import { readBody } from '../body.ts';
import { sendBytes } from '../byte-stream.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, type Exchange, type Route, STREAMED } from '../exchange.ts';
import { BackupRequest } from '../schemas/requests.ts';

export function backupRoutes(edge: EdgeContext): readonly Route[] {
  return [
    { method: 'POST', path: '/api/v1/backups', needs: 'admin:backup', handle: (exchange) => backup(edge, exchange) },
  ];
}

async function backup(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { with_secrets = false } = await readBody(exchange, BackupRequest, 'allowed');
  // Everything anybody wrote is one thing, and the keys to it another.
  if (with_secrets) checkPermission(exchange.caller, 'admin:*');
  const { log, world, backup: source } = edge.ports;
  const { user_id } = exchange.caller;
  const began = world.monotonic();
  log.info({ user_id, with_secrets, request_id: exchange.requestId }, 'a backup is being made');
  const name = `sigil-${world.iso(world.now()).slice(0, 19).replaceAll(/[-:]/g, '')}.tar.gz`;
  await sendBytes(edge, exchange, source.start({ with_secrets }), {
    'Content-Type': 'application/gzip',
    'Content-Disposition': `attachment; filename="${name}"`,
  });
  const took_ms = Math.round(world.monotonic() - began);
  log.info({ user_id, took_ms, request_id: exchange.requestId }, 'a backup was made');
  const done: StatusEvent = { type: 'backup_done', data: { took_ms }, at: world.iso(world.now()) };
  edge.ports.bus.publish(topic<StatusEvent>(EDGE, STATUS_TOPIC), done);
  return STREAMED;
}
