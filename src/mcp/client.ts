// SPDX-License-Identifier: Apache-2.0
// A connection to an MCP server through the official SDK, whose types and promises end here. Loaded when the first server is connected to.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ErrorCode, McpError, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import type { ServerInfo, ToolList, ToolReply } from '../actors/mcp/protocol.ts';
import { failure, SigilError } from '../errors.ts';
import { answerText, CallResult } from './answer.ts';
import { boundedFetch } from './bounded-fetch.ts';
import { type ChildOptions, ChildTransport } from './child-process.ts';
import { plainLine } from './plain-text.ts';
import { isLoss, problemText } from './problems.ts';
import type { McpServer } from './settings.ts';
import { TOOLS_MOST, ToolPage, toolList } from './tool-list.ts';

/** How long a server may take to answer the first time, in milliseconds: a package may have to be fetched. */
const CONNECT_MS = 60_000;
/** How long a page of its list may take. */
const LIST_MS = 30_000;
/** Pages of a list; with more of them than tools it would never end. */
const PAGES_MOST = TOOLS_MOST;
/** Pause after a list before it is asked for again, however often the server says that it has changed. */
const LIST_PAUSE_MS = 1_000;
/** How long the end of a session may take to be told. */
const FAREWELL_MS = 1_000;

export interface McpConnectionOptions extends Pick<ChildOptions, 'said' | 'child'> {
  readonly server: McpServer;
  /** Of this program. */
  readonly version: string;
  readonly world: { readonly after: (ms: number, run: () => void) => () => void; readonly monotonic: () => number };
  /** Cuts a result to the size it may have. */
  readonly cut: (text: string) => { readonly content: string; readonly truncated: boolean };
  /** Gives it up before it is there. */
  readonly signal: AbortSignal;
  /** Its tools have changed. */
  readonly listed: (list: ToolList) => void;
  /** It is gone, for this reason; told once, and not when it was closed by us. */
  readonly lost: (why: string) => void;
}

export interface McpConnection {
  readonly server: ServerInfo;
  readonly list: ToolList;
  /** @throws SigilError `tool_failed`, `tool_timeout` */
  call(
    name: string,
    args: Readonly<Record<string, unknown>>,
    limits: { readonly signal: AbortSignal; readonly within: number },
  ): Promise<ToolReply>;
  /** Lets go of it; a program is ended. */
  close(): void;
}

interface Made {
  readonly transport: Transport;
  readonly ending: () => string;
  /** @param farewell whether a server that can be asked to forget us is */
  readonly close: (farewell: boolean) => Promise<void>;
}

function makeTransport({ server, world, said, child }: McpConnectionOptions, broken: (why: string) => void): Made {
  if (server.kind === 'stdio') {
    const transport = new ChildTransport({ ...server, said, child });
    return { transport, ending: () => transport.ending, close: () => transport.close() };
  }
  const transport = new StreamableHTTPClientTransport(new URL(server.url), {
    fetch: boundedFetch({ now: () => world.monotonic(), broken }),
    requestInit: { headers: { ...server.headers } },
  });
  const close = async (farewell: boolean): Promise<void> => {
    if (farewell) {
      // The server may forget the session at once. It need not answer, and need not know what that is.
      const late = Promise.withResolvers<void>();
      const cancel = world.after(FAREWELL_MS, late.resolve);
      await Promise.race([transport.terminateSession().catch(() => undefined), late.promise]);
      cancel();
    }
    await transport.close();
  };
  return { transport: transport as Transport, ending: () => '', close };
}

/** The tools of a server that has any, all pages of them. */
async function listOf(client: Client): Promise<ToolList> {
  if (client.getServerCapabilities()?.tools === undefined) return toolList([]);
  const all: unknown[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MOST; page += 1) {
    const request = { method: 'tools/list', params: cursor === undefined ? {} : { cursor } } as const;
    const { tools, nextCursor } = await client.request(request, ToolPage, { timeout: LIST_MS });
    all.push(...tools);
    // One past the bound says that there are more.
    if (nextCursor === undefined || nextCursor === cursor || all.length > TOOLS_MOST) break;
    cursor = nextCursor;
  }
  return toolList(all);
}

