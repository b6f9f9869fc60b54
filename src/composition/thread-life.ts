// SPDX-License-Identifier: Apache-2.0
// One life of a thread beside the root: joins the mesh, takes up its role, does what the root says until it is told to stop.

import { address } from '../bus/address.ts';
import { Ports } from '../bus/ports.ts';
import { toFailure } from '../errors.ts';
import type { Boot, FromWorker, House, ToWorker, Wire } from './boot.ts';
import { type ContextOptions, createContext } from './context.ts';
import { GatheredLines } from './gathered-lines.ts';
import { HeldDirectory } from './held-directory.ts';
import { LogGate } from './log-gate.ts';
import type { Role, StartRole } from './role.ts';
import { askedSecrets } from './secrets.ts';
import { createSkillsHere } from './skills/here.ts';

export interface ThreadLifeOptions extends Pick<ContextOptions, 'world' | 'point' | 'heartbeat' | 'bounds'> {
  readonly boot: Boot;
  readonly say: (message: FromWorker) => void;
  /** The role of this thread's name. */
  readonly role: (name: string) => Promise<StartRole>;
  /** Everything is closed: nothing keeps the thread any more. */
  readonly ended: () => void;
}

export interface ThreadLife {
  /** What the root says. */
  hear(message: ToWorker): void;
  /** Rejects when the role cannot be taken up. */
  readonly started: Promise<void>;
}

/** Begins a life; it is in use once it has said `ready`. */
export function startThreadLife(options: ThreadLifeOptions): ThreadLife {
  const { boot } = options;
  const lines = new GatheredLines({
    soon: (run) => options.world.soon(run),
    post: (gathered) => options.say({ say: 'log', lines: gathered }),
  });
  /** What was logged before comes before it. */
  const say = (message: FromWorker): void => {
    lines.flush();
    options.say(message);
  };
  let role: Role | undefined;
  let stopping = false;
  const secrets = askedSecrets({
    hidden: boot.hidden,
    world: options.world,
    ask: (ask, written) => say({ say: 'secret', ask, written }),
  });
  const directory = new HeldDirectory(boot.directory, (thrown) =>
    context.fault(address('thread', context.name), toFailure(thrown)),
  );
  const skills = createSkillsHere(boot.skills);
  // Sifted here: a line nobody is to see crosses no thread.
  const level = new LogGate(boot.log_level);
  let { config } = boot;
  const house: House = {
    ...boot,
    get config() {
      return config;
    },
  };
  const context = createContext({
    house,
    index: boot.thread,
    life: boot.life,
    suspect: boot.suspect,
    secrets,
    directory,
    skills,
    world: options.world,
    log: (severity, fields, message) => {
      if (level.lets(severity)) lines.add({ level: severity, fields, message });
    },
    child: (pid, lives) => say({ say: 'child', pid, lives }),
    point: options.point,
    drain: (done) => (role === undefined ? done(1) : role.drain(done)),
    vendors: () => role?.vendors,
    onUp: (thread) => role?.up?.(thread),
    onDown: (thread) => role?.down?.(thread),
    ...(options.heartbeat === undefined ? {} : { heartbeat: options.heartbeat }),
    ...(options.bounds === undefined ? {} : { bounds: options.bounds }),
  });
  const ports = new Ports(context.bus);
  /** Ports that nobody listens to before there is a role: messages queue in them, and none that came early is refused. */
  const waiting = [...boot.wires];
  /** Configurations that came while the role was being taken up, of one that may be older. */
  const changes: (ToWorker & { readonly say: 'config' })[] = [];
  const configure = ({ version, config: after, keys }: ToWorker & { readonly say: 'config' }): void => {
    const before = config;
    config = after;
    try {
      role?.changed?.({ before, after, keys });
    } catch (thrown) {
      context.fault(address('thread', context.name), toFailure(thrown));
    }
    say({ say: 'configured', version });
  };
  const attach = ({ thread, life, port }: Wire): void => ports.attach(thread, life, port);
  for (const thread of boot.gone) context.bus.gone(thread);

  const end = (of: Role): void => {
    try {
      of.close();
    } catch (error) {
      context.log('error', { error: toFailure(error) }, 'closing failed');
    }
    context.bus.close();
    context.heartbeat.stop();
    lines.flush();
    options.ended();
  };

  const start = async (): Promise<void> => {
    try {
      role = await (await options.role(context.name))(context);
      if (stopping) return end(role);
      for (const wire of waiting.splice(0)) attach(wire);
      for (const change of changes.splice(0)) configure(change);
      say({ say: 'ready' });
    } catch (error) {
      say({ say: 'failed', error: toFailure(error) });
      throw error;
    }
  };

  return {
    started: start(),
    hear: (message) => {
      switch (message.say) {
        case 'secret':
          secrets.answered(message.ask, message.answer);
          break;
        case 'hide':
          secrets.redactor.add(message.value);
          break;
        case 'directory':
          directory.apply(message.change);
          break;
        case 'skills':
          skills.put(message.workspace, message.set);
          break;
        case 'log_level':
          level.set(message.level);
          break;
        case 'config':
          if (role === undefined) changes.push(message);
          else configure(message);
          break;
        case 'attach':
          if (role === undefined) waiting.push(message.wire);
          else attach(message.wire);
          break;
        case 'boot':
          throw new Error(`${context.name} lives already`);
        case 'gone':
          context.bus.gone(message.thread);
          break;
        case 'stop':
          stopping = true;
          // Told while its role is still being taken up, it ends as soon as that is done: nothing may be left open behind it.
          if (role !== undefined) end(role);
          break;
        default:
          message satisfies never;
      }
    },
  };
}
