// SPDX-License-Identifier: Apache-2.0
// What is remembered, from outside: kept as facts, shown to whom it belongs, there after threads and the house have ended.

import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openapiDocument } from '../../src/edge/openapi.ts';
import { closeHouses, type House, newDataDir, type Person, startHouse } from './house.ts';

const TOKENS = [
  { token: 'token-of-ada-0123456789', user_id: 'ada', name: 'ada', permissions: [] },
  { token: 'token-of-ben-0123456789', user_id: 'ben', name: 'ben', permissions: [] },
  { token: 'token-of-eve-0123456789', user_id: 'eve', name: 'eve', permissions: ['admin:*'] },
];
const SETTINGS = {
  auth: { tokens: TOKENS },
  workspaces: { lab: { members: ['ada', 'ben'] }, office: { members: [] } },
};

const dataDir = newDataDir();
let house: House;
let people: Person[] = [];
const person = (at: number): Person => people[at] as Person;

async function open(): Promise<void> {
  house = await startHouse(SETTINGS, dataDir);
  people = TOKENS.map(({ token }) => house.person(token));
}
beforeAll(open);
afterAll(closeHouses);

const { components } = await openapiDocument();
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema({ $id: 'doc', components });

function checkAnswer(name: string, value: unknown): void {
  const validate = ajv.compile({ $ref: `doc#/components/schemas/${name}` });
  expect(validate(value), `${name}: ${ajv.errorsText(validate.errors)}`).toBe(true);
}

const sayings = async (of: Person, query = 'workspace=lab'): Promise<readonly string[]> => {
  const { status, body } = await of.get(`/api/v1/memory/facts?${query}`);
  expect(status).toBe(200);
  checkAnswer('Facts', body);
  return body.items.map(
    (fact: Record<string, string>) => `${fact['entity_name']} ${fact['predicate']} ${fact['value']}`,
  );
};

it('keeps facts, each person seeing their own and who may see all everything', async () => {
  const workspace_id = 'lab';
  for (const each of ['my tea is oolong', 'the door code is 4711', 'my tea is oolong'])
    expect((await person(0).chat(`remember that ${each}`, { workspace_id })).status).toBe(200);
  await person(1).chat('remember that my tea is green', { workspace_id });
  expect(await sayings(person(0))).toEqual(['the door code is 4711', 'my tea is oolong']);
  expect(await sayings(person(1))).toEqual(['my tea is green']);
  expect(await sayings(person(2))).toEqual(['my tea is green', 'the door code is 4711', 'my tea is oolong']);
  expect(await sayings(person(0), '')).toEqual([]);
  expect(await sayings(person(2), 'workspace=lab&predicate=is&limit=1')).toEqual(['my tea is green']);
  expect((await person(0).get('/api/v1/memory/facts?workspace=office')).body.code).toBe('not_a_member');
  expect((await person(0).get('/api/v1/memory/facts?workspace=../x')).body.code).toBe('validation_failed');
});

it('shows things by their names and the graph around one', async () => {
  const { body } = await person(0).get('/api/v1/memory/entities?workspace=lab&prefix=MY');
  checkAnswer('Entities', body);
  expect(body.items).toMatchObject([{ name: 'my tea', type: 'subject', user_id: 'ada' }]);
  const id = String(body.items[0].id);
  const graph = (await person(0).get(`/api/v1/memory/graph?workspace=lab&entity=${id}`)).body;
  checkAnswer('Graph', graph);
  expect(graph).toMatchObject({ entities: [{ id }], relationships: [], truncated: false });
  expect((await person(1).get(`/api/v1/memory/graph?workspace=lab&entity=${id}`)).body.code).toBe('not_found');
  expect((await person(0).get('/api/v1/memory/graph?workspace=lab')).body.code).toBe('validation_failed');
  expect((await person(0).get(`/api/v1/memory/graph?workspace=lab&entity=${id}&depth=9`)).status).toBe(422);
});

it('has all of it after its threads, and the house, have ended', async () => {
  const before = await sayings(person(2));
  await house.killThread('views');
  await house.killThread('read');
  // What was asked of the lives that ended fails at once; the next ones answer.
  let status = 0;
  for (let asked = 0; status !== 200 && asked < 1_000; asked += 1)
    ({ status } = await person(2).get('/api/v1/memory/facts?workspace=lab'));
  expect(await sayings(person(2))).toEqual(before);
  await person(0).chat('remember that the plant is thirsty', { workspace_id: 'lab' });
  expect(await sayings(person(0))).toContain('the plant is thirsty');
  await house.drain();
  await open();
  expect(await sayings(person(2))).toEqual(['the plant is thirsty', ...before]);
});
