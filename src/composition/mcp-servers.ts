// SPDX-License-Identifier: Apache-2.0
// The MCP servers of an I/O thread: their charts with the connections, calls and pauses these ask for.

import { sameValue } from '../actors/channel/own-settings.ts';
import { startMachineActor } from '../actors/machine-actor.ts';
import { type McpEffect, type McpEvent, mcpMachine } from '../actors/mcp/machine.ts';
import { TOOLS_TOPIC, type ToolReply } from '../actors/mcp/protocol.ts';
import { cap, RESULT_BYTES } from '../agent/tools/run.ts';
import { type Address, address } from '../bus/address.ts';
import { type Envelope, topic } from '../bus/envelope.ts';
import { type History, INTENSITY, type Intensity, NO_HISTORY, onExit } from '../bus/supervision.ts';
import { versionInfo } from '../cli/version.ts';
import type { Config } from '../config/schema.ts';
import { type Failure, failure, SigilError, toFailure } from '../errors.ts';
import type { McpConnection, McpConnectionOptions } from '../mcp/client.ts';
import { type McpEntry, resolveServer, transportOf } from '../mcp/settings.ts';
import { Actors, type Supervised } from './actors.ts';
import type { ThreadContext } from './context.ts';
import { ServerLines } from './server-lines.ts';

/** Five losses within a minute are borne, later each time; one more and it is left alone for a minute, then for longer. */
const LOSSES: Intensity = { ...INTENSITY, backoff_ms: 1_000, longest_backoff_ms: 30_000 };
/** What is left of a result's size for what is put before it. */
const ANSWER_BYTES = RESULT_BYTES - 1_024;
/** How long a call may take whose asker set no limit, in milliseconds. */
const CALL_MS = 60_000;

export interface McpServers {
  /**
   * From now on these are there, each as its entry says. Calls that run when one is taken out or set otherwise come to their end.
   *
   * @param renewed names of those whose entries may read the same and whose secrets are others
   */
  configure(entries: Config['mcp'], renewed: ReadonlySet<string>): void;
  close(): void;
}

type Connect = (options: McpConnectionOptions) => Promise<McpConnection>;

/** The SDK is loaded with the first connection. */
const connectLazily: Connect = async (options) => (await import('../mcp/client.ts')).connectMcp(options);

/** Hosts `mcp/<name>` for these servers; each begins to connect once the loop has turned. */
export function hostMcpServers(
  context: ThreadContext,
  entries: Config['mcp'],
  connect: Connect = connectLazily,
): McpServers {
  const { bus } = context;
  const actors = new Actors(context);
  const living = new Map<Address, Server>();
  const hosted = new Map<string, McpEntry>();
  const start = (name: string, entry: McpEntry): void => {
    const self = address('mcp', name);
    hosted.set(name, entry);
    actors.start('mcp', self, (fault) => {
      const server = startServer({ context, name, entry, connect, fault });
      living.set(self, server);
      return server;
    });
  };
  const end = (name: string): void => {
    const self = address('mcp', name);
    living.get(self)?.leave();
    living.delete(self);
    hosted.delete(name);
    actors.end(self);
  };
  for (const [name, entry] of Object.entries(entries)) start(name, entry);
  bus.host(
    'mcp',
    (envelope) => actors.receive(envelope),
    (of) => living.has(of),
  );
  return {
    configure: (after, renewed) => {
      for (const [name, entry] of [...hosted]) {
        const now = Object.hasOwn(after, name) ? after[name] : undefined;
        if (now !== undefined && sameValue(now, entry) && !renewed.has(name)) continue;
        end(name);
        if (now === undefined) continue;
        // What was left out of it may do now.
        const root = address('gateway', 'root');
        bus.send(root, 'gateway.released', { what: `mcp.${name}` }, { from: address('mcp', name) });
        start(name, now);
      }
      for (const [name, entry] of Object.entries(after)) if (!hosted.has(name)) start(name, entry);
    },
    close: () => actors.stop(),
  };
}

interface Server extends Supervised {
  /** Before it is stopped for good: calls that run come to their end, and only then the connection does. */
  leave(): void;
}

interface ServerParts {
  readonly context: ThreadContext;
  readonly name: string;
  readonly entry: McpEntry;
  readonly connect: Connect;
  readonly fault: (whose: Address, error: Failure) => void;
}

