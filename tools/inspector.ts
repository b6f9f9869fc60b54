// SPDX-License-Identifier: Apache-2.0
// Bundles the actor inspector: one page, its script, the parts it loads when they are needed, its style, all under names made of
// their contents. `node tools/inspector.ts DIR` puts it there; a checkout's gateway runs that when somebody first opens the page.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'inspector');

/** Where the page's files are asked for. */
const ASSETS = '/debug/assets/';

/** Builds it into a directory, which is replaced whole when it is done: whoever reads meanwhile finds the one before. */
export async function buildInspector(into: string): Promise<void> {
  const making = `${into}.${process.pid}`;
  rmSync(making, { recursive: true, force: true });
  const assets = join(making, 'assets');
  mkdirSync(assets, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [join(source, 'main.tsx'), join(source, 'style.css'), join(source, 'icon.svg')],
    outdir: assets,
    outbase: source,
    publicPath: ASSETS,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome123', 'firefox121', 'safari17.5'],
    splitting: true,
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    loader: { '.svg': 'copy' },
    tsconfig: join(source, 'tsconfig.json'),
    minify: true,
    legalComments: 'linked',
    metafile: true,
    logLevel: 'warning',
  });
  const named = new Map(
    Object.entries(metafile.outputs).map(([file, { entryPoint }]) => [
      entryPoint === undefined ? file : relative('inspector', entryPoint),
      ASSETS + relative(assets, resolve(root, file)),
    ]),
  );
  // A copied file is no entry point of its own in the list.
  const icon = [...named.values()].find((url) => url.endsWith('.svg'));
  const page = readFileSync(join(source, 'index.html'), 'utf8').replaceAll(/\{\{(.+?)\}\}/g, (_, name: string) => {
    const url = name.endsWith('.svg') ? icon : named.get(name);
    if (url === undefined) throw new Error(`the page asks for ${name}, which was not built`);
    return url;
  });
  writeFileSync(join(making, 'index.html'), page);
  mkdirSync(dirname(into), { recursive: true });
  rmSync(into, { recursive: true, force: true });
  renameSync(making, into);
}

if (import.meta.main) {
  const [into] = process.argv.slice(2);
  if (into === undefined) throw new Error('usage: node tools/inspector.ts DIR');
  await buildInspector(resolve(into));
}
