// SPDX-License-Identifier: Apache-2.0
// Every operation of openapi.json with every kind of caller, in one gateway: what comes of it follows from what the operation declares.

import { Agent, type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changesState } from '../../src/edge/guard.ts';
import { openAiStatus } from '../../src/edge/openai/error-shape.ts';
import { OPERATIONS, type Operation } from '../../src/edge/schemas/operations.ts';
import { ERRORS, type ErrorCode } from '../../src/errors.ts';
import { textOf, until } from '../edge/client.ts';
import { closeHouses, type House, startHouse } from './house.ts';

/** Requests on their way at once: more than one to be quick, few enough that nothing is refused for how many they are. */
const AT_ONCE = 6;
/** Fills the parameters of paths: there is nothing of this name. */
const NOTHING = 'zz-none';
const EXPIRES_MS = 2_000;

let house: House;
const agent = new Agent({ keepAlive: true });
/** `Authorization` or `Cookie` of every kind of caller. */
const callers = {
  nobody: {},
  wrong: { Authorization: 'Bearer sigil_nonsense' },
  basic: { Authorization: 'Basic b3duZXI6b3duZXI=' },
  expired: {},
  revoked: {},
  member: {},
  owner: {},
  cookie: {},
  ended: {},
  expiredCookie: {},
} satisfies Record<string, Record<string, string>> as Record<string, Record<string, string>>;

interface Met {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Empty for what goes on as a stream or a file. */
  readonly text: string;
}

