// SPDX-License-Identifier: Apache-2.0
// What the enforcer must come to, written down without a thought for speed: what the tests hold it against.

/** The segments of a name or pattern, its path as one text at the end; undefined when it is malformed. */
function parts(text: string, pattern: boolean): readonly string[] | undefined {
  if (text.length > 65_536) return undefined;
  const slash = text.indexOf('./');
  const words = (slash < 0 ? text : text.slice(0, slash)).split('.');
  const word = pattern ? /^(?:\*|[A-Za-z0-9_-]+)$/ : /^[A-Za-z0-9_-]+$/;
  if (words.some((one) => !word.test(one))) return undefined;
  return slash < 0 ? words : [...words, text.slice(slash + 1)];
}

/** A path written out: no `.`, no `..`, no `//`; undefined when it is malformed or leads out. */
export function naivePath(path: string): string | undefined {
  if (path.length > 4_096 || path !== path.normalize('NFKC') || !/^\/[ -[\]-~\p{L}\p{M}\p{N}]*$/u.test(path))
    return undefined;
  let text = path;
  for (let before = ''; before !== text; ) {
    before = text;
    text = text.replace(/\/\.?(?=\/|$)/, '');
  }
  for (let before = ''; before !== text; ) {
    before = text;
    text = text.replace(/\/(?!\.\.(?:\/|$))[^/]+\/\.\.(?=\/|$)/, '');
  }
  return /\/\.\.(?:\/|$)/.test(text) ? undefined : text;
}

function globCovers(glob: string, path: string): boolean {
  const [normal, other] = [naivePath(glob), naivePath(path)];
  if (normal === undefined || other === undefined || /[?[\]{}!]/.test(glob)) return false;
  const deep = normal.endsWith('/**');
  const own = deep ? normal.slice(0, -3) : normal;
  if (own.includes('**')) return false;
  const wild = own.replace(/[.+^$()|\\-]/g, '\\$&').replace(/\*/g, '[^/]*');
  return new RegExp(`^${wild}${deep ? '(?:/[^/]+)+' : ''}$`, 'u').test(other);
}

function wordsCover(pattern: readonly string[], name: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return name.length === 0;
  if (first !== '*') return first === name[0] && wordsCover(rest, name.slice(1));
  return name.some((_, at) => wordsCover(rest, name.slice(at + 1)));
}

/** Whether a text can be read as a name. */
export function naiveName(text: string): boolean {
  const name = parts(text, false);
  const path = name?.at(-1)?.startsWith('/') === true ? name.at(-1) : undefined;
  if (path !== undefined) return !path.includes('*') && naivePath(path) !== undefined;
  return name !== undefined && name.length > 1;
}

/** Whether a text can be read as a pattern. */
export function naivePattern(text: string): boolean {
  const pattern = parts(text, true);
  const glob = pattern?.at(-1) ?? '';
  if (pattern === undefined || !glob.startsWith('/')) return pattern !== undefined;
  const path = naivePath(glob);
  if (path === undefined || /[?[\]{}!]/.test(glob)) return false;
  return !(path.endsWith('/**') ? path.slice(0, -3) : path).includes('**');
}

/** Whether a pattern covers a name. */
export function naiveCovers(pattern: string, name: string): boolean {
  if (!naiveName(name) || !naivePattern(pattern)) return false;
  const [wanted = [], given = []] = [parts(pattern, true), parts(name, false)];
  const glob = wanted.at(-1);
  if (glob?.startsWith('/') !== true) return wordsCover(wanted, given);
  const path = given.at(-1) ?? '';
  return path.startsWith('/') && wordsCover(wanted.slice(0, -1), given.slice(0, -1)) && globCovers(glob, path);
}

/** The lists of the three. */
export interface NaiveLists {
  readonly declared: readonly string[];
  readonly plugin_denied: readonly string[];
  readonly allow: readonly string[];
  readonly denied: readonly string[];
  readonly permissions: readonly string[];
  readonly revoked: readonly string[];
}

/** The algebra of sets, over the one name. */
export function naiveAllowed(name: string, lists: NaiveLists): boolean {
  const within = (patterns: readonly string[]): boolean => patterns.some((pattern) => naiveCovers(pattern, name));
  // What nobody can read takes everything back.
  const without = (patterns: readonly string[]): boolean => !within(patterns) && patterns.every(naivePattern);
  return (
    [lists.declared, lists.allow, lists.permissions].every(within) &&
    [lists.plugin_denied, lists.denied, lists.revoked].every(without)
  );
}