/**
 * Connects and reads the list of tools. We offer a server nothing: it can ask neither a model nor a person through us, nor
 * for files, and is told so.
 *
 * @throws Error with a sentence that says what is wrong
 */
export async function connectMcp(options: McpConnectionOptions): Promise<McpConnection> {
  const { world, signal } = options;
  let state: 'connecting' | 'open' | 'closed' = 'connecting';
  /** What broke off before the connection was there. */
  let cut = '';
  const {
    transport,
    ending,
    close: end,
  } = makeTransport(options, (why) => {
    if (state === 'open') return lose(why);
    cut = why;
    close(false);
  });
  const client = new Client({ name: 'sigil', title: 'Sigil', version: options.version }, { capabilities: {} });
  let stopList = (): void => undefined;

  // What is asked meanwhile fails with it. It is not cancelled by a signal: the SDK would cancel what has long been answered.
  const close = (farewell: boolean): void => {
    if (state === 'closed') return;
    state = 'closed';
    stopList();
    end(farewell).then(
      () => client.close(),
      () => client.close(),
    );
  };
  const lose = (why: string): void => {
    if (state !== 'open') return;
    close(false);
    options.lost(ending() || why);
  };
  client.onclose = () => lose('the connection was closed');
  client.onerror = (error) => {
    // The SDK has tried to listen again as often as it does; what the server tells unasked would not be heard any more.
    if (error.message.includes('Maximum reconnection attempts')) lose('it cannot be listened to any more');
  };
  const aborted = (): void => close(true);
  signal.addEventListener('abort', aborted, { once: true });

  let listing: 'no' | 'yes' | 'again' = 'no';
  const relist = (): void => {
    if (state === 'closed') return;
    // Before it is open the first list is on its way, and may be the older one.
    if (state === 'connecting' || listing !== 'no') {
      listing = 'again';
      return;
    }
    listing = 'yes';
    listOf(client)
      .then((list) => {
        if (state === 'open') options.listed(list);
      })
      .catch((thrown: unknown) => {
        if (isLoss(thrown)) lose(problemText(thrown));
        else if (state === 'open') options.said(`its tools cannot be listed anew: ${problemText(thrown)}`);
      })
      .finally(() => {
        if (state !== 'closed')
          stopList = world.after(LIST_PAUSE_MS, () => {
            const again = listing === 'again';
            listing = 'no';
            if (again) relist();
          });
      });
  };
  client.setNotificationHandler(ToolListChangedNotificationSchema, relist);

  let list: ToolList;
  try {
    await client.connect(transport, { timeout: CONNECT_MS });
    list = await listOf(client);
    if (signal.aborted) throw new Error('it was given up');
  } catch (thrown) {
    close(true);
    throw new Error(ending() || cut || problemText(thrown));
  }
  state = 'open';
  // Widened by hand: it is set by what the server tells while it is waited for.
  if ((listing as string) === 'again') {
    listing = 'no';
    relist();
  }
  const { name = '', version = '' } = client.getServerVersion() ?? {};

  return {
    server: { name: plainLine(name, 100), version: plainLine(version, 100) },
    list,
    close: () => close(true),
    call: async (tool, args, { signal: stop, within }) => {
      const request = { method: 'tools/call', params: { name: tool, arguments: { ...args } } } as const;
      try {
        const { content, is_error } = answerText(
          await client.request(request, CallResult, { signal: stop, timeout: within, maxTotalTimeout: within }),
        );
        return { ...options.cut(content), is_error };
      } catch (thrown) {
        // The SDK calls it a timeout whichever of the two ended it.
        if (stop.aborted) throw new SigilError(failure('tool_failed', 'the call was cancelled'), { cause: thrown });
        const why = ending() || problemText(thrown);
        if (isLoss(thrown)) lose(why);
        throw new SigilError(failure(isTimeout(thrown) ? 'tool_timeout' : 'tool_failed', why), { cause: thrown });
      }
    },
  };
}

function isTimeout(thrown: unknown): boolean {
  return thrown instanceof McpError && thrown.code === ErrorCode.RequestTimeout;
}
