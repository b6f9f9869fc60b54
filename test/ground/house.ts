// SPDX-License-Identifier: Apache-2.0
// A throw-away house for the tests of the ground: our own linter and doors over sources that break their rules.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** What a tool said of one file: rule names, or door names with where the door would lead. */
export type Findings = Map<string, Set<string>>;

export class House {
  readonly path = mkdtempSync(join(tmpdir(), 'sigil-house-'));

  constructor(files: Readonly<Record<string, string>>) {
    for (const rule of ['biome.json', 'tsconfig.json', 'package.json', '.dependency-cruiser.mjs', 'tools']) {
      cpSync(join(root, rule), join(this.path, rule), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(this.path, 'node_modules'));
    for (const [name, text] of Object.entries(files)) {
      const file = join(this.path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }

  /** Rules broken, by file: the name of a lint rule, or `plugin` for one of `tools/lint`. */
  async lint(): Promise<Findings> {
    const output = await this.#output('biome', ['lint', '--max-diagnostics=none', '--reporter=json', 'src']);
    const report = JSON.parse(output) as { diagnostics: { category: string; location: { path: string } }[] };
    return group(report.diagnostics.map(({ category, location }) => [location.path, category.split('/').at(-1) ?? '']));
  }

  /** Doors broken, by file: `<name of the rule> → <file that was imported>`. */
  async doors(): Promise<Findings> {
    const args = ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', '.'];
    const report = JSON.parse(await this.#output('depcruise', args)) as {
      summary: { violations: { from: string; to: string; rule: { name: string } }[] };
    };
    return group(report.summary.violations.map(({ from, to, rule }) => [from, `${rule.name} → ${to}`]));
  }

  /** The licence check's complaints, one a line. */
  async licences(): Promise<string[]> {
    const found = await run('sh', ['tools/spdx.sh'], { cwd: this.path }).catch((error: { stderr: string }) => error);
    return found.stderr.split('\n').filter((line) => line !== '');
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Both tools exit with 1 when they find something, which is what they are here for. */
  async #output(tool: string, args: string[]): Promise<string> {
    const command = join(root, 'node_modules/.bin', tool);
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` };
    const ran = run(command, args, { cwd: this.path, env, maxBuffer: 16 << 20 });
    return (await ran.catch((error: { stdout: string }) => error)).stdout;
  }
}

function group(pairs: [string, string][]): Findings {
  const findings: Findings = new Map();
  for (const [file, finding] of pairs) {
    const of = findings.get(file) ?? new Set();
    findings.set(file, of.add(finding));
  }
  return findings;
}
