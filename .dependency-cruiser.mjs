// SPDX-License-Identifier: Apache-2.0
// The doors between the rooms of `src/`: who may import whom. The table is the rule; everything below it only unfolds it.

/** What a room shows to others, as patterns of paths. A room that is not named here shows all of itself under its name. */
const part = {
  'bus:address': '^src/bus/address[.]ts$',
  'bus:envelope': '^src/bus/envelope[.]ts$',
  'actors:protocol': '^src/actors/(?:[^/]+/protocol|protocols)[.]ts$',
  'stores:interfaces': '^src/stores/[^/]+[.]ts$',
  'stores:pure': '^src/stores/(?:records|session-state|fold[^/]*)[.]ts$',
  // How references to secrets are written; what resolves them asks nothing else of the configuration.
  'config:references': '^src/config/(?:references|secret-name)[.]ts$',
  // What the world is to those it is injected into; only who touches it himself may import more than the type.
  world: '^src/world[.]ts$',
};

/** Rows may import columns: `values` whatever they like, `types` with `import type` only. A room may import itself. */
const doors = {
  bus: { values: [], types: ['world'] },
  actors: {
    values: ['bus:address', 'bus:envelope', 'actors:protocol', 'agent', 'security', 'stores:interfaces'],
    types: ['providers', 'channels', 'plugins', 'web', 'config', 'world'],
  },
  agent: {
    values: ['security', 'stores:pure'],
    types: ['actors:protocol', 'providers', 'channels', 'stores:interfaces', 'web', 'config', 'world'],
  },
  security: { values: [], types: ['world'] },
  web: { values: [], types: ['config', 'world'] },
  embeddings: { values: [], types: [] },
  config: { values: [], types: ['world'] },
  secrets: { values: ['config:references'], types: ['config', 'world'] },
  providers: { values: [], types: ['actors:protocol', 'agent', 'secrets', 'config', 'world'] },
  channels: { values: [], types: ['actors:protocol', 'agent', 'secrets', 'config', 'world'] },
  mcp: { values: [], types: ['actors:protocol', 'secrets', 'config'] },
  stores: { values: [], types: ['config', 'world'] },
  plugins: {
    values: ['bus:address', 'actors:protocol', 'security'],
    types: ['agent', 'providers', 'channels', 'secrets', 'config', 'world'],
  },
  edge: {
    values: ['bus:address', 'bus:envelope', 'actors:protocol', 'security', 'stores:interfaces', 'config', 'world'],
    types: ['agent', 'providers', 'channels', 'plugins', 'secrets'],
  },
  cli: {
    values: [
      'bus:address',
      'bus:envelope',
      'actors:protocol',
      'security',
      'stores:interfaces',
      'secrets',
      'config',
      'world',
    ],
    types: ['agent', 'providers', 'channels', 'plugins'],
  },
};

/** The composition root: the only files that may import everything. */
const composition = '^src/(?:(?:main|pool|tree|gateway|world)[.]ts$|composition/|threads/)';
/** The registry of error codes is common ground: every room may import it, and it imports no room. */
const errors = '^src/(?:errors|free-space)[.]ts$';

const path = (name) => part[name] ?? `^src/${name}/`;

const roomRules = Object.entries(doors).flatMap(([room, { values, types }]) => {
  // The kinds of actors and the halves of stores are strangers to each other, so `self` is narrower there (see below).
  const inside = room === 'actors' || room === 'stores' ? [] : [`^src/${room}/`];
  const open = [errors, ...inside, ...values.map(path)];
  return [
    {
      name: `${room}: a door that is not there`,
      comment: `${room} may import ${[...values, ...types.map((type) => `types of ${type}`)].join(', ') || 'no other room'}.`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: {
        path: '^src/',
        pathNot: [...open, ...types.map(path), ...(inside.length > 0 ? [] : [`^src/${room}/`])],
      },
    },
    ...(types.length === 0
      ? []
      : [
          {
            name: `${room}: types only`,
            comment: `${room} may import these with \`import type\` only: ${types.join(', ')}.`,
            severity: 'error',
            from: { path: `^src/${room}/` },
            to: { path: types.map(path), pathNot: open, dependencyTypesNot: ['type-only', 'type-import'] },
          },
        ]),
  ];
});

