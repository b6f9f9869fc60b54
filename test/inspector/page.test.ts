// SPDX-License-Identifier: Apache-2.0
// The inspector's page as the edge serves it: to everybody, nothing but its own files, and under a strict policy.

import { expect, it } from 'vitest';
import { inspectorFiles } from '../../src/composition/inspector-files.ts';
import { setUp } from '../edge/setup.ts';

const files = inspectorFiles();
const inspector = () => Promise.resolve(files);
const nobody = { token: null };

it('is there without a token, and so is what it loads, under names that say what is in it', async () => {
  const { client } = await setUp({}, { inspector });
  const page = await client.call('GET', '/debug', nobody);
  expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.headers['cache-control']).toBe('no-cache');
  const policy = String(page.headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
  expect(page.text).not.toMatch(/<script(?![^>]*src=)|<style| style=| on\w+=|https?:/);
  const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
  expect(assets.map((path) => path.replace(/^.*\.(\w+)$/, '$1')).sort()).toEqual(['css', 'js', 'svg']);
  const types: Record<string, string> = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
  for (const path of assets) {
    const asset = await client.call('GET', path, nobody);
    expect(asset.status, path).toBe(200);
    expect(asset.headers['content-type']).toContain(types[path.split('.').at(-1) ?? '']);
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(asset.headers['x-content-type-options']).toBe('nosniff');
    expect(path).toMatch(/-[A-Z0-9]{8}\.\w+$/);
    const head = await client.call('HEAD', path, nobody);
    expect([head.status, head.text, head.headers['content-length']]).toEqual([
      200,
      '',
      asset.headers['content-length'],
    ]);
    const same = await client.call('GET', path, {
      ...nobody,
      headers: { 'If-None-Match': String(asset.headers.etag) },
    });
    expect([same.status, same.text, same.headers['content-security-policy']]).toEqual([304, '', policy]);
  }
  const script = assets.find((path) => path.endsWith('.js')) ?? '';
  expect((await client.call('GET', script, nobody)).text.length).toBeLessThan(150_000);
});

it('gives nothing else away, and what it shows still needs a token', async () => {
  const { client } = await setUp({}, { inspector });
  const outside = [
    '/debug/assets/',
    '/debug/assets/index.html',
    '/debug/assets/..%2Findex.html',
    '/debug/assets/%2e%2e%2f%2e%2e%2fpackage.json',
    '/debug/assets/main.tsx',
    '/debug/assets/a/b.js',
    '/debug/assets/constructor',
  ];
  for (const path of outside) expect((await client.call('GET', path, nobody)).status, path).toBe(404);
  expect((await client.call('POST', '/debug')).status).toBe(405);
  for (const path of [
    '/debug/actors',
    '/debug/threads',
    '/debug/bus',
    '/debug/actors/stream',
    '/api/v1/status',
    '/debug/',
  ])
    expect((await client.call('GET', path, nobody)).status, path).toBe(401);
  const begin = await client.call('GET', '/', nobody);
  expect([begin.status, begin.headers.location]).toEqual([302, '/debug']);
});
