// SPDX-License-Identifier: Apache-2.0
// Lines of a thread reach the root in their order, those of a turn of the loop together, and worse news at once.

import { expect, it } from 'vitest';
import type { LogLevel, LogLine } from '../../src/composition/boot.ts';
import { GatheredLines } from '../../src/composition/gathered-lines.ts';

function gathered() {
  const posted: (readonly string[])[] = [];
  const soon: (() => void)[] = [];
  const lines = new GatheredLines({
    soon: (run) => soon.push(run),
    post: (all) => {
      structuredClone(all);
      posted.push(all.map(({ message, fields }) => [message, ...Object.keys(fields)].join(' ')));
    },
  });
  const say = (level: LogLevel, message: string, fields: LogLine['fields'] = {}): void =>
    lines.add({ level, fields, message });
  const turn = (): void => {
    for (const run of soon.splice(0)) run();
  };
  return { posted, lines, say, turn };
}

it('sends what one turn of the loop says as one message, and the next as another', () => {
  const { posted, say, turn } = gathered();
  say('info', 'one');
  say('debug', 'two');
  expect(posted).toEqual([]);
  turn();
  say('info', 'three');
  turn();
  turn();
  expect(posted).toEqual([['one', 'two'], ['three']]);
});

it.each(['warn', 'error'] as const)('sends a line of level %s at once, behind what was said before it', (level) => {
  const { posted, say, turn } = gathered();
  say('info', 'before');
  say(level, 'worse');
  expect(posted).toEqual([['before', 'worse']]);
  turn();
  expect(posted).toHaveLength(1);
});

it('sends what waits when it is told to', () => {
  const { posted, lines, say, turn } = gathered();
  say('info', 'last');
  lines.flush();
  turn();
  expect(posted).toEqual([['last']]);
});

it('loses neither a line that cannot be cloned nor those beside it', () => {
  const { posted, say, turn } = gathered();
  say('info', 'one', { a: 1 });
  say('info', 'odd', { run: () => undefined });
  say('info', 'two', { b: 2 });
  turn();
  expect(posted).toEqual([['one a'], ['odd unclear'], ['two b']]);
});
