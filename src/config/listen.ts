// SPDX-License-Identifier: Apache-2.0
// The listen address: `host:port` with a name, an IPv4 or a bracketed IPv6 host, and whether it is loopback.

/** A parsed listen address; `host` carries no brackets. Port 0 lets the system choose. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const NAME = /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9][A-Za-z0-9-]{0,62})*$/;
const ALL_DIGITS_AND_DOTS = /^[\d.]+$/;
const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
const IPV6 = /^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?$/;

function isIpv6(host: string): boolean {
  if (!IPV6.test(host)) return false;
  // The URL parser is the strictest IPv6 reader at hand that costs no import.
  return URL.canParse(`http://[${host.split('%')[0] ?? ''}]/`);
}

/**
 * Reads `127.0.0.1:18789`, `localhost:0`, `[::1]:18789`; undefined when it is none of these.
 * @param text the value of `networking.listen` or `--listen`
 */
export function parseListen(text: string): ListenAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const port = Number(match[3]);
  if (port > 65_535) return undefined;
  const [, v6, plain] = match;
  if (v6 !== undefined) return isIpv6(v6) ? { host: v6, port } : undefined;
  if (plain === undefined) return undefined;
  const valid = ALL_DIGITS_AND_DOTS.test(plain) ? IPV4.test(plain) : NAME.test(plain);
  return valid ? { host: plain, port } : undefined;
}

/** True when only this machine can reach the host: 127.0.0.0/8, `::1` in any spelling, `localhost`. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  if (IPV4.test(name)) return name.startsWith('127.');
  if (!isIpv6(name)) return false;
  const normal = new URL(`http://[${name.split('%')[0] ?? ''}]/`).hostname;
  return normal === '[::1]' || /^\[::ffff:7f[0-9a-f]{2}:/.test(normal);
}
