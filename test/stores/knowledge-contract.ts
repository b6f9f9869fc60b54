// SPDX-License-Identifier: Apache-2.0
// What every knowledge store does, whatever carries it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FactInput, GRAPH_DEPTH, KNOWLEDGE_MOST, type KnowledgeStore } from '../../src/stores/knowledge-store.ts';
import type { WorkspaceCondition } from '../../src/stores/workspace-writer.ts';
import { codeOf, type WorkspaceStores } from './workspace-stores.ts';

export function knowledgeContract(name: string, open: () => Promise<WorkspaceStores>): void {
  describe(`knowledge ${name}`, () => {
    let stores: WorkspaceStores;
    let store: KnowledgeStore;
    let spaces = 0;
    /** A workspace of its own for each test. */
    const space = (): string => `personal:p${++spaces}`;
    beforeAll(async () => {
      stores = await open();
      store = stores.knowledge;
    });
    afterAll(() => stores.close());

    const people = async (workspace: string, ...ids: readonly string[]): Promise<void> => {
      for (const id of ids) await store.putEntity(workspace, { id, type: 'person', name: id.toUpperCase() });
    };
    const ids = (items: readonly { readonly id: string }[]): readonly string[] => items.map(({ id }) => id);

    it('keeps entities, and replaces them whole', async () => {
      const w = space();
      const createdAt = new Date('2020-02-29T12:00:00.123Z');
      const properties = { role: 'engineer', age: 36, tags: ['a', { b: null }], left: false, none: null };
      await store.putEntity(w, { id: 'ada', type: 'person', name: 'Ada', properties, createdAt });
      const ada = await store.getEntity(w, 'ada');
      expect(ada).toMatchObject({ id: 'ada', workspaceId: w, type: 'person', name: 'Ada', properties, createdAt });
      expect(ada.updatedAt.getTime()).toBeGreaterThan(createdAt.getTime());
      await store.putEntity(w, { id: 'ada', type: 'countess', name: 'Ada L.', properties: { age: '36' } });
      expect(await store.getEntity(w, 'ada')).toMatchObject({ type: 'countess', name: 'Ada L.', createdAt });
      expect((await store.getEntity(w, 'ada')).properties).toEqual({ age: '36' });
    });

    it('finds entities by type and by the beginning of their name, in any case and script', async () => {
      const w = space();
      const names = ['Straße', 'STRASSEN', 'ΟΔΟΣ', 'Οδοστρώμα', 'İstanbul', '東京タワー', '🦊 fox', 'École', 'école 2'];
      for (const [index, each] of names.entries())
        await store.putEntity(w, { id: `e${index}`, type: index % 2 === 0 ? 'even' : 'odd', name: each });
      const found = async (namePrefix: string, type?: string): Promise<readonly string[]> =>
        (await store.findEntities(w, { namePrefix, ...(type === undefined ? {} : { type }) })).map((e) => e.name);
      expect(await found('strasse')).toEqual(['Straße', 'STRASSEN']);
      expect(await found('οδος')).toEqual(['ΟΔΟΣ', 'Οδοστρώμα']);
      expect(await found('ΟΔΟΣ', 'odd')).toEqual(['Οδοστρώμα']);
      expect(await found('i̇st')).toEqual(['İstanbul']);
      expect(await found('東京')).toEqual(['東京タワー']);
      expect(await found('🦊')).toEqual(['🦊 fox']);
      expect(await found('E\u0301COLE')).toEqual(['École', 'école 2']);
      expect(await found('%')).toEqual([]);
      expect(await store.findEntities(w, { type: 'even' })).toHaveLength(5);
      expect(await store.findEntities(w)).toHaveLength(9);
      expect(await store.findEntities(w, { limit: 2 })).toHaveLength(2);
      expect(await store.findEntities(w, { type: 'none' })).toEqual([]);
    });

    it('says what is not there, and finds nothing where there is nothing', async () => {
      const w = space();
      expect(await codeOf(store.getEntity(w, 'nobody'))).toBe('not_found');
      expect(await codeOf(store.deleteEntity(w, 'nobody'))).toBe('not_found');
      expect(await codeOf(store.deleteFact(w, 'none'))).toBe('not_found');
      expect(await codeOf(store.deleteRelationship(w, 'none'))).toBe('not_found');
      expect(await codeOf(store.traverse(w, 'nobody', 2))).toBe('not_found');
      await people(w, 'ada');
      expect(await codeOf(store.putRelationship(w, { id: 'r', fromId: 'ada', toId: 'bob', type: 'knows' }))).toBe(
        'not_found',
      );
      expect(await codeOf(store.putRelationship(w, { id: 'r', fromId: 'bob', toId: 'ada', type: 'knows' }))).toBe(
        'not_found',
      );
      expect(await store.relationships(w, 'ada')).toEqual([]);
      expect(await store.findFacts(w, { entityId: 'ada' })).toEqual([]);
    });

    it('keeps relationships, seen from both ends', async () => {
      const w = space();
      await people(w, 'ada', 'bob', 'cleo');
      const metadata = { since: 1843, where: ['London'] };
      await store.putRelationship(w, { id: 'r1', fromId: 'ada', toId: 'bob', type: 'knows', metadata });
      await store.putRelationship(w, { id: 'r2', fromId: 'bob', toId: 'ada', type: 'likes' });
      await store.putRelationship(w, { id: 'r3', fromId: 'cleo', toId: 'ada', type: 'knows' });
      await store.putRelationship(w, { id: 'r4', fromId: 'ada', toId: 'ada', type: 'is' });
      expect(ids(await store.relationships(w, 'ada', { direction: 'outgoing' }))).toEqual(['r4', 'r1']);
      expect(ids(await store.relationships(w, 'ada', { direction: 'incoming' }))).toEqual(['r4', 'r2', 'r3']);
      expect(ids(await store.relationships(w, 'ada'))).toEqual(['r4', 'r1', 'r2', 'r3']);
      expect(ids(await store.relationships(w, 'ada', { type: 'knows' }))).toEqual(['r1', 'r3']);
      expect(ids(await store.relationships(w, 'ada', { limit: 1 }))).toEqual(['r4']);
      expect(await store.relationships(w, 'bob', { direction: 'incoming' })).toMatchObject([
        { id: 'r1', fromId: 'ada', toId: 'bob', type: 'knows', metadata },
      ]);
      // The same one again is the same one; the same id elsewhere is elsewhere.
      await store.putRelationship(w, { id: 'again', fromId: 'ada', toId: 'bob', type: 'knows' });
      expect(ids(await store.relationships(w, 'bob', { direction: 'incoming' }))).toEqual(['again']);
      await store.putRelationship(w, { id: 'again', fromId: 'cleo', toId: 'bob', type: 'knows' });
      expect(ids(await store.relationships(w, 'ada', { direction: 'outgoing' }))).toEqual(['r4']);
      await store.deleteRelationship(w, 'again');
      expect(await codeOf(store.deleteRelationship(w, 'again'))).toBe('not_found');
    });

    it('keeps facts, newest first, those of one time in the order they came', async () => {
      const w = space();
      const createdAt = new Date(1_000);
      const fact = (id: string, value: string, more: Partial<FactInput> = {}): FactInput => {
        return { id, entityId: 'ada', predicate: 'likes', value, createdAt, ...more };
      };
      await store.putFacts(w, [fact('f1', 'tea'), fact('f2', 'coffee'), fact('f3', 'tea', { entityId: 'bob' })]);
      await store.putFact(w, fact('f4', '', { createdAt: new Date(2_000), confidence: 0.5, source: 'turn-1' }));
      await store.putFact(w, fact('f5', 'math', { predicate: 'studies', createdAt: new Date(0), userId: 'ada' }));
      expect(ids(await store.findFacts(w))).toEqual(['f4', 'f3', 'f2', 'f1', 'f5']);
      expect(ids(await store.findFacts(w, { entityId: 'ada' }))).toEqual(['f4', 'f2', 'f1', 'f5']);
      expect(ids(await store.findFacts(w, { predicate: 'likes' }))).toEqual(['f4', 'f3', 'f2', 'f1']);
      expect(ids(await store.findFacts(w, { predicate: 'likes', entityId: 'ada', limit: 2 }))).toEqual(['f4', 'f2']);
      expect((await store.findFacts(w, { limit: 1 }))[0]).toEqual({
        id: 'f4',
        workspaceId: w,
        entityId: 'ada',
        predicate: 'likes',
        value: '',
        confidence: 0.5,
        source: 'turn-1',
        userId: '',
        createdAt: new Date(2_000),
      });
      await store.deleteFact(w, 'f4');
      expect(await codeOf(store.deleteFact(w, 'f4'))).toBe('not_found');
      expect(await store.findFacts(w)).toHaveLength(4);
    });

    it('keeps a fact that says the same as a property, when the property is gone and when it is back', async () => {
      const w = space();
      const put = (properties: Record<string, string>): Promise<void> =>
        store.putEntity(w, { id: 'ada', type: 'person', name: 'Ada', properties });
      await put({ likes: 'tea', name: 'Ada', type: 'person' });
      await store.putFact(w, { id: 'f', entityId: 'ada', predicate: 'likes', value: 'tea' });
      await store.putFact(w, { id: 'g', entityId: 'ada', predicate: 'name', value: 'Ada' });
      expect((await store.getEntity(w, 'ada')).properties).toEqual({ likes: 'tea', name: 'Ada', type: 'person' });
      await put({ likes: 'coffee' });
      expect(ids(await store.findFacts(w))).toEqual(['g', 'f']);
      expect(await store.getEntity(w, 'ada')).toMatchObject({ name: 'Ada', properties: { likes: 'coffee' } });
      await put({ likes: 'tea' });
      await store.deleteFact(w, 'f');
      expect((await store.getEntity(w, 'ada')).properties).toEqual({ likes: 'tea' });
    });

    it('makes entities with facts where they are unknown, all or nothing', async () => {
      const w = space();
      await store.putEntity(w, { id: 'ada', type: 'person', name: 'Ada', properties: { role: 'countess' } });
      const facts = ['ada', 'bob'].map((entityId) => ({
        id: `f-${entityId}`,
        entityId,
        predicate: 'likes',
        value: 'x',
      }));
      const about = ['ada', 'bob'].map((id) => ({ id, type: 'subject', name: `new ${id}` }));
      await store.putFacts(w, facts, about);
      expect(await store.getEntity(w, 'ada')).toMatchObject({ name: 'Ada', properties: { role: 'countess' } });
      expect(await store.getEntity(w, 'bob')).toMatchObject({ type: 'subject', name: 'new bob' });
      const wrong = [
        { id: 'f1', entityId: 'ada', predicate: 'p', value: 'v' },
        { ...facts[1], confidence: 2 } as FactInput,
      ];
      expect(await codeOf(store.putFacts(w, wrong))).toBe('validation_failed');
      expect(await store.findFacts(w)).toHaveLength(2);
      await store.putFacts(w, []);
    });

    it('forgets an entity with everything said of it', async () => {
      const w = space();
      await people(w, 'ada', 'bob');
      await store.putFact(w, { id: 'f1', entityId: 'ada', predicate: 'likes', value: 'bob' });
      await store.putFact(w, { id: 'f2', entityId: 'bob', predicate: 'likes', value: 'ada' });
      await store.putRelationship(w, { id: 'r1', fromId: 'ada', toId: 'bob', type: 'knows' });
      await store.putRelationship(w, { id: 'r2', fromId: 'bob', toId: 'ada', type: 'knows' });
      await store.deleteEntity(w, 'ada');
      expect(await codeOf(store.getEntity(w, 'ada'))).toBe('not_found');
      expect(ids(await store.findFacts(w))).toEqual(['f2']);
      expect(await store.relationships(w, 'bob')).toEqual([]);
      const recall = await stores.read.read('knowledge.recall', { workspace_id: w, words: ['ada'], limit: 9 });
      expect(recall.items.map((item) => (item.kind === 'fact' ? item.fact.id : item.entity.id))).toEqual(['f2']);
    });

    it('walks the graph: circles, types, directions, depth', async () => {
      const w = space();
      await people(w, 'a', 'b', 'c', 'd', 'e');
      const edge = (from: string, to: string, type = 'knows'): Promise<void> =>
        store.putRelationship(w, { id: `${from}${to}`, fromId: from, toId: to, type });
      await edge('a', 'b');
      await edge('b', 'c');
      await edge('c', 'a');
      await edge('c', 'd', 'likes');
      await edge('e', 'a');
      const walk = async (...args: readonly [string, number, object?]) => {
        const { entities, relationships, truncated } = await store.traverse(w, ...args);
        return [ids(entities).join(''), ids(relationships).toSorted().join(' '), truncated];
      };
      expect(await walk('a', 0)).toEqual(['a', '', false]);
      expect(await walk('a', 1)).toEqual(['ab', 'ab', false]);
      expect(await walk('a', 2)).toEqual(['abc', 'ab bc ca', false]);
      expect(await walk('a', 100)).toEqual(['abcd', 'ab bc ca cd', false]);
      expect(await walk('a', 100, { maxDepth: 1 })).toEqual(['ab', 'ab', false]);
      expect(await walk('a', 9, { relationshipTypes: ['knows'] })).toEqual(['abc', 'ab bc ca', false]);
      expect(await walk('a', 9, { relationshipTypes: ['likes', 'a\0b'] })).toEqual(['a', '', false]);
      expect(await walk('d', 1, { direction: 'incoming' })).toEqual(['dc', 'cd', false]);
      expect(await walk('b', 1, { direction: 'both' })).toEqual(['bac', 'ab bc ca', false]);
      expect(await codeOf(store.traverse(w, 'a', -1))).toBe('validation_failed');
      expect(await codeOf(store.traverse(w, 'a', 1.5))).toBe('validation_failed');
      expect(GRAPH_DEPTH).toBeGreaterThanOrEqual(5);
    });

    it('keeps workspaces apart', async () => {
      const [w, other] = [space(), space()];
      await people(w, 'ada', 'bob');
      await store.putFact(w, { id: 'f', entityId: 'ada', predicate: 'likes', value: 'tea' });
      await store.putRelationship(w, { id: 'r', fromId: 'ada', toId: 'bob', type: 'knows' });
      expect(await codeOf(store.getEntity(other, 'ada'))).toBe('not_found');
      expect(await store.findEntities(other)).toEqual([]);
      expect(await store.findFacts(other)).toEqual([]);
      expect(await store.relationships(other, 'ada')).toEqual([]);
      expect(await codeOf(store.deleteFact(other, 'f'))).toBe('not_found');
      expect(await codeOf(store.traverse(other, 'ada', 1))).toBe('not_found');
      await people(other, 'ada');
      await store.deleteEntity(other, 'ada');
      expect((await store.getEntity(w, 'ada')).name).toBe('ADA');
    });

    it('takes any text, and says where it is too long or empty', async () => {
      const w = space();
      const texts = [
        `'; DROP TABLE triples; --`,
        '"quoted" AND NEAR(',
        'nul\0inside',
        '\ud83e half',
        '__proto__',
        '中文 🦊',
      ];
      for (const [index, text] of texts.entries()) {
        const properties = Object.fromEntries([[text, text]]);
        await store.putEntity(w, { id: text, type: text, name: text, properties });
        await store.putFact(w, { id: `f${index}`, entityId: text, predicate: text, value: text });
        const kept = text.toWellFormed();
        const entity = await store.getEntity(w, text);
        expect([entity.id, entity.type, entity.name]).toEqual([kept, kept, kept]);
        expect(Object.entries(entity.properties)).toEqual([[kept, kept]]);
        expect(await store.findFacts(w, { entityId: text, predicate: text })).toMatchObject([{ value: kept }]);
        expect(ids(await store.findEntities(w, { namePrefix: text, type: text }))).toEqual([kept]);
        await stores.read.read('knowledge.recall', { workspace_id: w, words: [text, text], limit: 9 });
      }
      const long = 'x'.repeat(KNOWLEDGE_MOST.value);
      await store.putFact(w, { id: 'long', entityId: 'e', predicate: 'p', value: long });
      expect((await store.findFacts(w, { predicate: 'p' }))[0]?.value).toBe(long);
      const refused = [
        store.putFact(w, { id: 'longer', entityId: 'e', predicate: 'p', value: `${long}x` }),
        store.putFact(w, { id: '', entityId: 'e', predicate: 'p', value: 'v' }),
        store.putEntity(w, { id: 'e', type: '', name: 'n' }),
        store.putEntity(w, { id: 'e', type: 't', name: 'n', properties: { much: 'x'.repeat(70_000) } }),
        store.putEntity(w, { id: 'e', type: 't', name: 'n', properties: { much: Number.NaN } }),
        store.putEntity(w, { id: 'e', type: 't', name: 'n', createdAt: new Date(Number.NaN) }),
        store.findFacts(w, { limit: 0 }),
        store.findEntities(w, { limit: 201 }),
        store.putFacts(
          w,
          Array.from({ length: 501 }, (_, n) => ({ id: `${n}`, entityId: 'e', predicate: 'p', value: '' })),
        ),
        store.putFacts(
          w,
          Array.from({ length: 99 }, (_, n) => ({ id: `${n}`, entityId: 'e', predicate: 'p', value: long })),
        ),
      ];
      expect(await Promise.all(refused.map(codeOf))).toEqual(refused.map(() => 'validation_failed'));
    });

    it('recalls facts and entities by all the words, of the person and of everybody', async () => {
      const w = space();
      await store.putFacts(
        w,
        [
          { id: 'f1', entityId: 'tea', predicate: 'is', value: 'Oolong from 台湾', userId: 'ada' },
          { id: 'f2', entityId: 'tea', predicate: 'is', value: 'green', userId: 'ben' },
          { id: 'f3', entityId: 'door', predicate: 'has', value: 'Straße 12, crème' },
        ],
        [{ id: 'tea', type: 'subject', name: 'my favourite tea', userId: 'ada' }],
      );
      await store.putEntity(w, { id: 'ben', type: 'person', name: 'Ben', properties: { job: 'tea taster' } });
      const recall = async (words: readonly string[], user_id?: string): Promise<readonly string[]> => {
        const { items } = await stores.read.read('knowledge.recall', { workspace_id: w, words, user_id, limit: 20 });
        return items.map((item) => (item.kind === 'fact' ? item.fact.id : `entity ${item.entity.id}`)).toSorted();
      };
      expect(await recall(['TEA'])).toEqual(['entity ben', 'entity tea', 'f1', 'f2']);
      expect(await recall(['tea'], 'ada')).toEqual(['entity ben', 'entity tea', 'f1']);
      expect(await recall(['tea'], 'ben')).toEqual(['entity ben', 'f2']);
      expect(await recall(['tea', 'oolong'])).toEqual(['f1']);
      expect(await recall(['台湾'])).toEqual(['f1']);
      expect(await recall(['strasse', 'creme'], 'cleo')).toEqual(['f3']);
      expect(await recall(['has', '"!?"'])).toEqual(['f3']);
      expect(await recall(['?!'])).toEqual([]);
      // A new name counts for what was said before.
      await store.putEntity(w, { id: 'tea', type: 'subject', name: 'the brew', userId: 'ada' });
      expect(await recall(['brew', 'oolong'])).toEqual(['f1']);
      expect(await recall(['favourite'])).toEqual([]);
    });

    it('changes something only where what it depends on holds, all of it', async () => {
      const w = space();
      const put = (entity: string, ...condition: readonly WorkspaceCondition[]): Promise<number> => {
        const stored = { id: entity, type: 't', name: entity, properties: {}, user_id: '' };
        return stores.writer.write({ workspace_id: w, records: [{ type: 'entity_put', entity: stored }], condition });
      };
      const known = (what: WorkspaceCondition['what'], id: string) => ({ what, id, known: true }) as const;
      const unknown = (what: WorkspaceCondition['what'], id: string) => ({ what, id, known: false }) as const;
      // Asked at once: the second is decided on what the first has made.
      const both = [put('a', unknown('entity', 'a')), put('a', unknown('entity', 'a'))];
      expect(await Promise.all(both.map(codeOf))).toEqual(['ok', 'conflict']);
      expect(await codeOf(put('b', known('entity', 'a'), unknown('fact', 'f'), known('entity', 'c')))).toBe(
        'not_found',
      );
      expect(await codeOf(put('b', known('entity', 'a'), unknown('fact', 'f')))).toBe('ok');
      await store.putFact(w, { id: 'f', entityId: 'a', predicate: 'p', value: 'v' });
      expect(await codeOf(put('d', unknown('fact', 'f')))).toBe('conflict');
      const many = Array.from({ length: 17 }, () => known('entity', 'a'));
      expect(await codeOf(put('d', ...many))).toBe('validation_failed');
      expect(ids(await store.findEntities(w))).toEqual(['a', 'b']);
    });

    it('sees many writes at once, each whole', async () => {
      const w = space();
      await Promise.all(Array.from({ length: 60 }, (_, index) => people(w, `p${index}`)));
      const found = await store.findEntities(w, { limit: 200 });
      expect(found).toHaveLength(60);
      await Promise.all(found.map(({ id }) => store.deleteEntity(w, id)));
      expect(await store.findEntities(w)).toEqual([]);
    });
  });
}
