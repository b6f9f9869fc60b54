// SPDX-License-Identifier: Apache-2.0
// Connections to servers made with the official SDK: programs of this machine, and HTTP.

import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ToolList } from '../../src/actors/mcp/protocol.ts';
import { cap } from '../../src/agent/tools/run.ts';
import { realWorld } from '../../src/composition/real-world.ts';
import { SigilError } from '../../src/errors.ts';
import { connectMcp, type McpConnection } from '../../src/mcp/client.ts';
import type { McpServer } from '../../src/mcp/settings.ts';
import { until } from '../edge/client.ts';
import { type HttpToolboxOptions, startHttpToolbox } from './http-server.ts';

const PROGRAM = fileURLToPath(new URL('./stdio-server.ts', import.meta.url));
const WARNINGS = '--disable-warning=ExperimentalWarning';

interface Scene {
  readonly connection: McpConnection;
  readonly said: string[];
  readonly lists: ToolList[];
  readonly lost: string[];
  /** Process groups that live. */
  readonly living: Set<number>;
  call(
    name: string,
    args?: Readonly<Record<string, unknown>>,
    stop?: AbortController,
    within?: number,
  ): ReturnType<McpConnection['call']>;
}

async function connect(server: McpServer, given: Partial<Pick<Scene, 'said' | 'living'>> = {}): Promise<Scene> {
  const { said = [], living = new Set<number>() } = given;
  const lists: ToolList[] = [];
  const lost: string[] = [];
  const connection = await connectMcp({
    ...{ server, version: '9.9.9', world: realWorld, signal: new AbortController().signal },
    cut: (text) => cap(text, 64 * 1024),
    child: (pid, lives) => void (lives ? living.add(pid) : living.delete(pid)),
    said: (line) => void said.push(line),
    listed: (list) => void lists.push(list),
    lost: (why) => void lost.push(why),
  });
  onTestFinished(async () => {
    connection.close();
    await until(() => living.size === 0);
  });
  return {
    ...{ connection, said, lists, lost, living },
    call: (name, args = {}, stop = new AbortController(), within = 30_000) =>
      connection.call(name, args, { signal: stop.signal, within }),
  };
}

const program = (manner = '', env: Readonly<Record<string, string>> = {}): McpServer => ({
  ...{ kind: 'stdio', command: process.execPath, args: [WARNINGS, PROGRAM, manner], env },
});

const shell = (line: string): McpServer => ({ kind: 'stdio', command: 'sh', args: ['-c', line], env: {} });

async function overHttp(options: HttpToolboxOptions = {}) {
  const toolbox = await startHttpToolbox(options);
  onTestFinished(() => toolbox.close());
  const headers: Readonly<Record<string, string>> = options.key === undefined ? {} : { 'X-Toolbox-Key': options.key };
  const server: McpServer = { kind: 'http', url: toolbox.url, headers };
  return { toolbox, server };
}

const failed = async (asked: Promise<unknown>): Promise<unknown> => {
  const thrown: unknown = await asked.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
  return thrown instanceof SigilError ? thrown.failure : thrown;
};

describe.each(['a program', 'HTTP'])('%s', (how) => {
  const start = async () => {
    if (how === 'a program') return { scene: await connect(program()), seen: undefined };
    const { toolbox, server } = await overHttp({ key: 'a-key-of-the-toolbox' });
    return { scene: await connect(server), seen: toolbox.seen };
  };

  it('tells its tools, is called, and offers nothing in return', async () => {
    const { scene, seen } = await start();
    const { connection, call, said, lists } = scene;
    expect(connection.server).toEqual({ name: 'toolbox', version: '1.2.3' });
    const tools = new Map(connection.list.tools.map((tool) => [tool.name, tool]));
    expect(tools.get('add')).toMatchObject({
      ...{ description: 'Adds two numbers.', idempotent: true, read_only: true, destructive: false },
      inputSchema: { type: 'object', required: ['a', 'b'] },
    });
    expect(tools.get('fails')).toMatchObject({ idempotent: false, destructive: true });

    expect(await call('add', { a: 1, b: 2 })).toEqual({ content: '3', is_error: false, truncated: false });
    expect((await call('parts')).content).toBe(
      [
        'first',
        '[an image, image/png, 3 KiB; not shown]',
        '[a sound, audio/wav, 3 bytes; not shown]',
        '[a resource, file:///notes.txt, text/plain]\nin the notes',
        '[a resource, far, file:///far.txt]',
        '{"sum":3}',
      ].join('\n'),
    );
    expect(await call('fails')).toEqual({ content: 'there is no such drawer', is_error: true, truncated: false });
    const long = await call('long');
    expect(long.truncated).toBe(true);
    expect(Buffer.byteLength(long.content)).toBeLessThanOrEqual(64 * 1024);
    expect(long.content).toMatch(/\[cut: this result has 300000 characters, more than fits]$/);
    // What the server says of arguments that are wrong is an answer, too.
    expect(await call('add', { a: 'one' })).toMatchObject({ is_error: true });
    expect((await call('wants')).content.split('\n')).toEqual(
      Array.from({ length: 3 }, () => 'MCP error -32601: Method not found'),
    );

    const stop = new AbortController();
    const waiting = call('wait', {}, stop);
    const cancelled = (): boolean => said.includes('the wait was cancelled') || seen?.cancelled.length === 1;
    await until(() => said.includes('the wait began') || seen?.began.length === 1);
    stop.abort();
    expect(await failed(waiting)).toMatchObject({ code: 'tool_failed' });
    await until(cancelled);
    expect(await failed(call('wait', {}, new AbortController(), 50))).toMatchObject({ code: 'tool_timeout' });

    await call('grow');
    await until(() => lists.length > 0);
    expect(lists.at(-1)?.tools.length).toBe(connection.list.tools.length + 1);
    // Other calls than those that were given up went on all the time.
    expect(await call('add', { a: 2, b: 2 })).toMatchObject({ content: '4' });
  });
});

