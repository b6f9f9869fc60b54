// SPDX-License-Identifier: Apache-2.0
// The shape of the command line: usage, help, versions, completion, colours, JSON on stdout and nothing else.

import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseLine } from '../../src/cli/arguments.ts';
import { pathOf } from '../../src/cli/command.ts';
import { coloursWanted } from '../../src/cli/output.ts';
import { createProgram } from '../../src/cli/tree.ts';
import { FAKE, scratch, sigil } from './process.ts';

const home = scratch();

describe('usage', () => {
  it.each([
    { args: ['stats'], says: 'Did you mean `status`?' },
    { args: ['session', 'lst'], says: 'Did you mean `list`?' },
    { args: ['status', '--verbos'], says: 'Did you mean `--verbose`?' },
    { args: ['start', '--listn', 'x'], says: 'Did you mean `--listen`?' },
    { args: ['session'], says: 'Add one of: list, show, export, archive, delete, import.' },
    { args: ['session', 'show'], says: "Missing required argument 'ID'." },
    { args: ['status', 'now'], says: 'Expected 0 arguments but got 1: now.' },
    { args: ['status', '--url'], says: '--url needs a value' },
    { args: ['status', '--json=yes'], says: 'takes no value' },
    { args: ['session', 'list', '--limit', 'many'], says: 'whole number from 1' },
    { args: ['completion', 'tcsh'], says: 'bash, zsh, fish' },
    { args: ['actors', '--watch', '--json'], says: '--watch has no end' },
    { args: ['status', '--url', 'nonsense'], says: 'http://127.0.0.1:18789' },
  ])('$args is wrong usage', async ({ args, says }) => {
    const json = args.includes('--json');
    const ran = await sigil(args, home);
    expect(ran.status).toBe(2);
    expect(json ? ran.stdout : ran.stderr).toContain(says);
    expect(ran.stdout + ran.stderr).not.toContain('    at ');
    if (!json) expect(ran.stdout).toBe('');
  });

  it('tells an error as one document with --json, and nothing on stderr', async () => {
    const ran = await sigil(['nonsense', '--json'], home);
    expect(ran.status).toBe(2);
    expect(ran.stderr).toBe('');
    const { error } = JSON.parse(ran.stdout);
    expect(Object.keys(error)).toEqual(['code', 'message', 'advice']);
    expect(error.code).toBe('wrong_usage');
  });

  it('shows a stack only when asked to', async () => {
    const ran = await sigil(['nonsense', '--verbose'], home);
    expect(ran.stderr).toContain('    at ');
  });

  it('takes global options before and after the command, and words after -- as they are', () => {
    const parsed = (...argv: string[]) => parseLine(createProgram(), argv);
    const before = parsed('--json', '--data-dir=/x', 'chat', 'hello', '--model', 'a/b', 'you', '--verbose');
    expect(pathOf(before.command)).toEqual(['chat']);
    expect(before.args).toEqual(['hello', 'you']);
    expect(before.options).toEqual({ json: true, dataDir: '/x', model: 'a/b', verbose: true, color: true });
    const after = parsed('chat', '--', '--json', '-x');
    expect(after.args).toEqual(['--json', '-x']);
    expect(after.options).toEqual({ color: true });
    expect(pathOf(parsed('session', '--json', 'list', '--workspace', 'w').command)).toEqual(['session', 'list']);
    expect(parsed('chat', '-').args).toEqual(['-']);
    expect(parsed('chat', '--model=-x').options['model']).toBe('-x');
    expect(() => parsed('start', '--data-dir', '--listen', 'x')).toThrow('--data-dir needs a value');
  });

  it('prints help for the program and each command', async () => {
    const ran = await sigil([], home);
    expect(ran.status).toBe(0);
    for (const command of createProgram().commands) expect(ran.stdout).toContain(`  ${command.name()} `);
    expect((await sigil(['start', '--help'], home)).stdout).toContain('--listen HOST:PORT');
    expect((await sigil(['help', 'start'], home)).stdout).not.toContain('chat-if-tty');
    expect(JSON.parse((await sigil(['help', '--json'], home)).stdout).name).toBe('sigil');
  });

  it('says its version in both forms', async () => {
    expect((await sigil(['version'], home)).stdout).toMatch(
      /^sigil \d+\.\d+\.\d+ \(commit \w+, node v\d+\.\d+\.\d+, \w+-\w+\)\n$/,
    );
    expect((await sigil(['--version'], home)).stdout).toContain('sigil ');
    const document = JSON.parse((await sigil(['version', '--json'], home)).stdout);
    expect(Object.keys(document)).toEqual(['version', 'commit', 'node', 'platform']);
  });
});