const innerRules = [
  {
    name: 'actors: another kind only through its protocol',
    comment: 'A kind may import itself, the protocol of another kind and the files shared by all in src/actors/.',
    severity: 'error',
    from: { path: '^src/actors/([^/]+)/' },
    to: { path: '^src/actors/[^/]+/', pathNot: ['^src/actors/$1/', path('actors:protocol')] },
  },
  {
    name: 'actors: shared files know kinds by their protocol',
    comment: 'What is shared by all kinds may import their protocols, never a machine or an effect.',
    severity: 'error',
    from: { path: '^src/actors/[^/]+[.]ts$' },
    to: { path: '^src/actors/[^/]+/', pathNot: path('actors:protocol') },
  },
  {
    name: 'stores: an implementation is known to the composition root only',
    comment: 'sqlite/ and remote/ implement the interfaces; the interfaces do not know them.',
    severity: 'error',
    from: { path: '^src/stores/[^/]+[.]ts$' },
    to: { path: '^src/stores/[^/]+/' },
  },
  {
    name: 'stores: one implementation does not know the other',
    comment: 'What sqlite/ and remote/ share belongs beside the interfaces.',
    severity: 'error',
    from: { path: '^src/stores/([^/]+)/' },
    to: { path: '^src/stores/[^/]+/', pathNot: '^src/stores/$1/' },
  },
  {
    name: 'stores: only remote/ knows the bus',
    comment: 'remote/ carries the interfaces over the bus, so it may import address and envelope.',
    severity: 'error',
    from: { path: '^src/stores/', pathNot: '^src/stores/remote/' },
    to: { path: '^src/bus/' },
  },
];

const houseRules = [
  {
    name: 'no circle',
    comment: 'Of two files that need each other, something in one belongs in a third.',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'nothing unresolvable',
    comment: 'The module is not there, or its package is not a dependency.',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: 'errors.ts and free-space.ts import no room',
    comment: 'It is common ground; a room under it would be common ground too.',
    severity: 'error',
    from: { path: errors },
    to: { path: '^src/' },
  },
  {
    name: 'every file has a room',
    comment: 'A file in src/ lies in a room of the table or is one of the composition root.',
    severity: 'error',
    from: { path: '^src/', pathNot: [`^src/(?:${Object.keys(doors).join('|')})/`, composition, errors] },
    to: {},
  },
  {
    name: 'what runs does not import what tries it',
    comment: 'src/ knows nothing of test/, bench/, tools/ and the page in inspector/.',
    severity: 'error',
    from: { path: '^src/' },
    to: { path: '^(?:test|bench|tools|inspector)/' },
  },
  {
    name: 'the page knows the gateway by what it answers',
    comment: 'inspector/ runs in a browser: nothing of src/ does.',
    severity: 'error',
    from: { path: '^inspector/' },
    to: { path: '^(?:src|test|bench|tools)/' },
  },
  {
    name: 'nobody imports a test',
    comment: 'What two tests share is a file of its own beside them.',
    severity: 'error',
    from: {},
    to: { path: '[.]test[.]ts$' },
  },
  {
    name: 'what runs imports no tool',
    comment: 'A package that src/ needs belongs in dependencies, not in devDependencies.',
    severity: 'error',
    from: { path: '^src/' },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
  },
];

// `remote/` is the one place of stores with a door to the bus, so the general rule of stores leaves that door to its own.
for (const rule of roomRules) {
  if (rule.name.startsWith('stores: a door')) {
    rule.to.pathNot.push(path('bus:address'), path('bus:envelope'));
  }
}

export default {
  forbidden: [...houseRules, ...roomRules, ...innerRules],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(?:^|/)fixtures/|^dist/' },
    // Imports of types are doors as well: see them before they are stripped.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    parser: 'tsc',
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
    builtInModules: { add: ['node:sqlite', 'node:test'] },
  },
};
