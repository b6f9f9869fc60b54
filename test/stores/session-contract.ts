// SPDX-License-Identifier: Apache-2.0
// What every implementation of the session store keeps to, as a suite that takes the way to open one.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewSession, SessionStore } from '../../src/stores/conversation-store.ts';
import type { NewMessage } from '../../src/stores/memory-store.ts';

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'ok';
  } catch (thrown) {
    return (thrown as { failure?: { code: string } }).failure?.code ?? String(thrown);
  }
};

export interface OpenedSessions {
  readonly sessions: SessionStore;
  /** Closes it and opens it again over the same data. */
  again(): Promise<OpenedSessions>;
  close(): Promise<void>;
}

export function sessionContract(open: () => Promise<OpenedSessions>): void {
  let opened: OpenedSessions;
  let next = 0;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened.close());
  const made = async (more: Partial<NewSession> = {}) => {
    next += 1;
    return await opened.sessions.create({ id: `s${next}`, workspaceId: `home${next}`, userId: 'ada', ...more });
  };
  const said = (id: string, role: NewMessage['role'], more: Partial<NewMessage> = {}) => ({
    ...{ id, role, content: `content of ${id}` },
    ...more,
  });
  const window = async (id: string, limit: number) =>
    (await opened.sessions.activeWindow(id, limit)).map((message) => message.id);

  describe('sessions', () => {
    it('are made once, read back, changed in part, and gone when deleted', async () => {
      const { sessions } = opened;
      const first = await made({
        title: 'A title',
        toolBudget: { maxCallsPerTurn: 3, maxCallsPerSession: 9, used: 1 },
      });
      expect(first).toMatchObject({ title: 'A title', status: 'active', summary: '', lastCompactionAt: null });
      expect(await sessions.get(first.id)).toEqual(first);
      expect(await codeOf(sessions.create({ ...first }))).toBe('conflict');
      expect(await codeOf(sessions.create({ ...first, workspaceId: 'elsewhere' }))).toBe('conflict');
      const at = new Date(Date.UTC(2026, 1, 3));
      const changed = await sessions.update(first.id, { summary: 'short', status: 'paused', lastCompactionAt: at });
      const { updatedAt: _before, ...same } = first;
      expect(changed).toMatchObject({ ...same, summary: 'short', status: 'paused', lastCompactionAt: at });
      expect((await sessions.update(first.id, { lastCompactionAt: null, modelOverride: 'a/b' })).modelOverride).toBe(
        'a/b',
      );
      expect((await sessions.get(first.id)).lastCompactionAt).toBeNull();
      await sessions.delete(first.id);
      // Each is looked at from its beginning: one that is refused before it is waited for would be nobody's.
      const refused = [
        sessions.get(first.id),
        sessions.update(first.id, { title: 'x' }),
        sessions.delete(first.id),
        sessions.append(first.id, said('m', 'user')),
        sessions.activeWindow(first.id, 3),
      ].map(codeOf);
      expect(new Set(await Promise.all(refused))).toEqual(new Set(['not_found']));
      expect(await codeOf(sessions.create({ id: first.id, workspaceId: 'elsewhere', userId: 'ben' }))).toBe('ok');
      expect(await sessions.activeWindow(first.id, 9)).toEqual([]);
    });

    it('are listed by workspace, in pages that hold still', async () => {
      const { sessions } = opened;
      const ids: string[] = [];
      for (let at = 0; at < 7; at += 1) ids.unshift((await made({ workspaceId: 'listed' })).id);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await sessions.list('listed', { limit: 3, cursor });
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.next_cursor ?? undefined;
        await made({ workspaceId: 'listed' });
      } while (cursor !== undefined);
      expect(seen).toEqual(ids);
      expect((await sessions.list('nowhere')).items).toEqual([]);
    });

    it('have a window of the newest messages in which no result is parted from its call', async () => {
      const { sessions } = opened;
      const { id } = await made();
      const call = { toolCalls: [{ id: 'c1', name: 'look', arguments: '{}' }] };
      await sessions.append(id, said('m1', 'user'));
      await sessions.append(id, said('m2', 'assistant', call));
      await sessions.append(id, said('m3', 'tool', { toolCallId: 'c1', toolName: 'look', metadata: { a: 1 } }));
      await sessions.append(id, said('m4', 'assistant'));
      await sessions.append(id, said('m5', 'user', { userId: 'ben', attachments: ['a1'] }));
      expect(await window(id, 5)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5']);
      expect(await window(id, 4)).toEqual(['m2', 'm3', 'm4', 'm5']);
      expect(await window(id, 3)).toEqual(['m4', 'm5']);
      expect(await window(id, 1)).toEqual(['m5']);
      expect(await codeOf(sessions.append(id, said('m4', 'user')))).toBe('conflict');
      const both = [1, 2].map(() => codeOf(sessions.append(id, said('m6', 'user'))));
      expect((await Promise.all(both)).sort()).toEqual(['conflict', 'ok']);
      const whole = await sessions.activeWindow(id, 9);
      expect(whole[1]).toMatchObject({ sessionId: id, toolCalls: call.toolCalls, role: 'assistant', origin: 'system' });
      expect(whole[2]).toMatchObject({ toolCallId: 'c1', toolName: 'look', metadata: { a: 1 }, origin: 'tool_output' });
      expect(whole[4]).toMatchObject({ attachments: ['a1'], origin: 'user_input' });
    });

    it('are the same after they were closed, past many checkpoints', async () => {
      const { id } = await made({ title: 'kept' });
      for (let at = 0; at < 150; at += 1) await opened.sessions.append(id, said(`k${at}`, 'user'));
      const before = [await opened.sessions.get(id), await opened.sessions.activeWindow(id, 200)];
      opened = await opened.again();
      expect([await opened.sessions.get(id), await opened.sessions.activeWindow(id, 200)]).toEqual(before);
      await opened.sessions.append(id, said('k150', 'user'));
      expect((await window(id, 2)).at(-1)).toBe('k150');
    });
  });
}
