// SPDX-License-Identifier: Apache-2.0
// Servers from the system's packages, started on free ports with a folder of their own.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { until } from '../edge/client.ts';

/** Where a program is, in the path or where servers are. */
export function program(name: string): string | undefined {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
    '/usr/lib/dovecot',
    '/usr/libexec/dovecot',
  ];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

/** Why a suite that needs these is skipped, or undefined. */
export function missing(...names: readonly string[]): string | undefined {
  const absent = names.filter((name) => program(name) === undefined);
  return absent.length === 0 ? undefined : `${absent.join(', ')} not installed`;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'sigil-channel-'));
}

/** A certificate for this machine, of nobody's. */
export function certificate(folder: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const made = spawnSync(program('openssl') ?? 'openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert],
    ...subject,
  ]);
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
  return { cert, key };
}

export interface ServerProcess {
  stop(): Promise<void>;
}

/** Starts a server and waits until it answers on its ports. `folder` is deleted when it stops. */
export async function startServer(
  name: string,
  args: readonly string[],
  { ports, folder }: { readonly ports: readonly number[]; readonly folder: string },
): Promise<ServerProcess> {
  const child = spawn(program(name) ?? name, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said = `${said}${chunk}`.slice(-4_000);
    });
  const exited = once(child, 'exit');
  for (const port of ports)
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${said}`);
      return answers(port);
    }).catch((thrown: unknown) => {
      child.kill('SIGKILL');
      throw new Error(`${name} does not answer on ${port}: ${said}`, { cause: thrown });
    });
  return {
    async stop() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 3_000);
      await exited;
      clearTimeout(late);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
