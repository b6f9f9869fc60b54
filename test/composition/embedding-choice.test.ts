// SPDX-License-Identifier: Apache-2.0
// Which embedding models run, and which are refused before anything starts, with the setting to change.

import { expect, it } from 'vitest';
import { asksVendors, embeddingChoice } from '../../src/composition/embedding-choice.ts';
import { knownTypes } from '../../src/composition/known-types.ts';
import { vectorsHere } from '../../src/composition/vectors-here.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { machine } from '../config/machine.ts';

async function config(model: string, dimensions?: number): Promise<Config> {
  const key = { api_key: 'k' };
  const flags = {
    providers: {
      openai: key,
      google: key,
      anthropic: key,
      ollama: { type: 'ollama' },
      mine: { type: 'openai-compatible', endpoint: 'http://localhost:1' },
      // Left out for its missing key.
      second: { type: 'openai' },
    },
    sessions: { memory: { embeddings: { model } } },
    ...(dimensions === undefined ? {} : { storage: { vector: { dimensions } } }),
  };
  const loaded = await loadConfig({ known: knownTypes, machine: machine(), flags });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  return loaded.config;
}

it.each([
  ['sigil/hash-384', undefined, 'built_in', 384],
  ['openai/text-embedding-3-small', undefined, 'vendor', 384],
  ['openai/text-embedding-3-large', 3072, 'vendor', 3072],
  ['openai/text-embedding-ada-002', 1536, 'vendor', 1536],
  ['google/gemini-embedding-001', 768, 'vendor', 768],
  ['ollama/nomic-embed-text', 768, 'vendor', 768],
  ['ollama/bge-m3:latest', 1024, 'vendor', 1024],
  ['ollama/nobody-knows', 700, 'vendor', 700],
  ['mine/anything/at-all', undefined, 'vendor', 384],
] as const)('%s with %s dimensions runs', async (name, dimensions, kind, given) => {
  const made = await config(name, dimensions);
  expect(embeddingChoice(made)).toEqual({ kind, model: { name, dimensions: given } });
  expect(asksVendors(made)).toBe(kind === 'vendor');
});

it.each([
  ['sigil/hash-384', 768, 'storage.vector.dimensions', /gives 384 numbers.* is 768/, /to 384/],
  ['ollama/nomic-embed-text', undefined, 'storage.vector.dimensions', /gives 768 numbers.* is 384/, /to 768/],
  ['openai/text-embedding-ada-002', undefined, 'storage.vector.dimensions', /gives 1536 numbers/, /to 1536/],
  ['openai/text-embedding-3-small', 2000, 'storage.vector.dimensions', /1 to 1536 numbers.* is 2000/, /to 1536/],
  ['google/gemini-embedding-001', 64, 'storage.vector.dimensions', /128 to 3072 numbers/, /to 3072/],
  ['mine/x', 9000, 'storage.vector.dimensions', /at most 8192/, /8192 or less/],
  [
    'anthropic/claude',
    undefined,
    'sessions.memory.embeddings.model',
    /type anthropic has no embeddings/,
    /another provider/,
  ],
  [
    'second/x',
    undefined,
    'sessions.memory.embeddings.model',
    /second is not configured, or is left out/,
    /providers\.second/,
  ],
  ['nobody/x', undefined, 'sessions.memory.embeddings.model', /nobody is not configured/, /hash-384/],
  [
    'sigil/other',
    undefined,
    'sessions.memory.embeddings.model',
    /There is no embedding model sigil\/other/,
    /hash-384/,
  ],
] as const)('%s with %s dimensions is refused', async (name, dimensions, what, message, advice) => {
  const made = await config(name, dimensions);
  expect(embeddingChoice(made)).toMatchObject({
    kind: 'refused',
    what,
    message: expect.stringMatching(message),
    advice: expect.stringMatching(advice),
  });
  const here = vectorsHere(made, () => undefined);
  expect(here.config.sessions.memory.embeddings.enabled).toBe(false);
  expect(here.leftOut).toMatchObject([{ what, code: 'validation_failed' }]);
});
