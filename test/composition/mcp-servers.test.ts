// SPDX-License-Identifier: Apache-2.0
// The actors of MCP servers on a virtual clock: what is tried again and when, what is left out, and what lanes learn of it.

import { expect, it } from 'vitest';
import type { McpStatus, ServerTool, ToolList } from '../../src/actors/mcp/protocol.ts';
import type { Tool, ToolContext } from '../../src/agent/tools/tool.ts';
import { address } from '../../src/bus/address.ts';
import { SharedCounter } from '../../src/bus/counter.ts';
import { portPair } from '../../src/bus/in-process.ts';
import { MAIN, threadNames } from '../../src/bus/layout.ts';
import { Ports } from '../../src/bus/ports.ts';
import type { Batch } from '../../src/bus/wire.ts';
import { createContext } from '../../src/composition/context.ts';
import { hostMcpServers } from '../../src/composition/mcp-servers.ts';
import { mcpTools } from '../../src/composition/mcp-tools.ts';
import { type Config, ConfigSchema } from '../../src/config/schema.ts';
import type { McpConnection, McpConnectionOptions } from '../../src/mcp/client.ts';
import { VirtualWorlds } from '../bus/virtual-world.ts';

const layout = { lanes: 1, io: 1 };
const names = threadNames(layout);
const SIZE = names.length * Int32Array.BYTES_PER_ELEMENT;

const tool = (name: string, more: Partial<ServerTool> = {}): ServerTool => ({
  ...{
    name,
    original: name,
    description: '',
    inputSchema: { type: 'object' },
    idempotent: false,
    read_only: false,
    destructive: false,
  },
  ...more,
});
const listOf = (...tools: readonly ServerTool[]): ToolList => ({ tools, skipped: [], skipped_count: 0 });

interface Call {
  readonly name: string;
  readonly signal: AbortSignal;
  readonly within: number;
  readonly answer: (content: string) => void;
  readonly fail: (why: string) => void;
}

/** One server on an I/O thread whose connections are played by the test, and a lane's tools beside it. */
function stage() {
  const worlds = new VirtualWorlds();
  const world = worlds.world('test');
  const mcp = (entries: object): Config => ConfigSchema.parse({ mcp: entries }) as Config;
  let config = mcp({ box: { command: 'box' } });
  const house = {
    ...{ layout, data_dir: '/nowhere' },
    get config() {
      return config;
    },
    counters: new SharedArrayBuffer(SharedCounter.bytes(names.length)),
    beats: new SharedArrayBuffer(SIZE),
    working: new SharedArrayBuffer(SIZE),
  };
  const thread = (name: string) =>
    createContext({
      ...{ house, index: names.indexOf(name), life: 1, world: worlds.world(name) },
      log: (_level, _fields, message) => void logged.push(message),
      point: () => undefined,
      drain: (done) => done(),
      heartbeat: {
        ...{ beat: () => undefined, delay: () => ({ p50: 0, p99: 0 }), utilisation: () => 0, stop: () => undefined },
      },
      secrets: { redactor: { text: (text: string) => text } as never, resolve: async (written) => written },
    });
  const logged: string[] = [];
  const context = thread('io-1');
  const laneContext = thread('lane-1');
  const [here, there] = portPair(worlds.schedule('io-1'), worlds.schedule('lane-1'));
  new Ports(context.bus).attach(laneContext.index, 1, here);
  new Ports(laneContext.bus).attach(context.index, 1, there);
  const toRoot: unknown[] = [];
  context.bus.attach(MAIN, 1, { post: (batch: Batch) => void toRoot.push(...batch), close: () => undefined });
  const tries: number[] = [];
  const calls: Call[] = [];
  let play: (options: McpConnectionOptions) => ToolList | string = () => 'there is no box';
  let options: McpConnectionOptions | undefined;
  let closed = 0;
  const connect = async (given: McpConnectionOptions): Promise<McpConnection> => {
    tries.push(Math.round(world.monotonic()));
    const played = play(given);
    if (typeof played === 'string') throw new Error(played);
    options = given;
    return {
      ...{ server: { name: 'box', version: '1' }, list: played },
      call: (name, _, { signal, within }) =>
        new Promise((resolve, reject) => {
          const answer = (content: string): void => resolve({ content, is_error: false, truncated: false });
          calls.push({ name, signal, within, answer, fail: (why) => reject(new Error(why)) });
          signal.addEventListener('abort', () => reject(new Error('given up')));
        }),
      close: () => {
        closed += 1;
      },
    };
  };
  const servers = hostMcpServers(context, config.mcp, connect);
  let changes = 0;
  const lane = mcpTools(laneContext, () => {
    changes += 1;
  });

  /** Lets so much time pass, and what promises do in it be done. */
  const on = async (ms = 5): Promise<void> => {
    let over = false;
    world.after(ms, () => {
      over = true;
    });
    // What is promised comes first: a step may go on to what is due much later.
    while (!over) {
      await new Promise((resolve) => setImmediate(resolve));
      worlds.step();
    }
  };
  const from = address('thread', 'io-1');
  const asking = async (type: 'mcp.status' | 'mcp.reconnect'): Promise<unknown> => {
    let got: unknown;
    context.bus.ask(address('mcp', 'box'), type, {}, { from, within: 1_000 }, (answer) => {
      got = answer.ok ? answer.body : answer.error;
    });
    await on();
    return got;
  };
  return {
    ...{ servers, lane, toRoot, tries, calls, on, world, logged },
    status: async () => (await asking('mcp.status')) as McpStatus,
    reconnect: () => asking('mcp.reconnect'),
    plays: (what: typeof play) => {
      play = what;
    },
    connection: () => {
      if (options === undefined) throw new Error('nothing is connected');
      return options;
    },
    closed: () => closed,
    /** Another configuration is in force on both threads. */
    set: (entries: object, renewed: readonly string[] = []) => {
      config = mcp(entries);
      servers.configure(config.mcp, new Set(renewed));
      lane.follow();
    },
    changes: () => changes,
    /** Calls a tool as a turn would. */
    call: (made: Tool | undefined, stop = new AbortController()) => {
      if (made === undefined) throw new Error('there is no such tool');
      const asked = made.execute({}, { session_id: 'one', signal: stop.signal } as ToolContext);
      asked.catch(() => undefined);
      return { asked, stop };
    },
  };
}

