// SPDX-License-Identifier: Apache-2.0
// Which modules lie in one file of the published program: what is always read together, since to find, read and link a file
// costs a start more than what stands in it. What is seldom needed stays apart.

/** The modules of one entry, by their paths. */
export interface ModuleGraph {
  readonly modules: ReadonlyMap<string, ModuleLinks>;
}

export interface ModuleLinks {
  /** What it cannot do without. */
  readonly imports: readonly string[];
  /** What it reads when it is needed. */
  readonly lazy: readonly string[];
}

export interface Piece {
  readonly name: string;
  readonly modules: ReadonlySet<string>;
}

/** A module that so many short commands share lies with what they all share. */
const SHARED_BY = 4;

/** These modules and all they cannot do without. */
function reach({ modules }: ModuleGraph, from: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const left = [...from];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const links = modules.get(next);
    if (links === undefined || reached.has(next)) continue;
    reached.add(next);
    left.push(...links.imports);
  }
  return reached;
}

/** A thread reads all it cannot do without, and little else. @param entry stays a file of its own, which only begins the rest */
export function piecesOfThread(name: string, entry: string, graph: ModuleGraph): readonly Piece[] {
  const modules = reach(graph, [entry]);
  modules.delete(entry);
  return [{ name: `${name}-core`, modules }];
}

/**
 * The program is a hundred short commands, most of which only ask a running gateway, some that read the configuration, and a
 * gateway: a command reads the pieces before its own, and nothing of a later one's.
 *
 * @param source the folder of the sources, with a slash at its end
 */
export function piecesOfProgram(source: string, graph: ModuleGraph): readonly Piece[] {
  const at = (...files: readonly string[]): Set<string> =>
    reach(
      graph,
      files.map((file) => {
        if (!graph.modules.has(source + file)) throw new Error(`there is no ${file} for tools/pieces.ts to begin with`);
        return source + file;
      }),
    );
  const lazy = new Set([...graph.modules.values()].flatMap((links) => links.lazy));
  const commands = [...lazy].filter((module) => module.startsWith(`${source}cli/`));
  const start = at('cli/start.ts');
  const gateway = at(
    'gateway.ts',
    'composition/early-threads.ts',
    'composition/known-types.ts',
    'composition/reload/reloader.ts',
  );
  const shared = new Map<string, number>();
  const heavy = new Set<string>();
  for (const command of commands) {
    const reached = reach(graph, [command]);
    const reads = [...reached].some((module) => module === `${source}config/schema.ts`);
    if (!reads) for (const module of reached) shared.set(module, (shared.get(module) ?? 0) + 1);
    // The two that are or may become a gateway read all of it anyway.
    else if (!/\/(?:start|chat)\.ts$/.test(command)) for (const module of reached) heavy.add(module);
  }
  const client = [...shared].filter(([, count]) => count >= SHARED_BY).map(([module]) => module);
  // The first to name a module has it.
  const taken = new Set([`${source}main.ts`]);
  const piece = (name: string, modules: Iterable<string>): Piece => {
    const own = new Set([...modules].filter((module) => !taken.has(module)));
    for (const module of own) taken.add(module);
    return { name, modules: own };
  };
  return [
    piece('version', at('cli/version.ts')),
    piece('program', at('main.ts', 'cli/program.ts', 'secrets/redactor.ts')),
    piece('client', client),
    piece('config', start),
    piece(
      'offline',
      [...gateway].filter((module) => heavy.has(module)),
    ),
    piece('gateway', gateway),
  ];
}
