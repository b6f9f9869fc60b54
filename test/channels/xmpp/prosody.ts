// SPDX-License-Identifier: Apache-2.0
// Prosody with accounts for everybody and a room, without limits on who is fast.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, type ServerProcess, startServer, temporaryFolder } from '../server-process.ts';

export const DOMAIN = 'localhost';
export const ROOM = 'harbour@rooms.localhost';
/** The agent's password. */
export const PASSWORD = 'an-xmpp-password-nobody-says';
const NAMES = ['sigil', 'ada', 'bob', 'robot', 'admin', ...Array.from({ length: 10 }, (_, at) => `flood${at}`)];

export async function prosody(): Promise<{ readonly process: ServerProcess; readonly port: number }> {
  const [folder, port] = [await temporaryFolder(), await freePort()];
  const accounts = join(folder, 'localhost', 'accounts');
  await mkdir(accounts, { recursive: true });
  for (const name of NAMES)
    await writeFile(join(accounts, `${name}.dat`), `return { ["password"] = "${PASSWORD}"; };\n`);
  const file = join(folder, 'prosody.cfg.lua');
  await writeFile(
    file,
    `daemonize = false
run_as_root = true
pidfile = "${join(folder, 'pid')}"
data_path = "${folder}"
interfaces = { "127.0.0.1" }
c2s_ports = { ${port} }
modules_enabled = { "roster", "saslauth", "disco", "ping", "offline", "smacks", "carbons" }
modules_disabled = { "s2s", "tls" }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "internal"
log = { warn = "${join(folder, 'log')}" }
VirtualHost "${DOMAIN}"
Component "rooms.${DOMAIN}" "muc"
  muc_room_locking = false
`,
  );
  const process = await startServer('prosody', ['--config', file, '-F'], { ports: [port], folder });
  return { process, port };
}