describe('colours', () => {
  it.each([
    { env: {}, noColor: false, terminal: true, want: true },
    { env: {}, noColor: false, terminal: false, want: false },
    { env: {}, noColor: true, terminal: true, want: false },
    { env: { NO_COLOR: '1' }, noColor: false, terminal: true, want: false },
    { env: { NO_COLOR: '' }, noColor: false, terminal: true, want: true },
    { env: { FORCE_COLOR: '1' }, noColor: false, terminal: false, want: true },
    { env: { FORCE_COLOR: '0' }, noColor: false, terminal: true, want: false },
    { env: { FORCE_COLOR: '1', NO_COLOR: '1' }, noColor: false, terminal: true, want: false },
    { env: { TERM: 'dumb' }, noColor: false, terminal: true, want: false },
  ])('$env, --no-color $noColor, terminal $terminal: $want', ({ env, noColor, terminal, want }) => {
    expect(coloursWanted({ noColor, env }, terminal)).toBe(want);
  });

  it('are forced and refused in a process', async () => {
    const esc = String.fromCharCode(27);
    expect((await sigil(['help'], home, { env: { FORCE_COLOR: '1' } })).stdout).toContain(esc);
    expect((await sigil(['help', '--no-color'], home, { env: { FORCE_COLOR: '1' } })).stdout).not.toContain(esc);
  });
});

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('%s: one script that knows the tree', async (shell) => {
    const { stdout, status } = await sigil(['completion', shell], home);
    expect(status).toBe(0);
    for (const word of ['actors', 'validate', 'listen', 'data-dir', 'workspace']) expect(stdout).toContain(word);
    expect(stdout).not.toContain('chat-if-tty');
    // A shell that is not installed cannot check; what all three share is then checked by the others.
    if (spawnSync(shell, ['--version']).error === undefined) execFileSync(shell, ['-n'], { input: stdout });
  });

  it('completes in bash', async () => {
    const { stdout } = await sigil(['completion', 'bash'], home);
    const script = join(home, 'completion.bash');
    writeFileSync(script, stdout);
    const complete = (...words: string[]) =>
      execFileSync('bash', [
        '-c',
        `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _sigil; echo "\${COMPREPLY[*]}"`,
        'bash',
        script,
        'sigil',
        ...words,
      ])
        .toString()
        .trim();
    expect(complete('sta')).toBe('start status');
    expect(complete('session', '')).toBe('list show export archive delete import');
    expect(complete('--json', 'session', 'list', '--w')).toBe('--workspace');
    expect(complete('--data-dir', 'session', 'con')).toBe('config');
    expect(complete('completion', 'f')).toBe('fish');
    expect(complete('actors', '--kind', 'se')).toBe('session');
    expect(complete('help', 'ver')).toBe('version');
  });
});

describe('config', () => {
  const fake = { entry: FAKE };

  it('shows the defaults as YAML and as one document', async () => {
    const yaml = await sigil(['config', 'show'], home, fake);
    expect(yaml.stderr).toBe('');
    expect(yaml.stdout).toContain('listen: 127.0.0.1:18789');
    const document = JSON.parse((await sigil(['config', 'show', '--json'], home, fake)).stdout);
    expect(document.networking.listen).toBe('127.0.0.1:18789');
  });

  it('hides secrets', async () => {
    const file = join(home, 'secret.yaml');
    writeFileSync(file, 'providers:\n  openai:\n    api_key: sk-very-secret\n');
    for (const args of [
      ['config', 'show'],
      ['config', 'show', '--json'],
      ['config', 'get', 'providers.openai.api_key'],
    ]) {
      const ran = await sigil([...args, '--config', file], home, fake);
      expect(ran.stdout).toContain('***');
      expect(ran.stdout).not.toContain('very-secret');
    }
  });

  it('gets one value bare, and suggests a key', async () => {
    expect((await sigil(['config', 'get', 'networking.listen'], home, fake)).stdout).toBe('127.0.0.1:18789\n');
    expect(JSON.parse((await sigil(['config', 'get', 'gateway', '--json'], home, fake)).stdout).threads).toBe('auto');
    const wrong = await sigil(['config', 'get', 'networking.lisen'], home, fake);
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toContain('networking.listen');
  });

  it('validates: every problem with its place, exit 1', async () => {
    const file = join(home, 'broken.yaml');
    writeFileSync(file, 'gateway:\n  thread: 4\n  drain_timeout: soon\nnope: 1\n');
    const ran = await sigil(['config', 'validate', file], home, fake);
    expect(ran.status).toBe(1);
    expect(ran.stdout).toBe('');
    for (const part of [
      '3 problems',
      'broken.yaml:2',
      'broken.yaml:3',
      'broken.yaml:4',
      'gateway.drain_timeout',
      'allowed',
    ]) {
      expect(ran.stderr).toContain(part);
    }
    const { error } = JSON.parse((await sigil(['config', 'validate', file, '--json'], home, fake)).stdout);
    expect(error.code).toBe('validation_failed');
    expect(error.problems.map(({ path }: { path: string }) => path)).toHaveLength(3);
  });

  it('validates: fine, with what is left out', async () => {
    const file = join(home, 'fine.yaml');
    writeFileSync(file, 'gateway:\n  threads: 2\nproviders:\n  odd:\n    type: nonsense\n');
    const ran = await sigil(['config', 'validate', file], home, fake);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain(`${file} is valid`);
    expect(ran.stderr).toContain('nonsense');
    expect((await sigil(['config', 'validate', join(home, 'missing.yaml')], home, fake)).status).toBe(1);
  });

  it('prints the JSON Schema', async () => {
    const { stdout } = await sigil(['config', 'schema'], home);
    expect(JSON.parse(stdout).title).toBe('sigil.yaml');
  });
});
