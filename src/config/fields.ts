// SPDX-License-Identifier: Apache-2.0
// The kinds of field the configuration is made of: durations, sizes, secrets, bounded numbers, names.

import { z } from 'zod';
import { DURATION_PATTERN, formatDuration, formatSize, parseDuration, parseSize, SIZE_PATTERN } from './units.ts';

/** What the loader and `config show` must know of a field beyond its type. */
export interface FieldFacts {
  /** How the value is written, hidden and resolved. `free` is a plugin's or platform's own shape. */
  readonly kind: 'duration' | 'size' | 'secret' | 'secret_url' | 'free' | 'env_map' | 'text';
  /** What a problem report says is allowed here; derived from the schema when absent. */
  readonly allowed?: string;
}

/** Facts by schema; its entries survive `.describe()`, which clones. */
export const fieldFacts = z.registry<FieldFacts>();

/** The least and the most, as people write them. */
type Bounds = { readonly min: string; readonly max: string };

function unit(
  kind: 'duration' | 'size',
  bounds: Bounds,
  pattern: RegExp,
  parse: (text: string) => number | undefined,
  allowed: string,
) {
  const min = parse(bounds.min) ?? 0;
  const max = parse(bounds.max) ?? Number.MAX_SAFE_INTEGER;
  return z
    .union([z.string().regex(pattern), z.number()], { error: 'is not one' })
    .transform((written, context) => {
      const value = parse(String(written));
      if (value === undefined) context.addIssue({ code: 'custom', message: `is not a ${kind}` });
      else if (value < min) context.addIssue({ code: 'custom', message: `is less than ${bounds.min}` });
      else if (value > max) context.addIssue({ code: 'custom', message: `is more than ${bounds.max}` });
      else return value;
      return z.NEVER;
    })
    .register(fieldFacts, { kind, allowed });
}

/** A duration between two written bounds, as milliseconds. Give defaults with `.prefault('30s')`. */
export function duration(min: string, max: string) {
  const allowed = `a duration such as 500ms, 30s, 15m, 24h or 30d (a plain number is milliseconds), from ${min} to ${max}`;
  return unit('duration', { min, max }, DURATION_PATTERN, parseDuration, allowed);
}

/** A size between two written bounds, as bytes; 1 KB is 1024 bytes. Give defaults with `.prefault('1MB')`. */
export function size(min: string, max: string) {
  const allowed = `a size such as 512KB, 1MB or 2GB (1 KB is 1024 bytes, a plain number is bytes), from ${min} to ${max}`;
  return unit('size', { min, max }, SIZE_PATTERN, parseSize, allowed);
}

/** Writes a value of a duration or size field the short way. */
export function formatUnit(kind: 'duration' | 'size', value: number): string {
  return kind === 'duration' ? formatDuration(value) : formatSize(value);
}

/** A whole number within bounds. */
export function whole(min: number, max: number) {
  return z.int().min(min).max(max);
}

/** Text of at most so many characters. */
export function text(max = 1000) {
  return z.string().max(max);
}

/** Text of a certain shape, with the shape said in words. */
export function shaped(pattern: RegExp, allowed: string) {
  return z.string().regex(pattern).register(fieldFacts, { kind: 'text', allowed });
}

/**
 * A secret: the text itself or, better, a reference to it (`${NAME}`, `file:///path`, `keyring://service/account`). It
 * stays as written in the configuration, branded so that only a resolver of secrets turns it into something usable.
 */
export function secret() {
  return z
    .string()
    .max(16_384)
    .brand<'SecretRef'>()
    .register(fieldFacts, { kind: 'secret', allowed: 'text, ${NAME}, file:///path or keyring://service/account' });
}

/** An address that carries a password in it; kept as written like a secret, shown without its user part. */
export function secretUrl() {
  return z
    .string()
    .max(4096)
    .regex(/^$|^[a-z][a-z0-9+.-]*:\/\/\S+$|\$\{/i)
    .brand<'SecretRef'>()
    .register(fieldFacts, { kind: 'secret_url', allowed: 'a URL, ${NAME}, file:///path or keyring://service/account' });
}

/** Values whose shape somebody else decides (a plugin, a platform adapter). References in them stay as written. */
export function free() {
  return z.unknown().register(fieldFacts, { kind: 'free', allowed: 'anything the part it belongs to takes' });
}

/** An http or https address, or nothing. */
export const httpUrl = () => shaped(/^$|^https?:\/\/[^\s/]+(\/\S*)?$/i, 'an http:// or https:// URL, or "" for none');

/** A model as `provider/model`, or nothing. */
export const modelName = () =>
  shaped(/^$|^[^/\s]+\/\S+$/, '"provider/model", such as anthropic/claude-sonnet-4-5, or "" for none');

/** The name of a provider, channel, MCP server or plugin: it becomes part of an address, so it holds no slash. */
export const entryName = () =>
  shaped(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'a name of letters, digits, ".", "_" and "-", at most 64 long');

/** The id of a workspace; it becomes part of a path. */
export const workspaceId = () =>
  shaped(
    /^[a-z0-9][a-z0-9:_-]{0,63}$/,
    'an id of lowercase letters, digits, ":", "_" and "-", starting with a letter or digit, at most 64 long',
  );

/** The id of a user: short enough that `personal:<id>` is a workspace id. */
export const userId = () =>
  shaped(
    /^[a-z0-9][a-z0-9:_-]{0,54}$/,
    'an id of lowercase letters, digits, ":", "_" and "-", starting with a letter or digit, at most 55 long',
  );

/**
 * A pattern of capabilities: dot-separated, `*` for one or more segments, at the end an absolute path that may be a glob. What
 * it comes to is for `security/` to say.
 */
export const capabilityPattern = () =>
  shaped(
    /^(?=.{1,200}$)(?:\*|[A-Za-z0-9_-]+)(?:\.(?:\*|[A-Za-z0-9_-]+))*(?:\.\/[^\\?[\]{}!]*)?$/,
    'a pattern such as tool.*, memory_remember or filesystem.read./data/*',
  );

/** A permission of a token, colon-separated, `*` allowed. */
export const permission = () =>
  shaped(/^[A-Za-z0-9*][A-Za-z0-9*._:/@-]{0,199}$/, 'a permission such as admin:* or workspace:homelab');