it('tries again later each time, five times in a minute, and then leaves a server out until it has rested', async () => {
  const { tries, on, status, toRoot, plays, world, lane } = stage();
  await on(1_000);
  expect(await status()).toMatchObject({ state: 'retrying', losses: expect.any(Number), server: null });
  expect(lane.absent('mcp.box.add')).toMatch(
    /^The MCP server box is not connected\. .*: there is no box\. It is tried again at 20/,
  );
  expect(lane.absent('clock')).toBeUndefined();
  await on(14_000);
  const pauses = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
  // The first at once, then 1, 2, 4 and 8 seconds, less a quarter.
  expect(pauses.map((ms) => Math.round(ms / 750))).toEqual([0, 1, 2, 4, 8]);
  const left = await status();
  expect(left).toMatchObject({ state: 'quarantined', losses: 6 });
  expect(Date.parse(left.retry_at ?? '') - world.now()).toBeGreaterThan(30_000);
  expect(toRoot).toContain('gateway.quarantine');
  expect(JSON.stringify(toRoot)).toContain('`sigil mcp reconnect box` tries it at once');
  const before = tries.length;
  await on(20_000);
  expect(tries.length).toBe(before);
  plays(() => listOf(tool('add')));
  await on(60_000);
  expect(await status()).toMatchObject({ state: 'ready', tools: 1, retry_at: null });
  expect(toRoot).toContain('gateway.released');
});

it('is tried at once when somebody asks for it, whatever it waits for', async () => {
  const { on, status, reconnect, plays, tries, closed } = stage();
  await on(20_000);
  expect(await status()).toMatchObject({ state: 'quarantined' });
  plays(() => listOf(tool('add')));
  expect(await reconnect()).toEqual({ state: 'connecting' });
  expect(await status()).toMatchObject({ state: 'ready', tools: 1 });
  const before = tries.length;
  await reconnect();
  expect([tries.length, closed()]).toEqual([before + 1, 1]);
  // The pause it was in does not try it a second time.
  await on(120_000);
  expect(tries.length).toBe(before + 1);
});

it('gives lanes its tools, the same ones as long as they have not changed', async () => {
  const { on, plays, lane, changes, connection, status } = stage();
  plays(() => listOf(tool('add', { read_only: true, idempotent: true }), tool('drop', { destructive: true })));
  expect([lane.tools(), lane.absent('mcp.box.add')]).toEqual([[], 'The MCP server box is not connected yet.']);
  await on(1_000);
  const [add, drop] = lane.tools();
  expect(add).toMatchObject({ name: 'mcp.box.add', idempotent: true, safe: false, approval: 'never' });
  expect(drop).toMatchObject({ name: 'mcp.box.drop', idempotent: false, safe: false, approval: 'ask' });
  expect(Object.isFrozen(add?.inputSchema)).toBe(true);
  expect(changes()).toBe(1);

  // It dies and is back at once: nothing is another, and no prompt changes.
  connection().lost('it fell');
  await on(3_000);
  expect(await status()).toMatchObject({ state: 'ready', losses: 1 });
  expect([changes(), lane.tools()[0] === add]).toEqual([1, true]);

  connection().listed(listOf(tool('add')));
  await on();
  expect([changes(), lane.tools().map(({ name }) => name)]).toEqual([2, ['mcp.box.add']]);
  expect(lane.absent('mcp.box.drop')).toBe('The MCP server box has no such tool any more.');

  // It dies and does not come back: what cannot be called is not offered.
  plays(() => 'it is gone');
  connection().lost('it fell again');
  await on(3_000);
  expect(lane.tools()).toEqual([]);
  expect(lane.absent('mcp.box.add')).toMatch(/is not connected\. .*: it is gone\./);
});