function startServer({ context, name, entry, connect, fault }: ServerParts): Server {
  const { bus, world, residents, secrets, log } = context;
  const self = address('mcp', name);
  const root = address('gateway', 'root');
  const what = `mcp.${name}`;
  const hide = (text: string): string => secrets.redactor.text(text);
  const lines = new ServerLines(world, (line) => log('info', { mcp: name }, hide(line)));
  const running = new Map<string, () => void>();
  let connection: McpConnection | undefined;
  let giveUp = new AbortController();
  let history: History = NO_HISTORY;
  let stopWaiting = (): void => undefined;
  let stopped = false;
  let leaving = false;

  const lost = (why: string): McpEvent => {
    const now = world.now();
    const made = onExit('permanent', history, now, world.random(), 'error', LOSSES);
    history = made.history;
    const { decision } = made;
    const ms = decision.do === 'restart' ? decision.after_ms : decision.do === 'quarantine' ? decision.rest_ms : 0;
    const error = failure('tool_failed', hide(`The MCP server ${name} is not connected: ${why}`));
    log('warn', { mcp: name, retry_in_ms: ms }, error.message);
    const pause = { quarantined: decision.do === 'quarantine', ms, retry_at: world.iso(now + ms) };
    return { type: 'lost', error, at: world.iso(now), pause };
  };

  const drop = (): void => {
    giveUp.abort();
    connection?.close();
    connection = undefined;
  };

  const begin = (send: (event: McpEvent) => void): void => {
    drop();
    stopWaiting();
    const mine = new AbortController();
    giveUp = mine;
    const heard = (event: McpEvent): void => {
      if (!mine.signal.aborted && !stopped) send(event);
    };
    const begun = world.monotonic();
    const make = async (): Promise<McpConnection> =>
      await connect({
        server: await resolveServer(entry, secrets.resolve),
        version: versionInfo().version,
        world,
        signal: mine.signal,
        child: context.child,
        said: (line) => lines.said(line),
        cut: (text) => cap(text, ANSWER_BYTES),
        listed: (list) => heard({ type: 'listed', list }),
        lost: (why) => heard(lost(why)),
      });
    make().then(
      (made) => {
        if (mine.signal.aborted) return made.close();
        connection = made;
        const { list, server } = made;
        const fields = { mcp: name, tools: list.tools.length, took_ms: Math.round(world.monotonic() - begun) };
        log('info', fields, 'an MCP server is connected');
        if (list.skipped_count > 0)
          log('warn', { mcp: name, skipped: list.skipped }, 'tools of an MCP server are left out');
        heard({ type: 'connected', server, list });
      },
      (thrown: unknown) => {
        if (!mine.signal.aborted) heard(lost(toFailure(thrown).message));
      },
    );
  };

  const perform = (effect: McpEffect, send: (event: McpEvent) => void): void => {
    switch (effect.type) {
      case 'connect':
        // Not at once: a thread that starts is ready first.
        return world.soon(() => stopped || begin(send));
      case 'wait':
        stopWaiting();
        stopWaiting = world.after(effect.ms, () => stopped || send({ type: 'retry' }));
        return;
      case 'call':
        return call(effect.to, effect.body, (ok) => stopped || send({ type: 'called', ok }));
      case 'cancel':
        return running.get(effect.call)?.();
      case 'changed':
        return bus.publish(topic<null>(self, TOOLS_TOPIC), null);
      case 'quarantined': {
        const { code, message } = effect.error;
        const advice = `It is tried again at ${effect.retry_at}; \`sigil mcp reconnect ${name}\` tries it at once.`;
        bus.send(root, 'gateway.quarantine', { what, code, message, advice }, { from: self });
        return;
      }
      case 'released':
        bus.send(root, 'gateway.released', { what }, { from: self });
        return;
      default:
        return;
    }
  };

  const call = (to: Envelope, body: CallBody, done: (ok: boolean) => void): void => {
    const controller = new AbortController();
    const within = to.deadline === undefined ? CALL_MS : Math.max(1, to.deadline - world.now());
    const stop = (): void => controller.abort();
    // Whoever asked may be gone with its thread: then nobody wants the answer.
    const unwatch = bus.watch(to.from, stop);
    if (!bus.senderLives(to)) stop();
    running.set(body.call, stop);
    const over = (ok: boolean): void => {
      unwatch();
      running.delete(body.call);
      if (leaving && running.size === 0) drop();
      done(ok);
    };
    const asked: Promise<ToolReply> =
      connection === undefined
        ? Promise.reject(new SigilError(failure('tool_failed', `The MCP server ${name} is not connected.`)))
        : connection.call(body.name, body.arguments, { signal: controller.signal, within });
    asked.then(
      ({ content, ...reply }) => {
        bus.reply(to, { ...reply, content: hide(content) });
        over(!reply.is_error);
      },
      (thrown: unknown) => {
        const { code, message } = toFailure(thrown);
        bus.fail(to, failure(code, hide(`The MCP server ${name} did not do it: ${message}`)));
        over(false);
      },
    );
  };

  const actor = startMachineActor<McpEffect>({
    address: self,
    parent: root,
    machine: mcpMachine,
    input: { name, transport: transportOf(entry) },
    world,
    residents,
    bus,
    fault,
    context: (inner) => {
      const { list, ...rest } = inner as { readonly list: { readonly tools: readonly { readonly name: string }[] } };
      return { ...rest, tools: list.tools.map((tool) => tool.name) };
    },
    perform: (effect, send) => perform(effect, send as (event: McpEvent) => void),
  });
  return {
    ...actor,
    leave: () => {
      leaving = true;
    },
    stop: () => {
      stopped = true;
      stopWaiting();
      lines.stop();
      // Each call has its own end, so what is left for them does not stay for ever.
      if (!leaving) for (const stop of running.values()) stop();
      if (running.size === 0 || !leaving) drop();
      actor.stop();
    },
  };
}

type CallBody = Extract<McpEffect, { type: 'call' }>['body'];
