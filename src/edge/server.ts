// SPDX-License-Identifier: Apache-2.0
// The edge as the composition root starts and stops it: the same listener on a TCP port and on a unix socket.

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { isLoopback } from '../config/listen.ts';
import { failure, SigilError } from '../errors.ts';
import { writeProblem } from './answer.ts';
import { createApp } from './app.ts';
import { answerBrokenHttp, answerConnect, brokenFrame, HEADER_COUNT } from './broken-http.ts';
import { boundConnections, connectionsMost } from './connections.ts';
import { EdgeContext } from './context.ts';
import { HostGuard } from './guard.ts';
import { fs, http } from './node-http.ts';
import type { EdgePorts } from './ports.ts';
import { type Problem, problemOfFailure } from './problem.ts';
import { RefusedCallers } from './refused-callers.ts';
import { allRoutes } from './routes/all.ts';
import { pageRoutes } from './routes/page.ts';

/** The HTTP edge. */
export interface Edge {
  /** Listens on a TCP port; 0 lets the system choose. Rejects when the address cannot be had. */
  listenTcp(host: string, port: number): Promise<{ readonly url: string; readonly port: number }>;
  /** Listens on a unix socket that only its owner may open. A stale one at this path is replaced. */
  listenSocket(path: string): Promise<void>;
  /** Takes no new connections; those that are open go on. */
  stopAccepting(): void;
  /**
   * Stops accepting and settles when every running answer has ended.
   *
   * @param grace milliseconds after which those that have not are ended; the drain timeout when not given
   */
  close(grace?: number): Promise<void>;
}

/** How long a connection may take over what, in milliseconds. */
export interface Patience {
  /** Headers, from when it is open, or from the first byte of the next request. */
  readonly headers: number;
  /** The whole request. */
  readonly request: number;
  /** The next request. */
  readonly idle: number;
  /** How often it is looked whether somebody is late. */
  readonly look: number;
}
const PATIENCE: Patience = { headers: 10_000, request: 60_000, idle: 65_000, look: 5_000 };
const HEADER_BYTES = 16 * 1024;
/** How often answers are looked at that nobody has read to their end, and how often one may be seen so, before it is cut. */
const LOOK_FOR_UNREAD_MS = 5_000;
const UNREAD_LOOKS = 12;
/**
 * Connections that may wait to be accepted. What does not fit is dropped by the kernel without a word and tried again by the
 * other side after one, three, seven and more seconds: an answer of 503 is better than that.
 */
const BACKLOG = 4_096;
/** After the last word to everybody: what still has not been read then is cut off. */
const LAST_WORDS_MS = 1_000;
const SWEEP_MS = 25;

/**
 * @param most connections there may be, of TCP and of the socket each
 * @param patience with those who are slow
 */
