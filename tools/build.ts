// SPDX-License-Identifier: Apache-2.0
// Bundles what is published into dist/: Node strips no types inside node_modules, and a few files start faster than many.
// With `--test` it bundles the same for the test suite: the doors for tests stay open, and programs of the tests may be named.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, parse, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, type Plugin } from 'esbuild';
import { buildInspector } from './inspector.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
// `node tools/build.ts DIR` puts it elsewhere: tests try what is published without touching what lies here.
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { test: { type: 'boolean', default: false } },
});
const [where = 'dist', ...programs] = positionals;
const dist = resolve(root, where);
const threads = readdirSync(join(root, 'src/threads')).map((file) => `src/threads/${file}`);
const entryPoints = ['src/main.ts', 'src/pool.ts', ...threads, ...programs];
/** A thread's file is named for what it is: all of them lie in one folder. */
const nameOf = (entry: string): string => `${entry.startsWith('src/threads/') ? 'thread-' : ''}${parse(entry).name}`;

/**
 * A package that one of our files imports lazily stays a package: it is read as seldom as before, and only Node gives the
 * named exports of a CommonJS package to `import()`. What a lazily imported file of ours imports is bundled with it.
 */
const lazyPackages: Plugin = {
  name: 'lazy-packages',
  setup(hooks) {
    hooks.onResolve({ filter: /^[^./]/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
  },
};

/** Messages of schemas are in English: the other forty languages are most of what the package weighs, and no setting asks for them. */
const englishSchemas: Plugin = {
  name: 'english-schemas',
  setup(hooks) {
    hooks.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.c?js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/** What the test suite starts is built, and still no build for others. */
const testDoors: Plugin = {
  name: 'test-doors',
  setup(hooks) {
    hooks.onLoad({ filter: /composition[\\/]published\.ts$/ }, () => ({ contents: 'export const PUBLISHED = false;' }));
  },
};

rmSync(dist, { recursive: true, force: true });
// Each entry is built by itself. A thread shares no module with another anyway, and what is shared between files of one entry
// only makes fewer of them: every file a thread reads delays the start.
const built = entryPoints.map((entry) =>
  build({
    absWorkingDir: root,
    entryPoints: [{ in: entry, out: nameOf(entry) }],
    outdir: dist,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // What is imported lazily stays a file of its own, read only by those who need it.
    splitting: true,
    // Everything lies flat in dist/, so a path relative to `import.meta.url` means the same in each file.
    chunkNames: '[name]-[hash]',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'linked',
    metafile: true,
    logLevel: 'warning',
    // Native addons, and packages that start files of their own by path. All of them are in `dependencies`.
    external: ['better-sqlite3', 'sqlite-vec', 'pino-pretty'],
    plugins: [lazyPackages, englishSchemas, ...(values.test ? [testDoors] : [])],
    // CommonJS packages inside an ES module still ask for `require`.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  }),
);
// The page it serves at /debug.
const page = buildInspector(join(dist, 'inspector'));
const metafiles = (await Promise.all(built)).map(({ metafile }) => metafile);

await page;

// A worker is started by its file's name, which a bundler does not follow: in dist/ it must not be the name of a source.
for (const file of readdirSync(dist).filter((name) => name.endsWith('.js'))) {
  if (/new URL\(["'`][^"'`]+\.ts["'`],\s*import\.meta\.url\)/.test(readFileSync(join(dist, file), 'utf8'))) {
    throw new Error(`dist/${file} names a .ts file by URL, which is not there once published`);
  }
}

const outputs = metafiles.flatMap(({ outputs: made }) => Object.entries(made)).filter(([name]) => name.endsWith('.js'));
const bytes = outputs.reduce((sum, [, output]) => sum + output.bytes, 0);
process.stderr.write(
  `built ${outputs.length} files, ${Math.round(bytes / 1024)} KiB, from ${entryPoints.join(', ')}\n`,
);
