// SPDX-License-Identifier: Apache-2.0
// Which addresses are of the public internet: what a stranger may name for Sigil to connect to.

import { BlockList, isIPv4, isIPv6 } from 'node:net';

/**
 * What of IPv4 is not the public internet: IANA's special-purpose registry, multicast, what is reserved, and the address
 * under which one cloud answers its own machines' questions though it lies among public ones.
 */
const SPECIAL_IPV4: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** What of {@link GLOBAL_IPV6} is not: protocols' own, documentation, and tunnels that carry an IPv4 address inside. */
const SPECIAL_IPV6: readonly (readonly [network: string, prefix: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
];
/** All of IPv6 that is given out as unicast; loopback, mapped, translated, local and multicast addresses lie outside. */
const GLOBAL_IPV6 = ['2000::', 3] as const;

const special4 = new BlockList();
for (const [network, prefix] of SPECIAL_IPV4) special4.addSubnet(network, prefix, 'ipv4');
const special6 = new BlockList();
for (const [network, prefix] of SPECIAL_IPV6) special6.addSubnet(network, prefix, 'ipv6');
const global6 = new BlockList();
global6.addSubnet(...GLOBAL_IPV6, 'ipv6');

/** Whether a numeric address, without brackets or zone, is of the public internet. What cannot be read is not. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !special4.check(address, 'ipv4');
  // A zone names one of this machine's own networks.
  return (
    isIPv6(address) && !address.includes('%') && global6.check(address, 'ipv6') && !special6.check(address, 'ipv6')
  );
}
