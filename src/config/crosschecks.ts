// SPDX-License-Identifier: Apache-2.0
// Rules between keys, which no single field's schema can state. They run beside the schema, not after it.

import { isLoopback, parseListen } from './listen.ts';
import { type Locate, type Problem, problem } from './problems.ts';
import { isMap, type Path, valueAt } from './walk.ts';

function openToStrangers(data: unknown, locate: Locate): Problem[] {
  const listen = valueAt(data, ['networking', 'listen']);
  const address = typeof listen === 'string' ? parseListen(listen) : undefined;
  if (valueAt(data, ['auth', 'mode']) !== 'none' || !address || isLoopback(address.host)) return [];
  const path = ['auth', 'mode'];
  const found = `none while networking.listen is ${listen}`;
  return [
    problem(locate(path), path, found, 'token, or none with a loopback networking.listen such as 127.0.0.1:18789'),
  ];
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function repeated(items: Iterable<readonly [Path, string, string]>, locate: Locate): Problem[] {
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const [path, key, words] of items) {
    if (seen.has(key)) problems.push(problem(locate(path), path, `${words} a second time`, 'each only once'));
    seen.add(key);
  }
  return problems;
}

function* userIds(data: unknown): Generator<readonly [Path, string, string]> {
  for (const [index, user] of list(valueAt(data, ['users'])).entries()) {
    const id = isMap(user) ? user['id'] : undefined;
    if (typeof id === 'string') yield [['users', index, 'id'], id, `the user ${id}`];
  }
}

function* identities(data: unknown): Generator<readonly [Path, string, string]> {
  for (const [index, user] of list(valueAt(data, ['users'])).entries()) {
    for (const [position, identity] of list(isMap(user) ? user['identities'] : undefined).entries()) {
      if (!isMap(identity)) continue;
      const { channel, platform_id: id } = identity;
      if (typeof channel !== 'string' || typeof id !== 'string') continue;
      yield [
        ['users', index, 'identities', position],
        JSON.stringify([channel, id]),
        `the identity ${id} on ${channel}`,
      ];
    }
  }
}

/** Problems that only two keys together can have; tolerant of data the schema will refuse. */
export function crossChecks(data: unknown, locate: Locate): Problem[] {
  return [...openToStrangers(data, locate), ...repeated(userIds(data), locate), ...repeated(identities(data), locate)];
}