export function createEdge(ports: EdgePorts, most: number = connectionsMost(), patience = PATIENCE): Edge {
  const edge = new EdgeContext(ports);
  const hosts = new HostGuard(ports.config.networking);
  const refused = new RefusedCallers(ports);
  ports.configuration?.onChange(() => {
    hosts.follow(ports.config.networking);
    edge.follow();
  });
  const count = (clientAddress: string): void => refused.count(clientAddress);
  const routes = [...allRoutes(edge, count), ...pageRoutes(ports)];
  const listener = createApp(edge, routes, { hosts, requests: edge.requests, refused: count });
  const servers: Server[] = [];
  /** Requests whose answers are not out yet. */
  const answering = new Map<ServerResponse, IncomingMessage>();
  /** How often an answer that is written was seen to wait for its reader. */
  const unread = new WeakMap<ServerResponse, number>();
  let stopLooking: (() => void) | null = null;
  /** Those whose framing was refused: what follows is read as nothing. */
  const told = new WeakSet<object>();
  // Whoever asks and does not read the answer keeps a connection from others, and no timeout of the server is about them.
  const look = (): void => {
    stopLooking = null;
    for (const response of answering.keys()) {
      if (!response.writableEnded) continue;
      const looks = (unread.get(response) ?? 0) + 1;
      unread.set(response, looks);
      if (looks > UNREAD_LOOKS) response.destroy();
    }
    if (answering.size > 0) stopLooking = ports.world.after(LOOK_FOR_UNREAD_MS, look);
  };
  let closing: Promise<void> | undefined;

  const serve = (): Server => {
    const server = http.createServer({
      headersTimeout: patience.headers,
      requestTimeout: patience.request,
      keepAliveTimeout: patience.idle,
      connectionsCheckingInterval: patience.look,
      maxHeaderSize: HEADER_BYTES,
      // Without a Host the guard refuses, in the same form as everything else.
      requireHostHeader: false,
    });
    // One more than may be, so that it is seen; what is past that is dropped by the parser.
    server.maxHeadersCount = HEADER_COUNT + 1;
    const isExcess = boundConnections(server, ports.world, most);
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      // A connection that stays open would keep the server from closing.
      if (closing !== undefined) response.setHeader('Connection', 'close');
      answering.set(response, request);
      response.once('close', () => answering.delete(response));
      stopLooking ??= ports.world.after(LOOK_FOR_UNREAD_MS, look);
      const broken = isExcess(request.socket) ? tooManyConnections(ports.world.uuid()) : brokenFrame(request);
      if (broken === undefined) return listener(request, response);
      told.add(request.socket);
      response.setHeader('X-Request-Id', ports.world.uuid());
      writeProblem(request, response, broken, ports.world);
    };
    server.on('request', answer);
    // The body is asked for only once the request is found to be welcome.
    server.on('checkContinue', answer);
    // Other expectations are not met and not minded: the guard and the routes say what is wrong with a request.
    server.on('checkExpectation', answer);
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      if (!told.has(socket)) answerBrokenHttp(error, socket, ports.world);
    });
    server.on('connect', (_: IncomingMessage, socket: Duplex) => answerConnect(socket, ports.world));
    servers.push(server);
    return server;
  };

  const bound = (server: Server, listen: () => void): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.once('listening', () => {
        server.off('error', reject);
        server.on('error', (err) => ports.log.error({ err }, 'the server failed'));
        resolve();
      });
      listen();
    });

  const stopAccepting = (): void => {
    for (const server of servers) if (server.listening) server.close();
  };

  const shut = async (grace: number): Promise<void> => {
    const { world } = ports;
    const all = Promise.all(servers.map((server) => closed(server)));
    edge.endEndless();
    stopLooking?.();
    refused.close();
    let stopSweeping: () => void = () => undefined;
    // A connection is idle again once its last answer is out; kept alive, it would hold the server open.
    const sweep = (): void => {
      for (const server of servers) server.closeIdleConnections();
      stopSweeping = world.after(SWEEP_MS, sweep);
    };
    sweep();
    let stopCutting: () => void = () => undefined;
    // A request that has not come whole by now never gets more than a refusal, and may never come: nobody waits for it.
    const cut = (): void => {
      if ([...answering.values()].some((request) => request.complete)) stopCutting = world.after(SWEEP_MS, cut);
      else for (const server of servers) server.closeAllConnections();
    };
    stopCutting = world.after(LAST_WORDS_MS, cut);
    const cancels = [
      () => stopSweeping(),
      () => stopCutting(),
      world.after(grace, () => edge.endAll()),
      world.after(grace + LAST_WORDS_MS, () => {
        for (const server of servers) server.closeAllConnections();
      }),
    ];
    await all;
    for (const cancel of cancels) cancel();
  };

  return {
    async listenTcp(host, port) {
      const server = serve();
      await bound(server, () => server.listen({ port, host, backlog: BACKLOG }));
      const at = server.address();
      const taken = typeof at === 'object' && at !== null ? at.port : port;
      // The name was found to be this machine's own when the configuration was read; what it leads to is only known here.
      if (ports.config.auth.mode === 'none' && typeof at === 'object' && at !== null && !isLoopback(at.address)) {
        server.close();
        throw new SigilError(
          failure('forbidden', `auth.mode none is for loopback addresses only, and ${host} is ${at.address} here.`),
        );
      }
      hosts.listensOn(host);
      edge.url = `http://${host.includes(':') ? `[${host}]` : host}:${taken}`;
      return { url: edge.url, port: taken };
    },
    async listenSocket(path) {
      const server = serve();
      removeStale(path);
      try {
        await bound(server, () => server.listen({ path, backlog: BACKLOG }));
      } catch (thrown) {
        throw socketError(path, thrown);
      }
      fs.chmodSync(path, 0o600);
    },
    stopAccepting,
    close(grace = ports.config.gateway.drain_timeout) {
      closing ??= shut(grace);
      return closing;
    },
  };
}

/** Told on a connection there is no room for. */
function tooManyConnections(requestId: string): Problem {
  const refused = problemOfFailure(failure('overloaded', 'There are too many connections to this gateway.'), requestId);
  return { ...refused, headers: { ...refused.headers, Connection: 'close' } };
}

/** Settles when a server has no connection left; one that was closed before counts too. */
function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (server.listening) server.close(() => resolve());
    else server.getConnections((_error, count) => (count === 0 ? resolve() : server.once('close', resolve)));
  });
}

/** Why a socket cannot be had. A path that is too long for one is an invalid argument to the kernel, and no more is said. */
function socketError(path: string, thrown: unknown): SigilError {
  const { code, message } = thrown as NodeJS.ErrnoException;
  const why =
    code === 'EINVAL' || code === 'ENAMETOOLONG'
      ? 'the path is too long for a socket; choose a data directory with a shorter one'
      : code === 'EADDRINUSE'
        ? 'something that is no socket is in its place; move it away'
        : message;
  return new SigilError(failure('storage_failed', `${path}: ${why}`), { cause: thrown });
}

/** A socket that a gateway left behind when it was killed. Whoever calls holds the data directory, so nobody uses it. */
function removeStale(path: string): void {
  if (fs.lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) fs.unlinkSync(path);
}
