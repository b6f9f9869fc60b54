// SPDX-License-Identifier: Apache-2.0
// Every operation of the document over real HTTP: called with success, refused, and as documented both times.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from '../edge/client.ts';
import { PARTS } from './all.ts';
import { OWNER, openStage, type Stage } from './stage.ts';
import { Walk } from './walk.ts';

let stage: Stage;
let walk: Walk;

beforeAll(async () => {
  stage = await openStage();
  walk = new Walk({ direct: new Client(stage.house.port) }, OWNER);
});
afterAll(() => stage?.close());

describe('the API, from one end to the other', () => {
  it.each(Object.entries(PARTS))('%s', async (_tag, part) => {
    const before = walk.violations.length;
    await part(walk, stage);
    expect(walk.violations.slice(before)).toEqual([]);
  });

  it('leaves out no operation of the document, neither its success nor its refusal', () => {
    expect(walk.gaps()).toEqual([]);
  });
});
