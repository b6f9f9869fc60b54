// SPDX-License-Identifier: Apache-2.0
// Texts embedded by a vendor: through the whole gateway, its thread and its real library, while the vendor is well, ill and well again.

import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hash384 } from '../../src/embeddings/hash-384.ts';
import { VectorsReader } from '../../src/stores/sqlite/vectors-reader.ts';
import { workspaceDir } from '../../src/stores/sqlite/workspace-path.ts';
import { until } from '../edge/client.ts';
import { type AskedVectors, openAiEmbeddings } from '../wire/embeddings.ts';
import { startWireServer, type WireAnswer, type WireServer } from '../wire/server.ts';
import { closeHouses, type House, newDataDir, startHouse } from './house.ts';

const KEY = 'sk-embed-51c09d7be2';
const MODEL = 'openai/text-embedding-3-small';

let vendor: WireServer;
beforeEach(async () => {
  vendor = await startWireServer();
});
afterEach(async () => {
  await closeHouses();
  await vendor.close();
});
afterAll(closeHouses);

const settings = (more: Readonly<Record<string, unknown>> = {}) => ({
  providers: { openai: { type: 'openai', endpoint: vendor.url, api_key: KEY } },
  models: { default: 'sigil/offline' },
  sessions: { memory: { embeddings: { model: MODEL } } },
  ...more,
});

/** What a good model would say: vectors with a meaning, of so many numbers. */
function vectorsOf({ texts, dimensions = 384 }: AskedVectors): number[][] {
  const whole = hash384.embed(texts);
  return texts.map((_, at) => {
    const own = [...whole.subarray(at * 384, (at + 1) * 384)];
    return Array.from({ length: dimensions }, (_value, place) => own[place] ?? 0);
  });
}

/** A vendor that is well. */
function well(asked: AskedVectors): WireAnswer {
  return openAiEmbeddings.answer(vectorsOf(asked), asked.texts.length * 10);
}

/** The vendor answers requests for vectors so. */
function answers(how: (asked: AskedVectors) => WireAnswer): void {
  vendor.answer((request) => {
    const asked = openAiEmbeddings.asked(request);
    return asked === undefined ? openAiEmbeddings.refuse(404, 'there is no such path') : how(asked);
  });
}

const texts = (): readonly string[] =>
  vendor.requests.flatMap((request) => openAiEmbeddings.asked(request)?.texts ?? []);

/** How many vectors of which model the workspace's file has, and what fills it. */
function index(
  house: House,
  workspace: string,
): { readonly entries: number; readonly model: string; readonly filling: string } {
  const rows = new VectorsReader(join(workspaceDir(house.dataDir, workspace) ?? '', 'vectors.db'));
  try {
    const state = rows.snapshot(({ entries, model, filling }) => ({
      entries,
      model: `${model.name} ${model.dimensions}`,
      filling: filling === null ? '' : filling.model.name,
    }));
    return state ?? { entries: 0, model: '', filling: '' };
  } finally {
    rows.close();
  }
}

async function firstMessage(
  house: House,
  text: string,
): Promise<{ readonly session_id: string; readonly workspace: string }> {
  const { session_id } = (await house.owner.chat(text)).body;
  return { session_id, workspace: (await house.owner.get(`/api/v1/sessions/${session_id}`)).body.workspace_id };
}

const recall = async (house: House, workspace: string, words: string) =>
  (await house.owner.get(`/api/v1/memory/recall?workspace=${workspace}&q=${encodeURIComponent(words)}`)).body;

const embeddings = async (house: House) => (await house.owner.get('/api/v1/status')).body.embeddings;

