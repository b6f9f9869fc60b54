// SPDX-License-Identifier: Apache-2.0
// Which address a request counts for: the peer's, or behind trusted proxies the last one they did not add themselves.

import type { IncomingMessage } from 'node:http';
import { net } from './node-http.ts';

/** What requests over the unix socket count for. */
const LOCAL_SOCKET = 'local';

/** Makes the look-up. `X-Forwarded-For` counts only as far as it was written by the proxies given as CIDRs. */
export function clientAddresses(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
  const trusted = trustedProxies.length === 0 ? undefined : blockList(trustedProxies);
  return (request) => {
    const peer = plain(request.socket.remoteAddress ?? LOCAL_SOCKET);
    const forwarded = request.headers['x-forwarded-for'];
    if (trusted === undefined || forwarded === undefined || !trusted(peer)) return peer;
    const hops = (Array.isArray(forwarded) ? forwarded.join(',') : forwarded).split(',');
    let client = peer;
    // From the right: each hop was written by the one after it, so the first that is no proxy of ours is the client.
    for (const hop of hops.reverse()) {
      const name = plain(hop.trim());
      if (net.isIP(name) === 0) break;
      client = name;
      if (!trusted(name)) break;
    }
    return client;
  };
}

/** Whether a request came over TLS, as a trusted proxy in front of us says. */
export function overTls(trustedProxies: readonly string[]): (request: IncomingMessage) => boolean {
  const trusted = trustedProxies.length === 0 ? undefined : blockList(trustedProxies);
  return (request) => {
    const scheme = request.headers['x-forwarded-proto'];
    if (trusted === undefined || scheme === undefined) return false;
    if (!trusted(plain(request.socket.remoteAddress ?? LOCAL_SOCKET))) return false;
    // The first is what the browser spoke. Who forges it only hides their own cookie from themselves.
    const schemes = (Array.isArray(scheme) ? scheme.join(',') : scheme).split(',');
    return schemes.at(0)?.trim().toLowerCase() === 'https';
  };
}

function blockList(networks: readonly string[]): (address: string) => boolean {
  const list = new net.BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = net.isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    const version = net.isIP(address);
    return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
  };
}

/** Without brackets, port, and the IPv6 dress of an IPv4 address. */
function plain(address: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(address)?.[1];
  const bare = bracketed ?? (/^[\d.]+:\d+$/.test(address) ? address.slice(0, address.indexOf(':')) : address);
  return bare.startsWith('::ffff:') && net.isIPv4(bare.slice(7)) ? bare.slice(7) : bare;
}
