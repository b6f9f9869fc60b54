// SPDX-License-Identifier: Apache-2.0
// Bundles what is published into dist/: Node strips no types inside node_modules, and a few files start faster than many.
// With `--test` it bundles the same for the test suite: the doors for tests stay open, and programs of the tests may be named.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, parse, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type OutputChunk, type Plugin, rolldown } from 'rolldown';
import { buildInspector } from './inspector.ts';
import {
  type ModuleGraph,
  type ModuleLinks,
  type Pieces,
  PROGRAM_PIECES,
  piecesOfProgram,
  piecesOfThread,
  THREAD_PIECES,
} from './pieces.ts';

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
  resolveId: {
    filter: { id: /^[^./]/ },
    handler: (id, _importer, { kind }) => (kind === 'dynamic-import' ? { id, external: true } : null),
  },
};

/** Messages of schemas are in English: the other forty languages are most of what the package weighs, and no setting asks for them. */
const englishSchemas: Plugin = {
  name: 'english-schemas',
  load: {
    filter: { id: /zod[\\/]v4[\\/]locales[\\/]index\.c?js$/ },
    handler: () => "export { default as en } from './en.js';",
  },
};

/** Where the folder is that SQLite's package looks for its binary from. */
const SQLITE_LIB = 'sigil:better-sqlite3/lib';

/** SQLite's package lies in twelve files, which every thread of a gateway reads. Only its binary stays where it was installed. */
const sqliteInOnePiece: Plugin = {
  name: 'sqlite-in-one-piece',
  resolveId: { filter: { id: /^sigil:/ }, handler: (id) => ({ id }) },
  load: {
    filter: { id: /^sigil:|better-sqlite3[\\/]lib[\\/]binding\.js$/ },
    handler: (id) => {
      if (id === SQLITE_LIB)
        return `import { createRequire } from 'node:module';
export const lib = createRequire(import.meta.url).resolve('better-sqlite3/package.json').replace(/package\\.json$/, 'lib');`;
      const text = readFileSync(id, 'utf8');
      if (!text.includes('__dirname')) throw new Error('better-sqlite3 no longer looks for its binary by __dirname');
      return text
        .replaceAll('__dirname', `require('${SQLITE_LIB}').lib`)
        .replace(/if \(require\.main === module\)[\s\S]*$/, '');
    },
  },
};

/** What the test suite starts is built, and still no build for others. */
const testDoors: Plugin = {
  name: 'test-doors',
  load: {
    filter: { id: /composition[\\/]published\.ts$/ },
    handler: () => 'export const PUBLISHED = false;',
  },
};

/** Cuts an entry into its pieces as soon as it is known what imports what. */
function cutting(cut: (graph: ModuleGraph) => Pieces): {
  readonly plugin: Plugin;
  readonly pieceOf: (module: string) => string | undefined;
} {
  let pieces: Pieces = new Map();
  const buildEnd: Plugin['buildEnd'] = function () {
    const modules = new Map<string, ModuleLinks>();
    for (const id of this.getModuleIds()) {
      const info = this.getModuleInfo(id);
      if (info !== null) modules.set(id, { imports: info.importedIds, lazy: info.dynamicallyImportedIds });
    }
    pieces = cut(modules);
  };
  return { plugin: { name: 'pieces', buildEnd }, pieceOf: (module) => pieces.get(module) };
}

rmSync(dist, { recursive: true, force: true });
// Each entry is built by itself. A thread shares no module with another anyway, and what is shared between files of one entry
// only makes fewer of them: every file a thread reads delays the start.
async function build(entry: string): Promise<readonly OutputChunk[]> {
  const name = nameOf(entry);
  const file = resolve(root, entry);
  const { plugin, pieceOf } = cutting((graph) =>
    name === 'main' ? piecesOfProgram(join(root, 'src/'), graph) : piecesOfThread(file, graph),
  );
  const names = name === 'main' ? PROGRAM_PIECES : THREAD_PIECES;
  const bundle = await rolldown({
    cwd: root,
    input: { [name]: file },
    platform: 'node',
    transform: { target: 'node24' },
    // Native addons, and packages that start files of their own by path. All of them are in `dependencies`.
    external: ['sqlite-vec', 'pino-pretty'],
    plugins: [lazyPackages, englishSchemas, sqliteInOnePiece, plugin, ...(values.test ? [testDoors] : [])],
    // What one entry reads lazily another reads at once.
    checks: { ineffectiveDynamicImport: false },
  });
  const { output } = await bundle.write({
    dir: dist,
    format: 'esm',
    // Everything lies flat in dist/, so a path relative to `import.meta.url` means the same in each file.
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    // What is imported lazily stays a file of its own, read only by those who need it.
    codeSplitting: {
      groups: names.map((piece, at) => ({
        name: name === 'main' ? piece : `${name}-${piece}`,
        test: (module) => pieceOf(module) === piece,
        // A piece takes what its modules import with it, unless an earlier one has that.
        priority: names.length - at,
      })),
    },
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
    keepNames: true,
    sourcemap: true,
    sourcemapExcludeSources: true,
  });
  await bundle.close();
  return output.filter((made) => made.type === 'chunk');
}

const built = entryPoints.map(build);
// The page it serves at /debug.
const page = buildInspector(join(dist, 'inspector'));
const outputs = (await Promise.all(built)).flat();

await page;

// A worker is started by its file's name, which a bundler does not follow: in dist/ it must not be the name of a source.
for (const file of readdirSync(dist).filter((name) => name.endsWith('.js'))) {
  if (/new URL\(["'`][^"'`]+\.ts["'`],\s*import\.meta\.url\)/.test(readFileSync(join(dist, file), 'utf8'))) {
    throw new Error(`dist/${file} names a .ts file by URL, which is not there once published`);
  }
}

const bytes = outputs.reduce((sum, { code }) => sum + Buffer.byteLength(code), 0);
process.stderr.write(
  `built ${outputs.length} files, ${Math.round(bytes / 1024)} KiB, from ${entryPoints.join(', ')}\n`,
);