describe('a model of a vendor', () => {
  it('embeds what is said and what is asked, is paid for, and is sent no secret', async () => {
    answers(well);
    const house = await startHouse(settings());
    const traffic = await house.owner.listen('/debug/providers/stream?provider=openai');
    const { session_id, workspace } = await firstMessage(
      house,
      `The spare keys are with the neighbour, the key is ${KEY}.`,
    );
    await until(() => index(house, workspace).entries === 2);
    const { similar, similar_error } = await recall(house, workspace, 'sparekeys neighbourhood');
    expect(similar_error).toBeNull();
    expect(similar[0]).toMatchObject({ source: 'message', text: expect.stringContaining('The spare keys are with') });
    expect(texts()).toContain('sparekeys neighbourhood');
    expect(texts().join('\n')).not.toContain(KEY);
    const [first] = vendor.requests.map(openAiEmbeddings.asked);
    expect(first).toMatchObject({ model: 'text-embedding-3-small', dimensions: 384, key: KEY });
    // What was sent can be read as that of a turn can.
    await traffic.first(({ data }) => data.kind === 'request_body' && data.text.includes('sparekeys neighbourhood'));
    expect(traffic.events.map(({ data }) => data.purpose).filter(Boolean)).toContain('embed');
    expect(JSON.stringify(traffic.events)).not.toContain(KEY);
    traffic.leave();
    const used = async () => (await house.owner.get('/api/v1/usage?by=model')).body.items;
    const ours = async () => (await used()).find(({ key }: { key: string }) => key === MODEL);
    const calls = vendor.requests.length;
    await until(async () => (await ours())?.calls === calls);
    expect(await ours()).toMatchObject({ input_tokens: texts().length * 10, output_tokens: 0 });
    expect((await ours()).cost_usd).toBeCloseTo((texts().length * 10 * 0.02) / 1_000_000, 12);
    const by_workspace = (await house.owner.get('/api/v1/usage?by=workspace')).body.items;
    expect(by_workspace.find(({ key }: { key: string }) => key === workspace).input_tokens).toBeGreaterThanOrEqual(
      texts().length * 10,
    );
    expect(await embeddings(house)).toMatchObject([{ model: MODEL, dimensions: 384, state: 'idle', last_error: null }]);
    expect((await house.owner.get(`/api/v1/sessions/${session_id}/messages`)).body.items).toHaveLength(2);
  });

  it('may be down: messages are taken, words are found, and when it is back nothing is missing', async () => {
    answers(() => openAiEmbeddings.refuse(503, 'we are down'));
    const house = await startHouse(settings());
    const { session_id, workspace } = await firstMessage(house, 'The dentist moved the appointment.');
    const before = Date.now();
    await house.owner.chat('The lease must be signed.', { session_id });
    await until(async () => (await embeddings(house))[0]?.state === 'waiting');
    const [state] = await embeddings(house);
    expect(state).toMatchObject({ waiting: 1, workspaces: [workspace], last_error: { code: 'provider_overloaded' } });
    expect(state.last_error.message).toContain('we are down');
    expect(Date.parse(state.retry_at)).toBeGreaterThan(before);
    const found = await recall(house, workspace, 'dentist');
    expect(found.messages.length).toBeGreaterThan(0);
    expect(found).toMatchObject({ similar: [], similar_error: { code: expect.stringMatching(/^provider_/) } });
    answers(well);
    await until(() => index(house, workspace).entries === 4);
    await until(async () => (await embeddings(house))[0]?.waiting === 0);
    expect((await embeddings(house))[0]).toMatchObject({ state: 'idle', last_error: null, retry_at: null });
    await until(async () => (await recall(house, workspace, 'leases to sign')).similar.length > 0);
  });
});

describe('a model that keeps failing', () => {
  beforeEach(() => {
    vi.stubEnv('SIGIL_CIRCUIT_TIMES', JSON.stringify({ first: 300, longest: 600, probe_again: 300 }));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('is left alone by itself, looked for with a text, and taken up again', async () => {
    answers(() => openAiEmbeddings.refuse(500, 'no'));
    const house = await startHouse(settings());
    const { workspace } = await firstMessage(house, 'The dentist moved the appointment.');
    const provider = async () =>
      (await house.owner.get('/api/v1/status')).body.providers.find(({ name }: { name: string }) => name === 'openai');
    await until(async () => (await provider()).models.length > 0);
    // Whoever chats with another of its models is not kept from it.
    expect(await provider()).toMatchObject({ state: 'closed', models: [{ model: 'text-embedding-3-small' }] });
    answers(well);
    await until(() => index(house, workspace).entries === 2);
    await until(async () => (await provider()).models.length === 0);
    expect(vendor.requests.filter(({ path }) => !path.endsWith('/embeddings'))).toEqual([]);
  });
});

/** Things that are said and answered: more than a batch has room for. */
const THINGS = 50;

describe('another model', () => {
  it('takes over when it is whole, whatever ends in the middle, and the old one answers until then', async () => {
    const dataDir = newDataDir();
    // Nothing but what is said here is embedded.
    const alone = { summaries: { enabled: false } };
    const before = await startHouse({ sessions: { memory: alone } }, dataDir);
    const { session_id, workspace } = await firstMessage(before, 'Thing number 0 of many.');
    for (let at = 1; at < THINGS; at += 1) await before.owner.chat(`Thing number ${at} of many.`, { session_id });
    await until(() => index(before, workspace).entries === THINGS * 2);
    await before.drain();
    // The first batch is let through, the second waits until it is told.
    let asked = 0;
    let open = false;
    answers((request) => {
      asked += 1;
      if (asked > 1 && !open) return { body: '', delivery: { silent: true } };
      return well(request);
    });
    const house = await startHouse(
      settings({ sessions: { memory: { ...alone, embeddings: { model: MODEL } } } }),
      dataDir,
    );
    await until(() => asked > 1);
    expect(index(house, workspace)).toEqual({ entries: THINGS * 2, model: 'sigil/hash-384 384', filling: MODEL });
    expect((await recall(house, workspace, 'thingsnumber manyy')).similar_error).toBeNull();
    await house.killThread('views');
    await house.owner.chat('Said while it died.', { session_id });
    await house.killThread('io-1');
    open = true;
    await until(() => index(house, workspace).model === `${MODEL} 384`);
    await until(() => index(house, workspace).entries === THINGS * 2 + 2);
    expect(index(house, workspace).filling).toBe('');
  });
});
