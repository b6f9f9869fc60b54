// SPDX-License-Identifier: Apache-2.0
// Makes the broken configurations from the good one: `node test/config/broken/make.ts` writes cases.json. The same seed, the same file.
//
// What is to be said of each is known from the mistake that was made in it, and never from what the loader says.

import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigSchema } from '../../../src/config/schema.ts';
import { factsOf, type Schema, schemaAt, unwrap } from '../../../src/config/walk.ts';

/** One line of the good file that says something, with the path of its key. */
interface Line {
  /** From 1. */
  readonly at: number;
  readonly text: string;
  readonly path: readonly (string | number)[];
  /** What stands behind the colon or dash, without a comment. */
  readonly value: string;
}

/** A broken configuration: the good one with lines taken out at a line and others put there. */
export interface BrokenCase {
  readonly name: string;
  /** First line taken out, from 1; one past the last adds at the end. */
  readonly from: number;
  readonly out: number;
  /** Lines put there; `repeat` says of a line how often it stands there, and `bytes` that it is base64 of raw bytes. */
  readonly put: readonly (string | { readonly repeat: number; readonly text: string } | { readonly bytes: string })[];
  /** The line and key that must be named; an empty key is about the file itself. */
  readonly line: number;
  readonly key: string;
  /** Part of what must be told as allowed. */
  readonly allowed: string;
}

const SEED = 20_261_121;
const COUNT = 220;

