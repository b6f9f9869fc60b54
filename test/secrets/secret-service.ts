// SPDX-License-Identifier: Apache-2.0
// A session bus with a keyring on it for one test file, where Debian's dbus and gnome-keyring are installed.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll } from 'vitest';
import { dataDir } from './scratch.ts';

const PROGRAMS = ['dbus-daemon', 'gnome-keyring-daemon'];
const missing = PROGRAMS.filter((program) => spawnSync(program, ['--version']).error !== undefined);

/** Why there can be none here; undefined when there can. */
export const noSecretService = missing.length === 0 ? undefined : `no session bus: ${missing.join(', ')} not installed`;

/** How long both may take to be there, in milliseconds. */
const START_MS = 10_000;

/** Starts both before the tests of a file, with the keyring unlocked, and ends them after. */
export function withSecretService(): void {
  const children: ChildProcess[] = [];
  const before = process.env['DBUS_SESSION_BUS_ADDRESS'];

  beforeAll(async () => {
    const home = dataDir();
    mkdirSync(join(home, 'run'), { mode: 0o700 });
    const env = { ...process.env, HOME: home, XDG_RUNTIME_DIR: join(home, 'run'), XDG_DATA_HOME: home };
    const bus = spawn('dbus-daemon', ['--session', '--nofork', '--print-address'], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(bus);
    const { value: address = '' } = await createInterface(bus.stdout)[Symbol.asyncIterator]().next();
    // The library reads the process's own environment.
    process.env['DBUS_SESSION_BUS_ADDRESS'] = address;
    const keyring = spawn('gnome-keyring-daemon', ['--unlock', '--foreground', '--components=secrets'], {
      env: { ...env, DBUS_SESSION_BUS_ADDRESS: address },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    children.push(keyring);
    keyring.stdin.end('a passphrase');
    const { AsyncEntry } = await import('@napi-rs/keyring');
    const until = Date.now() + START_MS;
    for (;;) {
      try {
        const entry = new AsyncEntry('sigil-test', 'ready', { linux: { store: 'secret-service' } });
        await entry.setPassword('ready');
        await entry.deleteCredential();
        return;
      } catch (thrown) {
        if (Date.now() > until) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }, 20_000);

  afterAll(() => {
    for (const child of children.reverse()) child.kill('SIGKILL');
    if (before === undefined) delete process.env['DBUS_SESSION_BUS_ADDRESS'];
    else process.env['DBUS_SESSION_BUS_ADDRESS'] = before;
  });
}
