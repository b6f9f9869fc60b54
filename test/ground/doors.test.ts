// SPDX-License-Identifier: Apache-2.0
// The doors between the rooms: the table's doors are open, and every other one is shut.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Findings, House } from './house.ts';

/** One file to import in each part of the house. */
const targets = {
  address: 'src/bus/address.ts',
  envelope: 'src/bus/envelope.ts',
  mailbox: 'src/bus/mailbox.ts',
  protocol: 'src/actors/session/protocol.ts',
  protocols: 'src/actors/protocols.ts',
  machine: 'src/actors/session/machine.ts',
  agent: 'src/agent/prompt.ts',
  security: 'src/security/scanner.ts',
  providers: 'src/providers/provider.ts',
  channels: 'src/channels/telegram/adapter.ts',
  interfaces: 'src/stores/journal.ts',
  records: 'src/stores/records.ts',
  fold: 'src/stores/fold-session.ts',
  sqlite: 'src/stores/sqlite/journal.ts',
  remote: 'src/stores/remote/journal.ts',
  plugins: 'src/plugins/manifest.ts',
  references: 'src/config/references.ts',
  config: 'src/config/schema.ts',
  secrets: 'src/secrets/redactor.ts',
  edge: 'src/edge/app.ts',
  cli: 'src/cli/status.ts',
  errors: 'src/errors.ts',
  world: 'src/world.ts',
  composition: 'src/composition/threads.ts',
  tests: 'test/flow/fakes.ts',
} as const;
type Target = keyof typeof targets;

const protocols: Target[] = ['protocol', 'protocols'];
const interfaces: Target[] = ['interfaces', 'records', 'fold'];

/** For each room the file that imports everything, and which of it may pass: as a value, or as a type only. */
const rooms: Record<string, { from: string; values: Target[]; types?: Target[] }> = {
  bus: { from: 'src/bus/port.ts', values: ['address', 'envelope', 'mailbox'], types: ['world'] },
  actors: {
    from: 'src/actors/gateway/machine.ts',
    values: ['address', 'envelope', ...protocols, 'agent', 'security', ...interfaces],
    types: ['providers', 'channels', 'plugins', 'references', 'config', 'world'],
  },
  'what all actors share': {
    from: 'src/actors/host.ts',
    values: ['address', 'envelope', ...protocols, 'agent', 'security', ...interfaces],
    types: ['providers', 'channels', 'plugins', 'references', 'config', 'world'],
  },
  agent: {
    from: 'src/agent/turn.ts',
    values: ['agent', 'security', 'records', 'fold'],
    types: [...protocols, 'providers', 'channels', 'interfaces', 'references', 'config', 'world'],
  },
  security: { from: 'src/security/rules.ts', values: ['security'], types: ['world'] },
  config: { from: 'src/config/load.ts', values: ['references', 'config'], types: ['world'] },
  secrets: { from: 'src/secrets/open.ts', values: ['references', 'secrets'], types: ['config', 'world'] },
  providers: {
    from: 'src/providers/openai.ts',
    values: ['providers'],
    types: [...protocols, 'agent', 'secrets', 'references', 'config', 'world'],
  },
  channels: {
    from: 'src/channels/irc/adapter.ts',
    values: ['channels'],
    types: [...protocols, 'agent', 'secrets', 'references', 'config', 'world'],
  },
  'stores, interfaces': { from: 'src/stores/views.ts', values: interfaces, types: ['references', 'config', 'world'] },
  'stores, sqlite': {
    from: 'src/stores/sqlite/views.ts',
    values: [...interfaces, 'sqlite'],
    types: ['references', 'config', 'world'],
  },
  'stores, remote': {
    from: 'src/stores/remote/views.ts',
    values: [...interfaces, 'remote', 'address', 'envelope'],
    types: ['references', 'config', 'world'],
  },
  plugins: {
    from: 'src/plugins/host.ts',
    values: ['plugins', 'address', ...protocols, 'security'],
    types: ['agent', 'providers', 'channels', 'secrets', 'references', 'config', 'world'],
  },
  edge: {
    from: 'src/edge/routes.ts',
    values: ['edge', 'address', 'envelope', ...protocols, 'security', ...interfaces, 'references', 'config', 'world'],
    types: ['agent', 'providers', 'channels', 'plugins', 'secrets'],
  },
  cli: {
    from: 'src/cli/chat.ts',
    values: [
      'cli',
      'address',
      'envelope',
      ...protocols,
      'security',
      ...interfaces,
      'references',
      'config',
      'secrets',
      'world',
    ],
    types: ['agent', 'providers', 'channels', 'plugins'],
  },
};
const everything = (Object.keys(targets) as Target[]).filter((target) => target !== 'tests');
for (const file of ['main', 'threads/lane', 'tree', 'gateway', 'composition/wiring']) {
  rooms[`composition, ${file}`] = { from: `src/${file}.ts`, values: everything };
}

