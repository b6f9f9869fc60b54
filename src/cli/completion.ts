// SPDX-License-Identifier: Apache-2.0
// `sigil completion SHELL`: a completion script that holds the whole command tree, so that completing starts no process.

import type { Command } from 'commander';
import { ConfigSchema } from '../config/schema.ts';
import { childOf, keysOf, type Schema } from '../config/walk.ts';
import { type CommandRun, type OptionFacts, pathOf, shownOptions } from './command.ts';

/** A place in the tree: the words typed so far, and what may follow. */
interface Place {
  /** The words joined by spaces; empty for the program alone. */
  readonly path: string;
  readonly words: readonly { readonly name: string; readonly help: string }[];
  readonly options: readonly OptionFacts[];
}

/** The commands whose first argument is a key of the configuration. */
const TAKE_KEY: ReadonlySet<string> = new Set(['config get', 'config set', 'config unset']);

/** The keys that are always there, those above single values included. */
function configKeys(schema: Schema, above = ''): { readonly name: string; readonly help: string }[] {
  return keysOf(schema).flatMap((key) => {
    const child = childOf(schema, key);
    const name = above === '' ? key : `${above}.${key}`;
    return [{ name, help: '' }, ...(child === undefined ? [] : configKeys(child.schema, name))];
  });
}

function placesOf(program: Command, command: Command = program): Place[] {
  const path = pathOf(command).join(' ');
  // `help` is completed like the program itself.
  const children = path === 'help' ? program.commands : command.commands;
  const choices = command.registeredArguments[0]?.argChoices ?? [];
  const own = command === program ? [] : shownOptions(command);
  const place = {
    path,
    words: [
      ...children.map((child) => ({ name: child.name(), help: child.summary() })),
      ...choices.map((name) => ({ name, help: '' })),
      ...(TAKE_KEY.has(path) ? configKeys(ConfigSchema) : []),
    ],
    options: [...own, ...shownOptions(program)],
  };
  return [place, ...command.commands.flatMap((child) => placesOf(program, child))];
}

const flagsOf = ({ name, short }: OptionFacts): string[] => [
  `--${name}`,
  ...(short === undefined ? [] : [`-${short}`]),
];

/** All options of the tree that take a value, once each. */
function valueOptions(places: readonly Place[]): OptionFacts[] {
  const byName = new Map(places.flatMap(({ options }) => options).map((option) => [option.name, option] as const));
  return [...byName.values()].filter(({ value }) => value !== undefined);
}

/** Words for a shell's single quotes. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** `case` lines that find where in the tree the typed words lead; bash and zsh share the grammar. */
function walkingCases(places: readonly Place[]): string {
  return places
    .filter(({ path }) => path !== '')
    .map(({ path }) => {
      const words = path.split(' ');
      return `      ${quoted(`${words.slice(0, -1).join(' ')}/${words.at(-1)}`)}) at=${quoted(path)} ;;`;
    })
    .join('\n');
}

function valueCases(
  places: readonly Place[],
  file: string,
  directory: string,
  words: (list: string) => string,
): string {
  return valueOptions(places)
    .map(({ name, complete }) => {
      const action =
        complete === 'file'
          ? file
          : complete === 'directory'
            ? directory
            : Array.isArray(complete)
              ? words(complete.join(' '))
              : ':';
      return `    --${name}) ${action}; return ;;`;
    })
    .join('\n');
}

function offerCases(places: readonly Place[]): string {
  return places
    .map(({ path, words, options }) => {
      const flags = options.flatMap(flagsOf).join(' ');
      return `    ${quoted(path)}) words=${quoted(words.map(({ name }) => name).join(' '))} flags=${quoted(flags)} ;;`;
    })
    .join('\n');
}