/** Mulberry32: small, and the same everywhere. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const next = random(SEED);
const pick = <T>(from: readonly T[]): T => {
  const one = from[Math.floor(next() * from.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
};

const pathName = (path: readonly (string | number)[]): string =>
  path.reduce<string>((before, part) => {
    if (typeof part === 'number') return `${before}[${part}]`;
    if (!/^[A-Za-z0-9_:/-]+$/.test(part)) return `${before}[${JSON.stringify(part)}]`;
    return before === '' ? part : `${before}.${part}`;
  }, '');

const good = readFileSync(new URL('good.yaml', import.meta.url), 'utf8')
  .split('\n')
  .slice(0, -1);

/** The good file is plain enough to be read by its indentation alone. */
function read(): Line[] {
  const lines: Line[] = [];
  const stack: { readonly indent: number; readonly key: string | number }[] = [];
  const counts = new Map<string, number>();
  for (const [index, text] of good.entries()) {
    const found = /^(\s*)(- )?(?:([^\s:#][^:]*): ?)?(.*)$/.exec(text);
    if (found === null || text.startsWith('#')) continue;
    const [, space = '', dash, key, value = ''] = found;
    const indent = space.length;
    while ((stack.at(-1)?.indent ?? -1) >= indent) stack.pop();
    if (dash !== undefined) {
      const list = pathName(stack.map((one) => one.key));
      const at = counts.get(list) ?? 0;
      counts.set(list, at + 1);
      stack.push({ indent, key: at });
    }
    if (key !== undefined) stack.push({ indent: indent + (dash === undefined ? 0 : 2), key });
    lines.push({ at: index + 1, text, path: stack.map((one) => one.key), value });
  }
  return lines;
}

const lines = read();
const schemaOf = (path: readonly (string | number)[]): Schema | undefined => schemaAt(ConfigSchema, path);
const cases: BrokenCase[] = [];
const names = new Set<string>();

/** `platform` keys and secrets are entries' own matter; they are tried apart. */
const known = lines.filter(({ path }) => {
  const schema = schemaOf(path);
  const kind = schema === undefined ? 'free' : factsOf(schema)?.kind;
  return kind !== 'free' && kind !== 'secret' && kind !== 'env_map';
});

function add(name: string, edit: Omit<BrokenCase, 'name'>): void {
  if (names.has(name)) return;
  names.add(name);
  cases.push({ name, ...edit });
}

const withValue = ({ text, value }: Line, other: string): string => text.slice(0, text.length - value.length) + other;

/** Replaces the value of a line. */
function wrong(kind: string, line: Line, value: string, allowed: string, key = pathName(line.path)): void {
  const put = [withValue(line, value)];
  add(`${kind}: ${pathName(line.path)} is ${value}`, { from: line.at, out: 1, put, line: line.at, key, allowed });
}

const scalars = known.filter(({ value }) => value !== '');
const typed = (what: (schema: Schema) => boolean): Line[] =>
  scalars.filter(({ path }) => {
    const schema = schemaOf(path);
    return schema !== undefined && what(schema);
  });
const kindIs = (kind: string) => (schema: Schema) => factsOf(schema)?.kind === kind;
const plain = (type: new (...given: never[]) => unknown) => (schema: Schema) =>
  factsOf(schema) === undefined && unwrap(schema) instanceof type;

const durations = typed(kindIs('duration'));
const sizes = typed(kindIs('size'));
const numbers = typed(plain(z.ZodNumber));
const booleans = typed(plain(z.ZodBoolean));
const enums = typed(plain(z.ZodEnum));
const texts = typed((schema) => unwrap(schema) instanceof z.ZodString && factsOf(schema) === undefined);
const maps = known.filter(({ path, value }) => {
  const schema = schemaOf(path);
  return (
    value === '' && schema !== undefined && unwrap(schema) instanceof z.ZodObject && typeof path.at(-1) === 'string'
  );
});
const lists = scalars.filter(({ value }) => value.startsWith('['));

/** How many lines stand under a key. */
function below({ at, text }: Line): number {
  const indent = text.length - text.trimStart().length;
  const end = good.findIndex((other, index) => index >= at && other.length - other.trimStart().length <= indent);
  return (end < 0 ? good.length : end) - at;
}

/** One mistake of each kind, wherever the seed says. */
const MISTAKES: readonly (() => void)[] = [
  () =>
    wrong(
      'duration',
      pick(durations),
      pick(['5 minutes', '10 s', 'soon', '-5s', '1w', '1h30m', '""', 'true', '99999d', '[10s]']),
      'a duration such as',
    ),
  () =>
    wrong(
      'size',
      pick(sizes),
      pick(['25 megabytes', '1mb', '-1MB', '0', '9999TB', 'big', '{}', '1.5.5MB']),
      'a size such as',
    ),
  () =>
    wrong(
      'number',
      pick(numbers),
      pick(['many', '"5"', '-1', '1e99', '.inf', '.nan', '[1]', 'true', '{ a: 1 }']),
      'number from',
    ),
  () => wrong('boolean', pick(booleans), pick(['yes', 'on', '"true"', '1', '[]', 'maybe', 'False!']), 'true or false'),
  () => {
    const line = pick(enums);
    const value = pick([`${line.value}s`, line.value.toUpperCase(), '5', 'nonsense', '[x]']);
    wrong('choice', line, value, 'one of');
  },
  () => wrong('text', pick(texts), pick(['5', 'true', '[a]', '{ a: b }', '2026.5']), 'text'),
  () => {
    const line = pick(maps);
    const value = pick(['nonsense', '5', '[a, b]', 'true']);
    const put = [`${line.text} ${value}`];
    const edit = {
      from: line.at,
      out: 1 + below(line),
      put,
      line: line.at,
      key: pathName(line.path),
      allowed: 'a map',
    };
    add(`map: ${pathName(line.path)} is ${value}`, edit);
  },
  () => wrong('list', pick(lists), pick(['nonsense', '5', '{ a: b }', 'true']), 'a list'),
  () => {
    // A key with a slip of the finger, in the place of a good one or beside it.
    const line = pick(
      known.filter(
        ({ path }) =>
          typeof path.at(-1) === 'string' &&
          schemaOf(path.slice(0, -1)) !== undefined &&
          unwrap(schemaOf(path.slice(0, -1)) as Schema) instanceof z.ZodObject,
      ),
    );
    const key = String(line.path.at(-1));
    const slip = pick([
      `${key}s`,
      key.slice(1),
      `${key.slice(0, 1).toUpperCase()}${key.slice(1)}`,
      `x_${key}`,
      'constructor',
      'toString',
      '<<',
    ]);
    if (slip === '' || slip === key || schemaOf([...line.path.slice(0, -1), slip]) !== undefined) return;
    const indent = /^\s*(?:- )?/.exec(line.text)?.[0].length ?? 0;
    const put = [`${' '.repeat(indent)}${slip}: 1`];
    // Before the good one; in a list of maps the first key carries the dash, so behind it.
    const first = line.text.trimStart().startsWith('- ');
    if (first && line.value === '') return;
    const from = first ? line.at + 1 : line.at;
    add(`key: ${slip} beside ${pathName(line.path)}`, {
      from,
      out: 0,
      put,
      line: from,
      key: pathName([...line.path.slice(0, -1), slip]),
      allowed: 'the keys ',
    });
  },
  () => {
    const line = pick(scalars.filter(({ text }) => !text.trimStart().startsWith('- ')));
    add(`twice: ${pathName(line.path)}`, {
      from: line.at,
      out: 0,
      put: [line.text],
      line: line.at + 1,
      key: pathName(line.path),
      allowed: 'each key once',
    });
  },
  () => {
    const line = pick(lines.filter(({ text }) => /^\s/.test(text)));
    const put = [line.text.replace(/^ +/, '\t')];
    // A tab where a block goes on: the reader loses its place there or on the line before.
    add(`tab: before ${pathName(line.path)}`, {
      from: line.at,
      out: 1,
      put,
      line: line.at,
      key: '?',
      allowed: 'valid YAML',
    });
  },
];

const one = (path: string): Line => {
  const found = lines.find((line) => pathName(line.path) === path);
  if (found === undefined) throw new Error(`no line for ${path}`);
  return found;
};

/** Mistakes that belong to one place. */
function particular(): void {
  const listen = one('networking.listen');
  for (const value of [
    'nowhere',
    '"127.0.0.1"',
    '"127.0.0.1:99999"',
    '"300.1.1.1:80"',
    '":80"',
    '"[::1:80"',
    '18789',
    'http://127.0.0.1:1',
  ])
    wrong('address', listen, value, 'host:port');
  const proxy = one('networking.trusted_proxies[0]');
  for (const value of ['10.0.0.0/33', '10.0.0/8', 'localhost', 'fd00::/129', '256.1.1.1'])
    wrong('network', proxy, value, 'a network such as');
  wrong(
    'origin',
    one('networking.cors_origins'),
    '[https://chat.example.org/path]',
    'an origin',
    'networking.cors_origins[0]',
  );
  wrong(
    'origin',
    one('networking.cors_origins'),
    '[ftp://chat.example.org]',
    'an origin',
    'networking.cors_origins[0]',
  );
  wrong('host', one('networking.allowed_hosts'), '["a b"]', 'a host name', 'networking.allowed_hosts[0]');
  for (const value of ['ftp://x', 'not a url', 'https://'])
    wrong('url', one('providers.anthropic.endpoint'), value, 'http:// or https://');
  wrong('url', one('telemetry.otlp_endpoint'), 'localhost:4318', 'http:// or https://');
  wrong('url', one('cluster.nats.servers'), '[http://x]', 'nats://', 'cluster.nats.servers[0]');
  wrong('empty', one('cluster.nats.servers'), '[]', 'a list');
  for (const value of ['gpt-4', '/x', 'a /b']) wrong('model', one('models.default'), value, 'provider/model');
  wrong('model', one('models.failover'), '[offline]', 'provider/model', 'models.failover[0]');
  wrong('threads', one('gateway.threads'), '0', 'auto, or a whole number');
  wrong('threads', one('gateway.threads'), '257', 'auto, or a whole number');
  wrong('threads', one('gateway.threads'), 'all', 'auto, or a whole number');
  wrong('id', one('users[0].id'), 'Anna', 'an id of lowercase');
  wrong('id', one('users[0].id'), '""', 'an id of lowercase');
  wrong('id', one('users[1].id'), 'anna', 'each only once');
  wrong(
    'pattern',
    one('workspaces.homelab.tools.allow'),
    '["tool. *"]',
    'a pattern',
    'workspaces.homelab.tools.allow[0]',
  );
  wrong(
    'permission',
    one('auth.tokens[0].permissions'),
    '["admin debug"]',
    'a permission',
    'auth.tokens[0].permissions[0]',
  );
  wrong('media type', one('attachments.types'), '[png]', 'a media type', 'attachments.types[0]');
  wrong('no reference', one('agent.persona'), '${NOT_SET_ANYWHERE}', 'NOT_SET_ANYWHERE set in the environment');
  wrong('no reference', one('agent.persona'), 'file:///does/not/exist', 'a file this user may read');
  wrong('no reference', one('agent.persona'), 'keyring://sigil/persona', 'a plain value');
  wrong('no reference', one('networking.mode'), '${not a name}', '${NAME}');
  wrong('no reference', one('models.default'), '${OPEN', '${NAME}');
  wrong('hidden', one('auth.tokens[0].token'), '"***"', 'text, ${NAME}');
  wrong('empty secret', one('auth.tokens[0].token'), '""', 'text, ${NAME}');
  wrong('secret', one('auth.tokens[0].token'), '12345', 'text, ${NAME}');
  wrong('secret', one('providers.anthropic.api_key'), '[a]', 'text, ${NAME}');
  wrong('variable', one('mcp.files.env.ROOT'), '5', 'text, ${NAME}');
  const homelab = one('workspaces.homelab');
  for (const name of ['Home Lab', '"-x"', '""', '"a/b"', "'../up'"]) {
    const key = `workspaces[${JSON.stringify(name.replaceAll(/["']/g, ''))}]`;
    const plainKey = name === '"-x"' ? 'workspaces.-x' : name === '"a/b"' ? 'workspaces.a/b' : key;
    add(`name: a workspace ${name}`, {
      from: homelab.at,
      out: 1,
      put: [`  ${name}:`],
      line: homelab.at,
      key: plainKey,
      allowed: 'an id of lowercase',
    });
  }
  const anthropic = one('providers.anthropic');
  for (const [name, key] of [
    ['"a/b"', 'providers.a/b'],
    ['".x"', 'providers[".x"]'],
    ['""', 'providers[""]'],
  ] as const)
    add(`name: a provider ${name}`, {
      from: anthropic.at,
      out: 1,
      put: [`  ${name}:`],
      line: anthropic.at,
      key,
      allowed: 'a name of letters',
    });
  for (const [at, path] of [
    [anthropic, 'providers'],
    [homelab, 'workspaces'],
    [one('tools.web_fetch'), 'tools'],
  ] as const)
    add(`prototype: ${path}`, {
      from: at.at,
      out: 0,
      put: ['  __proto__: { enabled: true }'],
      line: at.at,
      key: `${path}.__proto__`,
      allowed: 'another name',
    });
  add('prototype: at the top', {
    from: 2,
    out: 0,
    put: ['__proto__: { auth: { mode: none } }'],
    line: 2,
    key: '__proto__',
    allowed: 'another name',
  });
  add('prototype: constructor at the top', {
    from: 2,
    out: 0,
    put: ['constructor: { prototype: {} }'],
    line: 2,
    key: 'constructor',
    allowed: 'the keys ',
  });
  add('merge: a merge key', {
    from: 13,
    out: 0,
    put: ['<<: { mode: none }'],
    line: 13,
    key: '["<<"]',
    allowed: 'the keys ',
  });
  const mode = one('auth.mode');
  add('contradiction: none for strangers', {
    from: 4,
    out: 11,
    put: ['  listen: "0.0.0.0:18789"', 'auth:', '  mode: none'],
    line: 6,
    key: 'auth.mode',
    allowed: 'token, or none with a loopback',
  });
  for (const tag of ['!secret', '!!binary', '!!set', '!include', '!!js/function', '!<tag:example.org,2026:x>'])
    add(`tag: ${tag}`, {
      from: mode.at,
      out: 1,
      put: [`  mode: ${tag} token`],
      line: mode.at,
      key: 'auth.mode',
      allowed: 'values without a tag',
    });
  add('alias: to nothing', {
    from: mode.at,
    out: 1,
    put: ['  mode: *mode'],
    line: mode.at,
    key: 'auth.mode',
    allowed: 'the name of an anchor',
  });
  add('alias: before its anchor', {
    from: mode.at,
    out: 1,
    put: ['  mode: *later'],
    line: mode.at,
    key: 'auth.mode',
    allowed: 'the name of an anchor',
  });
  const bomb = [
    'x: &a [l, l, l, l, l, l, l, l, l, l]',
    'y: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]',
    'z: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]',
    'w: [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]',
  ];
  add('bomb: aliases of aliases', {
    from: 2,
    out: 0,
    put: bomb,
    line: 3,
    key: 'y[0]',
    allowed: 'at most 100 values by aliases',
  });
  add('bomb: itself', { from: 2, out: 0, put: ['x: &a [*a]'], line: 2, key: 'x', allowed: 'the keys ' });
  const end = good.length + 1;
  const whole = { from: 1, out: good.length };
  for (const [name, put] of [
    ['a list', ['- a', '- b']],
    ['a text', ['nothing but words']],
    ['a number', ['42']],
    ['true', ['true']],
    ['an empty list', ['[]']],
  ] as const)
    add(`root: ${name}`, { ...whole, put, line: 1, key: '', allowed: 'a map of keys' });
  add('root: two documents', {
    from: end,
    out: 0,
    put: ['---', 'logging: {}'],
    line: end,
    key: '?',
    allowed: 'valid YAML',
  });
  add('text: NUL', {
    from: mode.at,
    out: 1,
    put: ['  mode: to\u0000ken'],
    line: mode.at,
    key: '',
    allowed: 'text without it',
  });
  add('text: a bell', {
    from: mode.at,
    out: 1,
    put: ['  mode: to\u0007ken'],
    line: mode.at,
    key: '',
    allowed: 'text without it',
  });
  add('text: an escape', { from: 1, out: 1, put: ['# \u001b[31mred'], line: 1, key: '', allowed: 'text without it' });
  add('text: a byte order mark in the middle', {
    from: mode.at,
    out: 1,
    put: ['  \ufeffmode: token'],
    line: mode.at,
    key: '',
    allowed: 'text without it',
  });
  const bytes = (...of: number[]) => ({ bytes: Buffer.from(of).toString('base64') });
  add('bytes: Latin-1', {
    from: mode.at,
    out: 1,
    put: [bytes(0x20, 0x20, 0x23, 0x20, 0xe9, 0x74, 0xe9)],
    line: mode.at,
    key: '',
    allowed: 'UTF-8',
  });
  add('bytes: UTF-16', {
    ...whole,
    put: [bytes(0xff, 0xfe, 0x61, 0, 0x3a, 0, 0x20, 0, 0x31, 0)],
    line: 1,
    key: '',
    allowed: 'UTF-8',
  });
  add('bytes: a program', {
    ...whole,
    put: [bytes(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0)],
    line: 1,
    key: '',
    allowed: 'text without it',
  });
  add('bytes: cut short in a letter', {
    from: end,
    out: 0,
    put: [bytes(0x23, 0xe2, 0x82)],
    line: end,
    key: '',
    allowed: 'UTF-8',
  });
  add('huge: a comment without end', {
    from: 1,
    out: 1,
    put: [{ repeat: 80_000, text: '# nothing at all, but a great deal of it, again and again' }],
    line: 1,
    key: '',
    allowed: 'at most 4 MB',
  });
  add('deep: lists in lists', {
    from: end,
    out: 0,
    put: [`x: ${'['.repeat(5_000)}`],
    line: end,
    key: '',
    allowed: 'at most 200 levels',
  });
  add('deep: maps in maps', {
    from: end,
    out: 0,
    put: [`x: ${'{a: '.repeat(5_000)}`],
    line: end,
    key: '',
    allowed: 'at most 200 levels',
  });
  add('deep: dashes', {
    from: end,
    out: 0,
    put: ['x:', `  ${'- '.repeat(5_000)}a`],
    line: end + 1,
    key: '',
    allowed: 'at most 200 levels',
  });
  add('deep: beyond any shape', {
    from: end,
    out: 0,
    put: [`plugins: { config: { a: ${'{ b: '.repeat(60)}1${' }'.repeat(60)} } }`],
    line: end,
    key: '?',
    allowed: 'at most 48 levels',
  });
  add('yaml: an open quote', {
    from: mode.at,
    out: 1,
    put: ['  mode: "token'],
    line: mode.at,
    key: '?',
    allowed: 'valid YAML',
  });
  add('yaml: an open bracket', {
    from: one('attachments.types').at,
    out: 1,
    put: ['  types: [image/*'],
    line: one('attachments.types').at,
    key: '?',
    allowed: 'valid YAML',
  });
  add('yaml: an open brace', {
    from: one('tools').at,
    out: 3,
    put: ['tools: { web_fetch: { enabled: true }'],
    line: one('tools').at,
    key: '?',
    allowed: 'valid YAML',
  });
  add('yaml: two values', {
    from: mode.at,
    out: 1,
    put: ['  mode: a: b'],
    line: mode.at,
    key: 'auth.mode',
    allowed: 'valid YAML',
  });
  add('yaml: a reserved sign', {
    from: mode.at,
    out: 1,
    put: ['  mode: @token'],
    line: mode.at,
    key: 'auth.mode',
    allowed: 'valid YAML',
  });
  add('yaml: a percent sign', {
    from: mode.at,
    out: 1,
    put: ['  mode: %token'],
    line: mode.at,
    key: 'auth.mode',
    allowed: 'valid YAML',
  });
  add('yaml: a backquote', {
    from: mode.at,
    out: 1,
    put: ['  mode: `token`'],
    line: mode.at,
    key: 'auth.mode',
    allowed: 'valid YAML',
  });
  add('yaml: a bad escape', {
    from: mode.at,
    out: 1,
    put: ['  mode: "\\q"'],
    line: mode.at,
    key: 'auth.mode',
    allowed: 'valid YAML',
  });
  add('yaml: a comma too many', {
    from: one('attachments.types').at,
    out: 1,
    put: ['  types: [image/*,, audio/*]'],
    line: one('attachments.types').at,
    key: '?',
    allowed: 'valid YAML',
  });
  add('yaml: a key that is a list', {
    from: 2,
    out: 0,
    put: ['? [a, b]', ': c'],
    line: 2,
    key: '',
    allowed: 'text as a key',
  });
  add('yaml: words without a key', {
    from: 13,
    out: 0,
    put: ['just words'],
    line: 13,
    key: '?',
    allowed: 'valid YAML',
  });
  add('indent: one space too many', {
    from: mode.at,
    out: 1,
    put: ['  mode: token', '   extra: 1'],
    line: mode.at,
    key: '?',
    allowed: 'valid YAML',
  });
  add('indent: one space too few', {
    from: mode.at,
    out: 1,
    put: [' mode: token'],
    line: mode.at,
    key: '?',
    allowed: 'valid YAML',
  });
  add('indent: under nothing', {
    from: mode.at,
    out: 1,
    put: ['mode: token'],
    line: mode.at,
    key: 'mode',
    allowed: 'valid YAML',
  });
}

particular();
for (let tried = 0; cases.length < COUNT && tried < 10_000; tried++) pick(MISTAKES)();
if (cases.length < COUNT) throw new Error(`only ${cases.length} cases`);
writeFileSync(new URL('cases.json', import.meta.url), `[\n${cases.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`);
process.stdout.write(`${cases.length} cases\n`);
