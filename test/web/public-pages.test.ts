// SPDX-License-Identifier: Apache-2.0
// Pages read from real servers on this machine: what is public here is 127.0.0.2, and nothing else is.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toFailure } from '../../src/errors.ts';
import { pageText } from '../../src/web/page-text.ts';
import { isPublicAddress } from '../../src/web/public-address.ts';
import type { ResolvedAddress } from '../../src/web/public-fetch.ts';
import { publicPages } from '../../src/web/public-pages.ts';

const PUBLIC = '127.0.0.2';
const BODY_MOST = 100_000;

type Route = (request: IncomingMessage, response: ServerResponse) => void;
const routes = new Map<string, Route>();
const asked: string[] = [];
let open: Server;
let inner: Server;
let port = 0;
/** Connections the server that is not public has seen. */
let reached = 0;

/** What each name resolves to, one answer after the other; the last one stays. */
const names = new Map<string, string[]>();
const looked: string[] = [];

const at = (address: string): ResolvedAddress => ({ address, family: address.includes(':') ? 6 : 4 });

const pages = (most = 4) =>
  publicPages({
    resolve: (hostname, done) => {
      looked.push(hostname);
      const answers = names.get(hostname) ?? [];
      const now = answers.length > 1 ? answers.shift() : answers[0];
      if (now === undefined) return done(new Error(`getaddrinfo ENOTFOUND ${hostname}`), []);
      return done(null, now.split(' ').map(at));
    },
    permitted: (address) => address === PUBLIC || isPublicAddress(address),
    user_agent: 'test',
    body_bytes: BODY_MOST,
    most,
    text: async (source) => pageText(source),
  });

const read = (url: string, signal = new AbortController().signal) => pages().read(url, signal);
const refusal = async (url: string): Promise<string> => {
  try {
    await read(url);
  } catch (thrown) {
    const { code, message } = toFailure(thrown);
    return `${code}: ${message}`;
  }
  return 'read';
};
const html = (title: string, body: string): string =>
  `<!doctype html><html><head><title>${title}</title></head><body>${body}</body></html>`;
const serve = (path: string, headers: Record<string, string>, body: string | Buffer, status = 200): string => {
  routes.set(path, (_, response) => response.writeHead(status, headers).end(body));
  return `http://site.example:${port}${path}`;
};
const redirect = (path: string, location: string): string =>
  serve(path, { location: location.replace(/[^\x20-\x7e]+/g, encodeURIComponent) }, '', 302);

beforeAll(async () => {
  open = createServer((request, response) => {
    asked.push(request.url ?? '');
    const route = routes.get(request.url ?? '');
    if (route === undefined) response.writeHead(404, { 'content-type': 'text/plain' }).end('nothing here');
    else route(request, response);
  });
  inner = createServer((_, response) => response.end('the inner secret')).on('connection', () => {
    reached += 1;
  });
  await new Promise<void>((done) => open.listen(0, PUBLIC, done));
  port = (open.address() as AddressInfo).port;
  await new Promise<void>((done) => inner.listen(port, '127.0.0.1', done));
  names.set('site.example', [PUBLIC]);
});
afterAll(() => {
  open.closeAllConnections();
  open.close();
  inner.close();
});

describe('a page', () => {
  it('is its text, its title and where it was found', async () => {
    const body =
      '<nav>menu</nav><h1>Tides</h1><p>High water at <b>nine</b>.</p><script>alert(1)</script><a href="/more">more</a>';
    const url = serve('/tides', { 'content-type': 'text/html; charset=utf-8' }, html('Tides &amp; times', body));
    const page = await read(url);
    expect(page).toMatchObject({ url, status: 200, type: 'text/html', title: 'Tides & times', cut: false });
    expect(page.text).toBe('Tides\n\nHigh water at nine.\n\nmore [/more]');
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('may be packed with %s', async (encoding, pack) => {
    const url = serve(
      `/packed-${encoding}`,
      { 'content-type': 'text/plain', 'content-encoding': encoding },
      pack('unpacked'),
    );
    expect((await read(url)).text).toBe('unpacked');
  });

  it('is unpacked no further than it is read', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1_048_576, 'a'));
    const url = serve('/bomb', { 'content-type': 'text/plain', 'content-encoding': 'gzip' }, bomb);
    const page = await read(url);
    expect(page.cut).toBe(true);
    expect(page.text).toHaveLength(BODY_MOST);
  });

  it('is decoded as its header says, or as it says itself', async () => {
    const latin = Buffer.from('caf\xe9', 'latin1');
    const one = serve('/latin', { 'content-type': 'text/plain; charset=ISO-8859-1' }, latin);
    const declares = Buffer.concat([Buffer.from('<html><head><meta charset="windows-1252"></head><body>'), latin]);
    const other = serve('/meta', { 'content-type': 'text/html' }, declares);
    expect((await read(one)).text).toBe('café');
    expect((await read(other)).text).toBe('café');
  });

  it('is found after redirects', async () => {
    const target = serve('/target', { 'content-type': 'text/plain' }, 'here');
    redirect('/second', '/target');
    const page = await read(redirect('/first', '/second'));
    expect(page).toMatchObject({ url: target, text: 'here' });
  });

  it('that is none keeps its status', async () => {
    expect(await read(`http://site.example:${port}/nowhere`)).toMatchObject({ status: 404, text: 'nothing here' });
  });

  it('must be text', async () => {
    expect(await refusal(serve('/image', { 'content-type': 'image/png' }, 'x'))).toMatch(
      /^validation_failed: .* is image\/png/,
    );
    expect(await refusal(serve('/bytes', {}, Buffer.from([0, 1, 2])))).toMatch(/^validation_failed/);
  });

  it('that redirects for ever, breaks off or never comes is a clear error', async () => {
    redirect('/ring', '/ring');
    expect(await refusal(`http://site.example:${port}/ring`)).toMatch(/redirects more than 5 times/);
    routes.set('/broken', (_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '100' });
      response.write('some');
      response.socket?.destroy();
    });
    expect(await refusal(`http://site.example:${port}/broken`)).toMatch(
      /^tool_failed: site.example:\d+ could not be read/,
    );
    expect(await refusal('http://missing.example/')).toMatch(/could not be read: getaddrinfo ENOTFOUND/);
    const stop = new AbortController();
    routes.set('/never', () => stop.abort());
    await expect(read(`http://site.example:${port}/never`, stop.signal)).rejects.toThrow('not read to its end in time');
  });

  it('waits for nobody: too many at once are refused', async () => {
    const some = pages(1);
    const stop = new AbortController();
    routes.set('/slow', () => undefined);
    const first = some.read(`http://site.example:${port}/slow`, stop.signal);
    await expect(some.read(`http://site.example:${port}/slow`, stop.signal)).rejects.toThrow('being read already');
    stop.abort();
    await expect(first).rejects.toThrow();
  });
});

