// SPDX-License-Identifier: Apache-2.0
// Sessions as files: what goes out of one gateway comes into another the same, however often, and garbage is named by its line.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type Ran, scratch, sigil, start, until } from './process.ts';

type Running = ReturnType<typeof start>;
const running: Running[] = [];
afterEach(async () => {
  for (const gateway of running.splice(0)) {
    gateway.child.kill('SIGKILL');
    await gateway.done;
  }
});

async function gateway(home: string): Promise<void> {
  const started = start(['start', '--listen', '127.0.0.1:0'], home);
  running.push(started);
  await until(() => started.stdout().includes('listens on') || started.child.exitCode !== null);
}

const said = ({ stdout, stderr, status }: Ran): string => `${status} ${stdout}${stderr}`;

interface Shown {
  readonly session: { readonly [key: string]: unknown };
  readonly messages: readonly { readonly [key: string]: unknown }[];
}

const show = async (home: string, id: string): Promise<Shown> =>
  JSON.parse((await sigil(['session', 'show', id, '--json'], home)).stdout) as Shown;

/** What a conversation is, whatever its turns are called. */
const conversation = ({ session, messages }: Shown): unknown => ({
  session: { ...session, channel: '', updated_at: '' },
  messages: messages.map((message) => ({ ...message, turn_id: '' })),
});

it('a session goes from one gateway to another, and again, and beside itself', async () => {
  const [here, there] = [scratch(), scratch()];
  await gateway(here);
  const first = JSON.parse((await sigil(['chat', 'what is 12*12', '--json'], here)).stdout) as { session_id: string };
  const id = first.session_id;
  for (const words of ['remember that I like tea', 'what time is it', 'hello `code` there'])
    await sigil(['chat', words, '--session', id], here);
  const file = join(here, 'session.jsonl');
  const exported = await sigil(['session', 'export', id, '--output', file], here);
  expect(exported.status, said(exported)).toBe(0);
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const types = lines.map((line) => (JSON.parse(line) as { type: string }).type);
  expect([types[0], types.at(-1)]).toEqual(['session', 'end']);
  expect(types.filter((type) => type === 'turn')).toHaveLength(4);
  const markdown = await sigil(['session', 'export', id, '--format', 'markdown'], here);
  expect(markdown.stdout).toMatch(/^# Session .*\n## User · .*\n\nwhat is 12\*12\n\n## Assistant/s);

  await gateway(there);
  const imported = await sigil(['session', 'import', file, '--json'], there);
  expect(JSON.parse(imported.stdout), said(imported)).toMatchObject({ session_id: id, turns: 4, imported: 4 });
  const [was, is] = [await show(here, id), await show(there, id)];
  expect(conversation(is)).toEqual(conversation(was));
  // Once more changes nothing; the conversation goes on where it was, and then once more changes nothing either.
  expect(JSON.parse((await sigil(['session', 'import', file, '--json'], there)).stdout)).toMatchObject({ imported: 0 });
  expect(await show(there, id)).toEqual(is);
  await sigil(['chat', 'and now', '--session', id], there);
  expect(JSON.parse((await sigil(['session', 'import', file, '--json'], there)).stdout)).toMatchObject({
    session_id: id,
    imported: 0,
  });
  expect((await show(there, id)).messages).toHaveLength(is.messages.length + 2);
  // Where it lives already it becomes another session, and the same one when it is done again.
  const copy = JSON.parse((await sigil(['session', 'import', file, '--json'], here)).stdout) as { session_id: string };
  expect(copy).toMatchObject({ imported: 4 });
  expect(copy.session_id).not.toBe(id);
  const again = JSON.parse((await sigil(['session', 'import', file, '--json'], here)).stdout) as object;
  expect(again).toMatchObject({ session_id: copy.session_id, imported: 0 });
  expect((await show(here, copy.session_id)).messages.map(({ content }) => content)).toEqual(
    was.messages.map(({ content }) => content),
  );
  expect(await show(here, id)).toEqual(was);
  // Nothing of it is paid again: no budget was charged over there but by the one turn that ran there.
  const status = JSON.parse((await sigil(['status', '--json'], there)).stdout) as {
    budgets: { used: { day: { tokens: number } } }[];
  };
  expect(status.budgets[0]?.used.day.tokens ?? 0).toBeLessThan(2_000);

  // Whatever is no exported session is refused, by its line; a corrected file goes on from there.
  const broken = async (text: string): Promise<string> => {
    const other = join(here, 'broken.jsonl');
    writeFileSync(other, text);
    return said(await sigil(['session', 'import', other], there));
  };
  expect(await broken('garbage\n')).toMatch(/^1 .*line 1.*is not JSON/s);
  expect(await broken('{"type":"message"}\n')).toMatch(/^1 .*line 1/s);
  expect(await broken(lines.slice(1).join('\n'))).toMatch(/^1 .*line 1.*comes before the session/s);
  expect(await broken(lines.slice(0, -1).join('\n'))).toMatch(/^1 .*cut short/s);
  expect(await broken([...lines.slice(0, 4), '{"type":"turn","id":7}', ...lines.slice(4)].join('\n'))).toMatch(
    /^1 .*line 5/s,
  );
  expect(await broken(Buffer.from([0xff, 0xfe, 10]).toString('latin1'))).toMatch(/^1 .*line 1/s);
  expect(await broken('')).toMatch(/^1 .*cut short/s);
  expect(said(await sigil(['session', 'import', join(here, 'none')], there))).toMatch(/^1 .*is no file/s);
  expect(said(await sigil(['session', 'export', 'nobody'], there))).toMatch(/^1 .*does not exist/s);
});
