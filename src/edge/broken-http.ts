// SPDX-License-Identifier: Apache-2.0
// Bytes that are no HTTP request: answered by hand on the socket, since there is no request to answer.

import type { Duplex } from 'node:stream';
import type { World } from '../world.ts';

/** Statuses by node's error codes; everything else is a bad request. */
const STATUSES: Readonly<Record<string, readonly [status: number, title: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'Payload Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
};

/** Says in one problem what is wrong and closes the connection. */
export function answerBrokenHttp(error: NodeJS.ErrnoException, socket: Duplex, world: World): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, title] = STATUSES[error.code ?? ''] ?? [400, 'Bad Request'];
  const code = status === 413 || status === 431 ? 'payload_too_large' : 'validation_failed';
  const body = JSON.stringify({
    type: `urn:sigil:error:${code}`,
    title,
    status,
    detail: 'This is not a request this server can read.',
    code,
  });
  socket.end(
    [
      `HTTP/1.1 ${status} ${title}`,
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${world.uuid()}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