function send(method: string, path: string, headers: Record<string, string>, body?: string): Promise<Met> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: house.port, method, path, agent, headers }, (response) => {
      const { statusCode: status = 0, headers: answered } = response;
      if (answered['content-length'] === undefined && status === 200) {
        response.on('error', () => undefined).destroy();
        resolve({ status, headers: answered, text: '' });
      } else textOf(response).then((text) => resolve({ status, headers: answered, text }), reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const pathOf = ({ path }: Operation): string => path.replaceAll(/:[a-z_]+/g, NOTHING);

/** The operation, called as plainly as it can be. */
function call({ method, body, form, lines, ...operation }: Operation, headers: Record<string, string>): Promise<Met> {
  const type = body ? 'application/json' : form ? 'multipart/form-data' : lines ? 'application/x-ndjson' : undefined;
  const more = type === undefined ? {} : { 'Content-Type': type };
  return send(method, pathOf(operation as Operation), { ...more, ...headers }, body ? '{}' : undefined);
}

async function login(token: string): Promise<string> {
  const type = { 'Content-Type': 'application/json' };
  const { headers } = await send('POST', '/auth/session', type, JSON.stringify({ token }));
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

const token = (more: object): Promise<{ id: string; token: string }> =>
  house.owner.post('/api/v1/tokens', more).then(({ body }) => body);
const bearer = (value: string) => ({ Authorization: `Bearer ${value}` });

beforeAll(async () => {
  house = await startHouse();
  const expires_at = new Date(Date.now() + EXPIRES_MS).toISOString();
  await house.owner.post('/api/v1/users', { id: 'mia', role: 'member' });
  const [expired, revoked, member, owner] = await Promise.all([
    token({ expires_at }),
    token({}),
    token({ user_id: 'mia', permissions: [] }),
    token({}),
  ]);
  const ended = await login(revoked.token);
  expect((await send('GET', '/auth/session', { Cookie: ended })).status).toBe(200);
  await house.owner.get(`/api/v1/tokens/${revoked.id}`, { method: 'DELETE' });
  Object.assign(callers, {
    expired: bearer(expired.token),
    revoked: bearer(revoked.token),
    member: bearer(member.token),
    owner: bearer(owner.token),
    cookie: { Cookie: await login(owner.token) },
    ended: { Cookie: ended },
    expiredCookie: { Cookie: await login(expired.token) },
  });
});
afterAll(async () => {
  agent.destroy();
  await closeHouses();
});

/** Clients of OpenAI's are told in its own statuses. */
function statusOf(code: ErrorCode, openai: true | undefined): number {
  const { status } = ERRORS[code];
  return openai === true ? openAiStatus(code, status) : status;
}

/** What an operation may answer with once its caller is let in. */
function answers({ status, empty, refuses, openai }: Operation): readonly number[] {
  return [status ?? 200, ...(empty === undefined ? [] : [204]), ...refuses.map((code) => statusOf(code, openai))];
}

const REFUSED: ReadonlySet<number> = new Set([401, 403]);
/** The same for somebody who may everything. */
const whatever = (operation: Operation): readonly number[] =>
  operation.open ? answers(operation) : answers(operation).filter((status) => !REFUSED.has(status));
const onlyIf = (operation: Operation, refused: boolean, status: number): readonly number[] =>
  refused && !operation.open ? [status] : whatever(operation);
/** Platforms come by any name and from anywhere: their signature is what counts. */
const unguarded = ({ path }: Operation): boolean => path.startsWith('/webhooks/');

interface Column {
  readonly as: string;
  readonly headers?: () => Record<string, string>;
  readonly expected: (operation: Operation) => readonly number[];
}

const own = () => ({ Origin: `http://127.0.0.1:${house.port}` });
const unknown = (operation: Operation) => onlyIf(operation, true, 401);

const COLUMNS: Readonly<Record<string, Column>> = {
  'no token': { as: 'nobody', expected: unknown },
  'a token that is not known': { as: 'wrong', expected: unknown },
  'another scheme': { as: 'basic', expected: unknown },
  'a revoked token': { as: 'revoked', expected: unknown },
  'a cookie whose token was revoked': { as: 'ended', headers: own, expected: unknown },
  'a token without permissions': {
    as: 'member',
    expected: (operation) => (operation.needs === undefined ? answers(operation) : [403]),
  },
  'the right token': { as: 'owner', expected: whatever },
  'a page of another origin': {
    as: 'owner',
    headers: () => ({ Origin: 'https://evil.example' }),
    expected: (operation) => (changesState(operation.method) && !unguarded(operation) ? [403] : whatever(operation)),
  },
  'another host': {
    as: 'owner',
    headers: () => ({ Host: 'evil.example' }),
    expected: (operation) => (unguarded(operation) ? whatever(operation) : [421]),
  },
  'a cookie and no origin': {
    as: 'cookie',
    expected: (operation) => onlyIf(operation, changesState(operation.method), 403),
  },
  'a cookie sent for another site': {
    as: 'cookie',
    headers: () => ({ 'Sec-Fetch-Site': 'cross-site' }),
    expected: (operation) => onlyIf(operation, true, 403),
  },
  'a cookie and its own origin': { as: 'cookie', headers: own, expected: whatever },
  'a token that has expired': { as: 'expired', expected: unknown },
  'a cookie whose token has expired': { as: 'expiredCookie', headers: own, expected: unknown },
};

/** What is ended last, so that the others find their session. */
const inOrder = [...OPERATIONS].sort((one, other) => Number(one.id === 'signOut') - Number(other.id === 'signOut'));

async function each(run: (operation: Operation) => Promise<void>, of: readonly Operation[] = inOrder): Promise<void> {
  const rest = [...of];
  const last = rest.pop();
  const work = async (): Promise<void> => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) await run(next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (last !== undefined) await run(last);
}

/** Every refusal is a problem that says what it is. */
function wellFormed({ status, headers, text }: Met, operation: Operation): void {
  const what = `${operation.method} ${operation.path}`;
  expect(headers['x-request-id'], what).toBeTruthy();
  if (status < 400) return;
  const inOpenAi = operation.openai === true;
  const type = inOpenAi ? 'application/json; charset=utf-8' : 'application/problem+json';
  expect([what, headers['content-type']]).toEqual([what, type]);
  if (inOpenAi) expect(JSON.parse(text).error).toMatchObject({ message: expect.any(String), type: expect.any(String) });
  else expect(JSON.parse(text).status).toBe(status);
  if (status === 401) expect(headers['www-authenticate']).toBe('Bearer');
}

describe('every operation', () => {
  it.each(Object.entries(COLUMNS))('with %s', async (_, { as, headers, expected }) => {
    if (as.startsWith('expired'))
      await until(async () => (await send('GET', '/auth/session', callers[as] ?? {})).status === 401);
    await each(async (operation) => {
      const met = await call(operation, { ...callers[as], ...headers?.() });
      const allowed = expected(operation);
      const row = `${operation.method} ${operation.path}`;
      expect(allowed.includes(met.status), `${row}: ${met.status} ${met.text}, not ${allowed}`).toBe(true);
      wellFormed(met, operation);
    });
  });

  it('with just the permission it needs', async () => {
    const needs = [...new Set(OPERATIONS.flatMap(({ needs }) => (needs === undefined ? [] : [needs])))];
    expect(needs.length).toBeGreaterThan(5);
    const made = await Promise.all(needs.map((needed) => token({ user_id: 'mia', permissions: [needed] })));
    const tokens = new Map(needs.map((needed, at) => [needed, made[at]?.token ?? '']));
    await each(
      async (operation) => {
        const { needs: needed } = operation;
        const met = await call(operation, bearer(tokens.get(needed ?? '') ?? ''));
        expect(answers(operation), `${operation.path}: ${met.text}`).toContain(met.status);
        // It may lack another one for what it was asked; not the one it declares.
        if (met.status === 403 && needed !== undefined) expect(met.text).not.toContain(`\`${needed}\``);
        expect(met.status).not.toBe(401);
      },
      OPERATIONS.filter(({ needs: needed }) => needed !== undefined),
    );
  });

  it('by a method it does not have', async () => {
    const paths = Map.groupBy(OPERATIONS, ({ path }) => path);
    const others: Operation[] = [...paths].flatMap(([, [first, ...rest]]) => {
      if (first === undefined) return [];
      const has = new Set([first, ...rest].map(({ method }) => method));
      const missing = (['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).filter((method) => !has.has(method));
      return missing.map((method): Operation => ({ ...first, method }));
    });
    await each(async ({ method, path, ...rest }) => {
      const { status, headers } = await send(method, pathOf({ path, method, ...rest }), { ...callers['owner'] });
      const has = (paths.get(path) ?? []).map((one) => one.method as string).sort();
      expect([method, path, status]).toEqual([method, path, 405]);
      expect(
        (headers.allow ?? '')
          .split(', ')
          .filter((one) => one !== 'HEAD')
          .sort(),
      ).toEqual(has);
      const stranger = await send(method, pathOf({ path, method, ...rest }), {});
      expect([method, path, stranger.status]).toEqual([method, path, path.startsWith('/webhooks/') ? 405 : 401]);
    }, others);
  });

  it('with a body that is of another type, compressed, too long, or says more than it may', async () => {
    const json = { ...callers['owner'], 'Content-Type': 'application/json' };
    const wants = OPERATIONS.filter(({ body, uploads }) => body !== undefined && uploads === undefined);
    expect(wants.length).toBeGreaterThan(20);
    await each(async (operation) => {
      const { method } = operation;
      const path = pathOf(operation);
      const statuses = [
        (await send(method, path, { ...json, 'Content-Type': 'text/plain' }, '{}')).status,
        (await send(method, path, { ...json, 'Content-Encoding': 'gzip' }, '{}')).status,
        (await send(method, path, { ...json, 'Content-Length': '1048577' }, ' '.repeat(1_048_577))).status,
        (await send(method, path, { ...json, 'Transfer-Encoding': 'chunked' }, ' '.repeat(1_048_577))).status,
        (await send(method, path, json, '{"zz_unknown": 1}')).status,
      ];
      expect([method, path, ...statuses]).toEqual([
        method,
        path,
        415,
        415,
        413,
        413,
        statusOf('validation_failed', operation.openai),
      ]);
    }, wants);
  });
});
