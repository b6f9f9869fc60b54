// SPDX-License-Identifier: Apache-2.0
// How bubblewrap is called: what a command in the sandbox sees, which is its own two empty directories and the system's programs.

/** Bytes of each directory it may write in; they are memory, and gone with it. */
const SCRATCH_BYTES = 64 * 1_048_576;
/** Of each process: KiB of address space, seconds of processor time, files open. */
const ADDRESS_SPACE_KIB = 1_048_576;
const CPU_SECONDS = 60;
const FILES_OPEN = 256;
/** Processes at once. */
const PROCESSES = 32;

/**
 * Run by the sandbox's own shell before the command: it is the first to go when the machine is out of memory, and has
 * limits. The number of processes has two names in the shells there are.
 */
const LIMITED = [
  'echo 1000 >/proc/self/oom_score_adj 2>/dev/null',
  `ulimit -c 0; ulimit -n ${FILES_OPEN}; ulimit -t ${CPU_SECONDS}; ulimit -v ${ADDRESS_SPACE_KIB}`,
  `ulimit -u ${PROCESSES} 2>/dev/null || ulimit -p ${PROCESSES}`,
  'exec /bin/sh -c "$1"',
].join('; ');

/** Looked up by programs of every kind, and no secret: which program a name means, where libraries are. */
const HARMLESS = ['/etc/alternatives', '/etc/ld.so.cache', '/etc/localtime'];
/** Where the system keeps programs, besides `/usr`: links into it, or on old systems directories. */
const MERGED = ['bin', 'sbin', 'lib', 'lib32', 'lib64'];

/** What `/bin` and its like are on this machine. */
export type TopDirectory = { readonly name: string } & (
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'directory' }
);

/** The names that {@link TopDirectory}s are looked for under. */
export const TOP_DIRECTORIES: readonly string[] = MERGED;

/** The arguments of `bwrap` for a command. */
export function bubblewrapArguments(command: string, top: readonly TopDirectory[]): readonly string[] {
  return [
    // Users, processes, network, host name, messages and control groups of its own, and no way to make more of them.
    ...['--unshare-user', '--unshare-all', '--disable-userns', '--cap-drop', 'ALL'],
    ...['--uid', '1000', '--gid', '1000', '--hostname', 'sandbox'],
    // It dies with who started it, and cannot type into their terminal.
    ...['--die-with-parent', '--new-session'],
    ...['--clearenv', '--setenv', 'PATH', '/usr/local/bin:/usr/bin:/bin', '--setenv', 'HOME', '/work'],
    ...['--setenv', 'LANG', 'C.UTF-8', '--setenv', 'TMPDIR', '/tmp'],
    ...['--ro-bind', '/usr', '/usr'],
    ...top.flatMap((of) =>
      of.kind === 'link' ? ['--symlink', of.target, `/${of.name}`] : ['--ro-bind', `/${of.name}`, `/${of.name}`],
    ),
    ...HARMLESS.flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...['--size', String(SCRATCH_BYTES), '--tmpfs', '/tmp', '--size', String(SCRATCH_BYTES), '--tmpfs', '/work'],
    ...['--chdir', '/work', '--', '/bin/sh', '-c', LIMITED, 'sandbox', command],
  ];
}
