// SPDX-License-Identifier: Apache-2.0
// What a stranger may name for Sigil to connect to, and in which spellings they may try.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../src/web/public-address.ts';

describe('a public address', () => {
  it.each(['1.1.1.1', '8.8.8.8', '93.184.215.14', '172.15.0.1', '172.32.0.1', '100.63.255.255', '100.128.0.1'])(
    '%s is one',
    (given) => {
      expect(isPublicAddress(given)).toBe(true);
    },
  );

  it.each(['2606:4700:4700::1111', '2a00:1450:4001:80b::200e', '2003::1', '2001:200::1'])('%s is one', (given) => {
    expect(isPublicAddress(given)).toBe(true);
  });

  it.each([
    ...[
      '127.0.0.1',
      '127.255.255.254',
      '0.0.0.0',
      '0.1.2.3',
      '10.0.0.1',
      '10.255.255.255',
      '172.16.0.1',
      '172.31.255.255',
    ],
    ...[
      '192.168.0.1',
      '169.254.169.254',
      '169.254.0.1',
      '100.64.0.1',
      '100.100.100.200',
      '192.0.0.192',
      '168.63.129.16',
    ],
    ...[
      '192.0.2.1',
      '198.18.0.1',
      '198.19.255.255',
      '198.51.100.7',
      '203.0.113.9',
      '224.0.0.1',
      '239.1.1.1',
      '240.0.0.1',
      '255.255.255.255',
    ],
    ...['::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::1', '100::1'],
    ...[
      '2001::1',
      '2001:db8::1',
      '2002:7f00:1::',
      '2002:a00:1::1',
      '3fff::1',
      '5f00::1',
      'fc00::1',
      'fd00:ec2::254',
      'fe80::1',
      'fec0::1',
      'ff02::1',
    ],
    ...[
      '2606:4700::1%eth0',
      'fe80::1%1',
      '',
      ' ',
      'localhost',
      '1.1.1',
      '0x7f.1',
      '2130706433',
      '017700000001',
      '１２７.0.0.1',
      '127.0.0.1 ',
      '[::1]',
    ],
  ])('%s is none', (given) => {
    expect(isPublicAddress(given)).toBe(false);
  });

  it('is none inside any private network, whatever comes after', () => {
    const within = fc.oneof(
      fc.tuple(fc.constant(10), fc.nat(255), fc.nat(255), fc.nat(255)),
      fc.tuple(fc.constant(127), fc.nat(255), fc.nat(255), fc.nat(255)),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), fc.nat(255), fc.nat(255)),
      fc.tuple(fc.constant(192), fc.constant(168), fc.nat(255), fc.nat(255)),
      fc.tuple(fc.constant(169), fc.constant(254), fc.nat(255), fc.nat(255)),
      fc.tuple(fc.integer({ min: 224, max: 255 }), fc.nat(255), fc.nat(255), fc.nat(255)),
    );
    fc.assert(
      fc.property(
        within,
        (parts) => !isPublicAddress(parts.join('.')) && !isPublicAddress(`::ffff:${parts.join('.')}`),
      ),
    );
  });
});
