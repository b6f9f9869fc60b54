// SPDX-License-Identifier: Apache-2.0
// A web socket over an adapter's own sockets stops reading when it is told to, however much is there to be read.

import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { OwnSockets } from '../../src/channels/own-sockets.ts';
import { SocketStandIn } from './socket-stand-in.ts';

it('stops in the middle of a flood, and reads the rest when it may again', async () => {
  const standIn = await SocketStandIn.open(() => undefined, { perMessageDeflate: true });
  const sockets = await OwnSockets.open();
  const { WebSocket } = await import('undici');
  const socket = new WebSocket(standIn.url, { dispatcher: sockets.agent });
  const [read, all] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let [heard, sent] = [0, 4_000];
  socket.addEventListener('message', () => {
    heard += 1;
    if (heard === 500) {
      sockets.hold(true);
      read.resolve();
    }
    if (heard >= sent) all.resolve();
  });
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  // Compressed: the package's parser has the socket stop and go on as it gets ready.
  const send = async () => standIn.send(randomBytes(1_500).toString('base64'));
  for (let at = 0; at < sent; at += 1) await send();
  await read.promise;
  sent += await standIn.fill(send);
  // With the rest of what was read at once: a piece of the socket, 64 KB.
  expect(heard).toBeLessThan(564);
  sockets.hold(false);
  await all.promise;
  await sockets.close();
  await standIn.close();
});
