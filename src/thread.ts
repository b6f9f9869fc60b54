// SPDX-License-Identifier: Apache-2.0
// Where every worker begins: joins the mesh, then takes up the role its name gives it.

import { parentPort, workerData } from 'node:worker_threads';
import { type Port, Ports } from './bus/ports.ts';
import type { Boot, FromWorker, ToWorker } from './composition/boot.ts';
import { createContext } from './composition/context.ts';
import { killPoints } from './composition/kill-points.ts';
import { realWorld } from './composition/real-world.ts';
import type { Role, StartRole } from './composition/role.ts';
import { toFailure } from './errors.ts';

const ROLES: Readonly<Record<string, () => Promise<StartRole>>> = {
  journal: async () => (await import('./composition/journal-role.ts')).startJournal,
  views: async () => (await import('./composition/views-role.ts')).startViews,
  read: async () => (await import('./composition/read-role.ts')).startRead,
  io: async () => (await import('./composition/io-role.ts')).startIo,
  lane: async () => (await import('./composition/lane-role.ts')).startLane,
};

const boot = workerData as Boot;
const root = parentPort;
if (root === null) throw new Error('thread.ts is where a worker begins; start the gateway instead');

const say = (message: FromWorker): void => root.postMessage(message);
let role: Role | undefined;
let stopping = false;

const context = createContext({
  house: boot,
  index: boot.thread,
  life: boot.life,
  world: realWorld,
  log: (level, fields, message) => say({ say: 'log', level, fields, message }),
  point: killPoints(process.env['SIGIL_KILL_AT']),
  drain: (done) => (role === undefined ? done() : role.drain(done)),
  onUp: (thread) => role?.up?.(thread),
  onDown: (thread) => role?.down?.(thread),
});
const ports = new Ports(context.bus);

for (const thread of boot.gone) context.bus.gone(thread);

root.on('message', (message: ToWorker) => {
  switch (message.say) {
    case 'attach': {
      const { thread, life, port } = message.wire;
      ports.attach(thread, life, port as unknown as Port);
      break;
    }
    case 'gone':
      context.bus.gone(message.thread);
      break;
    case 'stop':
      stopping = true;
      // Told while its role is still being taken up, it ends as soon as that is done: nothing may be left open behind it.
      if (role !== undefined) end(role);
      break;
  }
});

function end(of: Role): void {
  try {
    of.close();
  } catch (error) {
    context.log('error', { error: toFailure(error) }, 'closing failed');
  }
  context.bus.close();
  context.heartbeat.stop();
  root?.close();
}

// Messages queue in the ports until the role hosts their receivers: nothing that came early is refused.
const start = ROLES[context.name.replace(/-\d+$/, '')];
if (start === undefined) throw new Error(`no role for thread ${context.name}`);
try {
  role = await (await start())(context);
  if (stopping) end(role);
  else {
    for (const { thread, life, port } of boot.wires) ports.attach(thread, life, port as unknown as Port);
    say({ say: 'ready' });
  }
} catch (error) {
  say({ say: 'failed', error: toFailure(error) });
  throw error;
}