describe('what is not public', () => {
  /** Every way to write it that a parser of addresses takes. */
  const spellings = [
    ...[
      '127.0.0.1',
      '127.1',
      '127.0.1',
      '0x7f.0.0.1',
      '0x7f000001',
      '2130706433',
      '017700000001',
      '0177.0.0.1',
      '127.0.0.1.',
    ],
    ...[
      '１２７.0.0.1',
      '127。0。0。1',
      '%31%32%37.0.0.1',
      '0',
      '0.0.0.0',
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
    ],
    ...[
      '[0:0:0:0:0:0:0:1]',
      '[64:ff9b::7f00:1]',
      '[2002:7f00:1::]',
      '10.0.0.1',
      '192.168.1.1',
      '172.16.0.1',
      '169.254.169.254',
    ],
    ...['[fd00:ec2::254]', '[fe80::1]', '100.100.100.200', '168.63.129.16'],
  ];

  it.each(spellings)('is not connected to as %s', async (host) => {
    const before = reached;
    expect(await refusal(`http://${host}:${port}/`)).toMatch(/^(?:forbidden|validation_failed):/);
    expect(reached).toBe(before);
  });

  it.each(['localhost', 'metadata.google.internal', 'inner.example', 'mixed.example', 'six.example'])(
    'is not connected to as %s',
    async (name) => {
      names.set('localhost', ['127.0.0.1']);
      names.set('metadata.google.internal', ['169.254.169.254']);
      names.set('inner.example', ['10.1.2.3']);
      names.set('mixed.example', [`${PUBLIC} 127.0.0.1`]);
      names.set('six.example', ['::ffff:127.0.0.1']);
      const before = reached;
      expect(await refusal(`http://${name}:${port}/`)).toMatch(/^forbidden: .* not an address of the public internet/);
      expect(reached).toBe(before);
    },
  );

  it.each(spellings)('is not redirected to as %s', async (host) => {
    const before = reached;
    expect(await refusal(redirect('/out', `http://${host}:${port}/`))).toMatch(/^(?:forbidden|validation_failed):/);
    expect(reached).toBe(before);
  });

  it('is not reached by a name that changes: what is checked is what is connected to, and checked again each time', async () => {
    const before = reached;
    names.set('rebind.example', [PUBLIC, '127.0.0.1']);
    looked.length = 0;
    const again = `http://rebind.example:${port}/again`;
    routes.set('/again', (_, response) => response.writeHead(302, { location: again }).end());
    expect(await refusal(again)).toMatch(/^forbidden/);
    // Looked up once for each connection: there is no second look between the check and the use.
    expect(looked).toEqual(['rebind.example', 'rebind.example']);
    expect(reached).toBe(before);
  });

  it.each([
    'file:///etc/passwd',
    'ftp://site.example/',
    'gopher://site.example/',
    'data:text/plain,hello',
    'javascript:alert(1)',
    'http://user:password@site.example/',
    '//site.example/',
    'site.example',
    'http://',
    '',
    `http://site.example/${'a'.repeat(9_000)}`,
  ])('is not read as %s', async (url) => {
    expect(await refusal(url)).toMatch(/^(?:forbidden|validation_failed):/);
  });

  it('is not what a redirect leads to by another protocol', async () => {
    expect(await refusal(redirect('/file', 'file:///etc/passwd'))).toMatch(
      /^forbidden: Addresses that begin with file:/,
    );
  });
});