function bashScript(places: readonly Place[]): string {
  const takesValue = valueOptions(places)
    .map(({ name }) => `--${name}`)
    .join('|');
  return `# bash completion for sigil; load it with: source <(sigil completion bash)
_sigil() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev='' at='' words='' flags='' word='' i
  COMPREPLY=()
  (( COMP_CWORD > 0 )) && prev=\${COMP_WORDS[COMP_CWORD-1]}
  case $prev in
${valueCases(
  places,
  'COMPREPLY=($(compgen -f -- "$cur"))',
  'COMPREPLY=($(compgen -d -- "$cur"))',
  (list) => `COMPREPLY=($(compgen -W ${quoted(list)} -- "$cur"))`,
)}
  esac
  for (( i = 1; i < COMP_CWORD; i++ )); do
    word=\${COMP_WORDS[i]}
    case $word in
      ${takesValue}) (( i++ )); continue ;;
      -*) continue ;;
    esac
    case $at/$word in
${walkingCases(places)}
    esac
  done
  case $at in
${offerCases(places)}
  esac
  if [[ $cur == -* ]]; then words=$flags; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _sigil sigil
`;
}

function zshScript(places: readonly Place[]): string {
  const takesValue = valueOptions(places)
    .map(({ name }) => `--${name}`)
    .join('|');
  return `#compdef sigil
# zsh completion for sigil; load it with: source <(sigil completion zsh)
_sigil() {
  local cur=\${words[CURRENT]} prev='' at='' word='' i
  local offered='' flags=''
  (( CURRENT > 1 )) && prev=\${words[CURRENT-1]}
  case $prev in
${valueCases(places, '_files', '_files -/', (list) => `compadd -- ${list}`)}
  esac
  for (( i = 2; i < CURRENT; i++ )); do
    word=\${words[i]}
    case $word in
      ${takesValue}) (( i++ )); continue ;;
      -*) continue ;;
    esac
    case $at/$word in
${walkingCases(places)}
    esac
  done
  case $at in
${offerCases(places).replaceAll(' words=', ' offered=').replaceAll(') words=', ') offered=')}
  esac
  if [[ $cur == -* ]]; then offered=$flags; fi
  [[ -n $offered ]] && compadd -- \${=offered}
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _sigil "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
  compdef _sigil sigil
fi
`;
}

function fishScript(places: readonly Place[]): string {
  const takesValue = valueOptions(places)
    .map(({ name }) => `--${name}`)
    .join(' ');
  const paths = places
    .filter(({ path }) => path !== '')
    .map(({ path }) => quoted(path))
    .join(' ');
  const lines = [
    '# fish completion for sigil; load it with: sigil completion fish | source',
    'function __sigil_at',
    `  set -l known ${paths}`,
    "  set -l at ''",
    '  set -l skip 0',
    '  for word in (commandline -opc)[2..-1]',
    '    if test $skip = 1',
    '      set skip 0',
    `    else if contains -- $word ${takesValue}`,
    '      set skip 1',
    "    else if not string match -q -- '-*' $word",
    '      set -l next (string trim "$at $word")',
    '      contains -- "$next" $known; and set at $next',
    '    end',
    '  end',
    '  test "$at" = "$argv[1]"',
    'end',
    'complete -c sigil -f',
  ];
  for (const { path, words, options } of places) {
    const when = `-n ${quoted(`__sigil_at "${path}"`)}`;
    for (const { name, help } of words) lines.push(`complete -c sigil ${when} -a ${quoted(name)} -d ${quoted(help)}`);
    for (const { name, short, value, help, complete } of options) {
      const parts = [`complete -c sigil ${when} -l ${name}`];
      if (short !== undefined) parts.push(`-s ${short}`);
      if (complete === 'file') parts.push('-rF');
      else if (complete === 'directory') parts.push(`-x -a '(__fish_complete_directories)'`);
      else if (Array.isArray(complete)) parts.push(`-x -a ${quoted(complete.join(' '))}`);
      else if (value !== undefined) parts.push('-x');
      lines.push(`${parts.join(' ')} -d ${quoted(help)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

export const run: CommandRun = async ({ args, output, program }) => {
  const places = placesOf(program);
  const shell = args[0];
  const script = shell === 'bash' ? bashScript(places) : shell === 'zsh' ? zshScript(places) : fishScript(places);
  if (output.json) output.document({ shell, script });
  else output.write(script);
  return 0;
};
