// SPDX-License-Identifier: Apache-2.0
// Durations, sizes and listen addresses: what is read, what is refused, and that writing gives back what was read.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLoopback, parseListen } from '../../src/config/listen.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/config/units.ts';

describe('durations and sizes', () => {
  it.each([
    ['30s', 30_000],
    ['15m', 900_000],
    ['24h', 86_400_000],
    ['30d', 2_592_000_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['250', 250],
  ])('reads the duration %s', (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  it.each(['', 's', '30 s', '-1s', '30S', '1w', '1e3', '0.0001ms', '1MB'])('refuses the duration %j', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );

  it.each([
    ['1MB', 1_048_576],
    ['25MB', 26_214_400],
    ['512KB', 524_288],
    ['2GB', 2_147_483_648],
    ['100B', 100],
    ['100', 100],
  ])('reads the size %s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each(['', 'MB', '1mb', '1 MB', '-1KB', '1MiB', '30s'])('refuses the size %j', (text) =>
    expect(parseSize(text)).toBeUndefined(),
  );

  it('writes the shortest exact form', () => {
    expect([0, 1500, 90_000, 900_000, 86_400_000].map(formatDuration)).toEqual(['0s', '1500ms', '90s', '15m', '1d']);
    expect([0, 1023, 1536, 1_048_576].map(formatSize)).toEqual(['0B', '1023B', '1536B', '1MB']);
  });

  it('reads back whatever it writes', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 50 }), (value) => {
        expect(parseDuration(formatDuration(value))).toBe(value);
        expect(parseSize(formatSize(value))).toBe(value);
      }),
    );
  });
});

describe('listen addresses', () => {
  it.each([
    ['127.0.0.1:18789', { host: '127.0.0.1', port: 18_789 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:1', { host: '::1', port: 1 }],
    ['[fe80::1%eth0]:80', { host: 'fe80::1%eth0', port: 80 }],
    ['my-host.example.org:65535', { host: 'my-host.example.org', port: 65_535 }],
  ])('reads %s', (text, address) => expect(parseListen(text)).toEqual(address));

  it.each([
    '',
    '18789',
    ':1',
    'host',
    'host:',
    'host:65536',
    '::1:80',
    '[::1]',
    '[nope]:1',
    '[1:2]:1',
    '300.1.1.1:1',
    'a b:1',
    '*:1',
  ])('refuses %j', (text) => expect(parseListen(text)).toBeUndefined());

  it('knows loopback in every spelling, and nothing else', () => {
    for (const host of [
      '127.0.0.1',
      '127.9.9.9',
      'localhost',
      'LOCALHOST',
      '::1',
      '0:0:0:0:0:0:0:1',
      '::ffff:127.0.0.1',
    ]) {
      expect(isLoopback(host), host).toBe(true);
    }
    for (const host of ['0.0.0.0', '10.0.0.1', '::', 'example.org', '127.0.0.1.example.org', '::ffff:10.0.0.1']) {
      expect(isLoopback(host), host).toBe(false);
    }
  });
});
