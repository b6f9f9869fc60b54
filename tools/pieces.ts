// SPDX-License-Identifier: Apache-2.0
// Which modules lie in one file of the published program: what is always read together, since to find, read and link a file
// costs a start more than what stands in it. What is seldom needed stays apart.

/** The modules of one entry, by their paths. */
export type ModuleGraph = ReadonlyMap<string, ModuleLinks>;

export interface ModuleLinks {
  /** What it cannot do without. */
  readonly imports: readonly string[];
  /** What it reads when it is needed. */
  readonly lazy: readonly string[];
}

/** The name of the piece each module lies in; what is in none lies where its users are. */
export type Pieces = ReadonlyMap<string, string>;

/** What a command reads is in the order of these. */
export const PROGRAM_PIECES = ['version', 'program', 'threads', 'client', 'config', 'offline', 'gateway'] as const;

export const THREAD_PIECES = ['core'] as const;

/** A module that so many short commands share lies with what they all share. */
const SHARED_BY = 4;

/** These modules and all they cannot do without. */
function reach(graph: ModuleGraph, from: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const left = [...from];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const links = graph.get(next);
    if (links === undefined || reached.has(next)) continue;
    reached.add(next);
    left.push(...links.imports);
  }
  return reached;
}

/** A thread reads all it cannot do without, and little else. @param entry stays a file of its own, which only begins the rest */
export function piecesOfThread(entry: string, graph: ModuleGraph): Pieces {
  const pieces = new Map<string, (typeof THREAD_PIECES)[number]>();
  for (const module of reach(graph, [entry])) if (module !== entry) pieces.set(module, 'core');
  return pieces;
}

/**
 * The program is a hundred short commands, most of which only ask a running gateway, some that read the configuration, and a
 * gateway: a command reads the pieces before its own, and nothing of a later one's.
 *
 * @param source the folder of the sources, with a slash at its end
 */
export function piecesOfProgram(source: string, graph: ModuleGraph): Pieces {
  const at = (...files: readonly string[]): Set<string> =>
    reach(
      graph,
      files.map((file) => {
        if (!graph.has(source + file)) throw new Error(`there is no ${file} for tools/pieces.ts to begin with`);
        return source + file;
      }),
    );
  const lazy = new Set([...graph.values()].flatMap((links) => links.lazy));
  const commands = [...lazy].filter((module) => module.startsWith(`${source}cli/`));
  const start = at('cli/start.ts');
  const gateway = at('gateway.ts', 'composition/known-types.ts', 'composition/reload/reloader.ts');
  const shared = new Map<string, number>();
  const heavy = new Set<string>();
  for (const command of commands) {
    const reached = reach(graph, [command]);
    const configured = reached.has(`${source}config/schema.ts`);
    if (!configured) for (const module of reached) shared.set(module, (shared.get(module) ?? 0) + 1);
    // The two that are or may become a gateway read all of it anyway.
    else if (!/\/(?:start|chat)\.ts$/.test(command)) for (const module of reached) heavy.add(module);
  }
  const client = [...shared].filter(([, count]) => count >= SHARED_BY).map(([module]) => module);
  const modules: Readonly<Record<(typeof PROGRAM_PIECES)[number], Iterable<string>>> = {
    version: at('cli/version.ts'),
    program: at('main.ts', 'cli/program.ts', 'secrets/redactor.ts'),
    // They load beside what comes after them.
    threads: at('composition/early-threads.ts'),
    client,
    config: start,
    offline: [...gateway].filter((module) => heavy.has(module)),
    gateway,
  };
  const pieces = new Map<string, string>();
  for (const name of PROGRAM_PIECES)
    for (const module of modules[name])
      if (module !== `${source}main.ts` && !pieces.has(module)) pieces.set(module, name);
  return pieces;
}