it('is asked by calls that end when nobody waits for them any more', async () => {
  const { on, plays, lane, calls, call, status, servers } = stage();
  plays(() => listOf(tool('add')));
  await on(1_000);
  const [add] = lane.tools();
  const first = call(add);
  const second = call(add);
  const third = call(add);
  await on();
  expect(calls.map(({ name, within }) => [name, within > 60_000 && within <= 61_000])).toEqual(
    Array(3).fill(['add', true]),
  );
  expect(await status()).toMatchObject({ in_flight: 3, calls: 3 });
  calls[0]?.answer('three');
  calls[1]?.fail('no arithmetic today');
  third.stop.abort();
  await on();
  expect(await first.asked).toMatchObject({ content: 'three', is_error: false });
  await expect(second.asked).rejects.toThrow('The MCP server box did not do it: no arithmetic today');
  await expect(third.asked).rejects.toThrow('given up');
  expect(calls.map(({ signal }) => signal.aborted)).toEqual([false, false, true]);
  expect(await status()).toMatchObject({ in_flight: 0, calls: 3, failures: 2 });
  const fourth = call(add);
  await on();
  servers.close();
  expect(calls[3]?.signal.aborted).toBe(true);
  fourth.asked.catch(() => undefined);
});

it('takes so many calls at once and no more', async () => {
  const { on, plays, lane, calls, call, status } = stage();
  plays(() => listOf(tool('add')));
  await on(1_000);
  const asked = Array.from({ length: 70 }, () => call(lane.tools()[0]).asked);
  await on(1_000);
  expect(calls.length).toBe(64);
  await expect(asked[69]).rejects.toThrow(/64 calls of the MCP server box are under way already/);
  for (const { answer } of calls) answer('done');
  await on(1_000);
  expect((await Promise.allSettled(asked)).filter((one) => one.status === 'fulfilled')).toHaveLength(64);
  expect(await status()).toMatchObject({ in_flight: 0, calls: 64 });
});

it('writes no more of what it says for people into the log than can be read', async () => {
  const { on, plays, connection, logged } = stage();
  plays(() => listOf());
  await on(100);
  for (let line = 1; line <= 1_000; line += 1) connection().said(`line ${line}`);
  await on(60_000);
  connection().said('one more');
  const lines = logged.filter((line) => / /.test(line) && !line.includes('MCP server'));
  expect(lines).toHaveLength(62);
  expect(lines.slice(-3)).toEqual(['line 60', '940 more lines of the last minute are not shown', 'one more']);
});

it('that is configured while others run is connected to, and its tools are there; taken out they are not', async () => {
  const { on, plays, lane, set, status, closed, changes } = stage();
  plays(() => listOf(tool('add')));
  await on(1_000);
  const [add] = lane.tools();
  set({ box: { command: 'box' }, other: { command: 'other' } });
  await on(1_000);
  expect(lane.tools().map(({ name }) => name)).toEqual(['mcp.box.add', 'mcp.other.add']);
  expect(lane.tools()[0]).toBe(add);
  expect(changes()).toBe(2);
  set({ other: { command: 'other' } });
  expect(lane.tools().map(({ name }) => name)).toEqual(['mcp.other.add']);
  expect(lane.absent('mcp.box.add')).toBeUndefined();
  await on(1_000);
  expect(await status()).toMatchObject({ code: expect.any(String) });
  expect(closed()).toBe(1);
});

it('that is set otherwise is connected to anew, and a call that runs comes to its end', async () => {
  const { on, plays, lane, set, status, closed, calls, call, tries } = stage();
  plays(() => listOf(tool('add')));
  await on(1_000);
  const { asked } = call(lane.tools()[0]);
  await on();
  set({ box: { command: 'box', args: ['--other'] } });
  plays(() => listOf(tool('sum')));
  await on(1_000);
  expect(lane.tools().map(({ name }) => name)).toEqual(['mcp.box.sum']);
  expect(await status()).toMatchObject({ state: 'ready', calls: 0 });
  expect([tries.length, closed()]).toEqual([2, 0]);
  calls[0]?.answer('42');
  await on();
  await expect(asked).resolves.toMatchObject({ content: '42' });
  expect(closed()).toBe(1);
  // What is the same is left as it is, unless its secret is another.
  set({ box: { command: 'box', args: ['--other'] } });
  await on(1_000);
  expect(tries.length).toBe(2);
  set({ box: { command: 'box', args: ['--other'] } }, ['box']);
  await on(1_000);
  expect([tries.length, closed()]).toEqual([3, 2]);
});
