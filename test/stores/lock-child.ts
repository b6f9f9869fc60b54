// SPDX-License-Identifier: Apache-2.0
// A process that takes the lock, says what came of it and holds it until it is killed: `node lock-child.ts FILE URL`.

import { acquireLock } from '../../src/stores/sqlite/lock.ts';

const [file = '', url = ''] = process.argv.slice(2);
const info = { pid: process.pid, url: null, socket: '/run/gateway.sock', started_at: '2026-01-01T00:00:00.000Z' };
const lock = acquireLock(file, info);
if (lock.ok) lock.update({ ...info, url });
console.log(JSON.stringify(lock.ok ? { ok: true } : lock));
// Nobody remembers it here: it must hold all the same, whatever garbage is collected.
if (lock.ok) setInterval(() => globalThis.gc?.(), 10);