const up = (from: string) => '../'.repeat(from.split('/').length - 1);
const asType = (from: string) => from.replace(/[.]ts$/, '-types.ts');

const files: Record<string, string> = {};
for (const file of Object.values(targets)) {
  files[file] = 'export type T = string;\nexport const v = 1;\n';
}
for (const { from } of Object.values(rooms)) {
  const paths = Object.values(targets).map((target) => up(from) + target);
  // A value beside a type in one import is an import of a value.
  files[from] = paths.map((path, i) => `import { type T as T${i}, v as v${i} } from '${path}';\n`).join('');
  // Both ways of writing an import of types, in turn.
  files[asType(from)] = paths
    .map((path, i) =>
      i % 2 === 0
        ? `import type { T as T${i} } from '${path}';
`
        : `import { type T as T${i} } from '${path}';
`,
    )
    .join('');
}
Object.assign(files, {
  'src/bus/circle-a.ts': "import './circle-b.ts';\n",
  'src/bus/circle-b.ts': "import './circle-a.ts';\n",
  'src/edge/lost.ts': "import './nowhere.ts';\n",
  'src/edge/tool.ts': "import 'vitest';\n",
  'src/attic/box.ts': "import '../errors.ts';\n",
  'test/flow/one.test.ts': '',
  'test/flow/two.test.ts': "import './one.test.ts';\n",
});
files['src/errors.ts'] += "import './world.ts';\n";

let house: House;
let found: Findings;
beforeAll(async () => {
  house = new House(files);
  found = await house.doors();
});
afterAll(() => house.remove());

/** The targets a file's imports were refused for. */
function refused(file: string): string[] {
  const shut = [...(found.get(file) ?? [])].map((finding) => finding.split(' → ')[1]);
  return everything.filter((target) => shut.includes(targets[target]));
}

describe.each(Object.entries(rooms))('%s', (_room, { from, values }) => {
  test('imports values through its doors only', () => {
    const open: Target[] = [...values, 'errors'];
    expect(refused(from)).toEqual(everything.filter((target) => !open.includes(target)));
  });

  test('does not import what tries it', () => {
    expect([...(found.get(from) ?? [])]).toContain(`what runs does not import what tries it → ${targets.tests}`);
  });
});

// In the root itself the file with the types is none of the few that may import everything, so only rooms are asked.
const withTypes = Object.entries(rooms).filter(([room]) => !room.startsWith('composition'));
test.each(withTypes)('%s imports types through its doors only', (_room, { from, values, types = [] }) => {
  const open: Target[] = [...values, ...types, 'errors'];
  expect(refused(asType(from))).toEqual(everything.filter((target) => !open.includes(target)));
});

const names = (file: string) => [...(found.get(file) ?? [])].map((finding) => finding.split(' → ')[0]);

test.each([
  ['src/bus/circle-a.ts', 'no circle'],
  ['src/edge/lost.ts', 'nothing unresolvable'],
  ['src/edge/tool.ts', 'what runs imports no tool'],
  ['src/attic/box.ts', 'every file has a room'],
  ['src/main-types.ts', 'every file has a room'],
  ['test/flow/two.test.ts', 'nobody imports a test'],
  ['src/errors.ts', 'errors.ts and free-space.ts import no room'],
])('%s fails: %s', (file, rule) => {
  expect(names(file)).toContain(rule);
});