describe('a program', () => {
  it('gets its own environment and nothing of ours but what every program needs', async () => {
    process.env['SIGIL_TEST_LEAK'] = 'seen';
    onTestFinished(() => void delete process.env['SIGIL_TEST_LEAK']);
    const said: string[] = [];
    const { call } = await connect(program('greets', { TOOLBOX_KEY: 'k' }), { said });
    // Many greet on the channel for messages.
    expect(said).toContain('Welcome to the toolbox!');
    const names = (JSON.parse((await call('env')).content) as [string, string][]).map(([name]) => name);
    expect(names.filter((name) => !['PATH', 'HOME', 'LANG'].includes(name))).toEqual(['TOOLBOX_KEY']);
  });

  it('that ends tells what it said last, and what waited for it is told', async () => {
    const { call, lost, living } = await connect(program());
    expect(await failed(call('die'))).toMatchObject({
      code: 'tool_failed',
      message: expect.stringMatching(/exited with code 3: the toolbox fell off the table$/),
    });
    expect(lost).toEqual([expect.stringMatching(/exited with code 3/)]);
    await until(() => living.size === 0);
  });

  it('that does not want to end is ended, with what it started', async () => {
    const { connection, said, living } = await connect(program('stubborn'));
    await until(() => said.some((line) => line.startsWith('child ')));
    const child = Number(said.find((line) => line.startsWith('child '))?.slice(6));
    const [pid = 0] = living;
    expect([pid, child].every(runs)).toBe(true);
    connection.close();
    await until(() => living.size === 0 && !runs(child) && !runs(pid));
  });

  it.each([
    ['ends', 'echo no licence found >&2; exit 2', /exited with code 2: no licence found$/],
    ['floods us', 'head -c 17825792 /dev/zero; sleep 60', /a message of more than 16 MiB$/],
  ])('that %s before it is there is told as that', async (_what, line, why) => {
    const living = new Set<number>();
    await expect(connect(shell(line), { living })).rejects.toThrow(why);
    await until(() => living.size === 0);
  });

  it('that is not there is told as that', async () => {
    const server: McpServer = { kind: 'stdio', command: '/nowhere/toolbox', args: [], env: {} };
    await expect(connect(server)).rejects.toThrow(/^there is no program \/nowhere\/toolbox$/);
  });

  it('that never answers is given up when it is told so', async () => {
    const living = new Set<number>();
    const stop = new AbortController();
    const asked = connectMcp({
      ...{ server: shell('sleep 60'), version: '1', world: realWorld, signal: stop.signal },
      ...{ cut: (text) => cap(text, 1_000), said: () => undefined, listed: () => undefined, lost: () => undefined },
      child: (pid, lives) => void (lives ? living.add(pid) : living.delete(pid)),
    });
    asked.catch(() => undefined);
    await until(() => living.size === 1);
    stop.abort();
    await expect(asked).rejects.toThrow();
    await until(() => living.size === 0);
  });
});

describe('HTTP', () => {
  it('is lost when the server forgets the session, and when nobody is there', async () => {
    const { toolbox, server } = await overHttp();
    const first = await connect(server);
    toolbox.forget();
    expect(await failed(first.call('add', { a: 1, b: 1 }))).toMatchObject({
      message: expect.stringMatching(/does not know our session/),
    });
    expect(first.lost.length).toBe(1);
    const second = await connect(server);
    await toolbox.close();
    expect(await failed(second.call('add', { a: 1, b: 1 }))).toMatchObject({
      message: expect.stringMatching(/fetch failed \((?:.*ECONN|UND_ERR_SOCKET: other side closed)/),
    });
    expect(second.lost.length).toBe(1);
    await expect(connect(server)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('says that the credentials are refused, without them', async () => {
    const { server } = await overHttp({ key: 'the-right-key' });
    const wrong = { ...server, headers: { 'X-Toolbox-Key': 'the-wrong-key' } } as McpServer;
    const error = await connect(wrong).catch((thrown: Error) => thrown);
    expect((error as Error).message).toBe(
      'it refuses our credentials (HTTP 401): correct its `headers` in the configuration',
    );
  });

  it('reads no message without end, in an answer or in a stream', async () => {
    for (const type of ['application/json', 'text/event-stream']) {
      const { server } = await overHttp({
        before: (request, response) => {
          if (request.method !== 'POST') return false;
          response.writeHead(200, { 'content-type': type });
          const more = (): void => {
            while (!response.destroyed && response.write(`data: ${'x'.repeat(1_000_000)}\n`));
            response.once('drain', more);
          };
          more();
          return true;
        },
      });
      await expect(connect(server)).rejects.toThrow(/^it sent a message of more than 16 MiB$/);
    }
  });

  it('sends its headers to no other address', async () => {
    const other = await overHttp();
    const { server } = await overHttp({
      before: (_, response) => {
        response.writeHead(307, { location: other.toolbox.url }).end();
        return true;
      },
    });
    await expect(connect(server)).rejects.toThrow(/redirect/i);
    expect(other.toolbox.sessions()).toBe(0);
  });
});

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
