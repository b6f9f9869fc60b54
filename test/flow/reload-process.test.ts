// SPDX-License-Identifier: Apache-2.0
// A gateway process whose configuration is edited: its log, its signals, what the next start has after a kill, files that are
// broken. And edits under load.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { sigil } from '../cli/process.ts';
import { bytesOf } from '../config/broken/cases.ts';
import {
  freePort,
  type ListeningProcess,
  onlyFile,
  ownerToken,
  spawnGateway,
  startProcess,
} from '../crash/gateway-process.ts';
import { Client, until } from '../edge/client.ts';
import { someCases, tryBroken } from '../reload/broken.ts';
import { editUnderLoad } from '../reload/edits.ts';

/** Of all of them, which `npm run test:reload -- --broken` tries. */
const SAMPLE = 40;
const folder = mkdtempSync(join(tmpdir(), 'sigil-edited-'));
const file = join(folder, 'sigil.yaml');
const dataDir = join(folder, 'data');
const listen = `127.0.0.1:${await freePort()}`;
let running: ListeningProcess | undefined;
afterAll(async () => {
  await running?.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** What is written, with where it listens: all of it is in the file. */
const whole = (text: string): string => `networking: { listen: "${listen}", chat_rate_limit_rpm: 0 }\n${text}`;

function write(text: string): void {
  writeFileSync(`${file}.new`, whole(text));
  renameSync(`${file}.new`, file);
}

async function start(): Promise<ListeningProcess> {
  running = await startProcess(dataDir, null, onlyFile(file));
  return running;
}

async function describedAs(gateway: ListeningProcess): Promise<unknown> {
  const client = new Client(Number(new URL(gateway.url).port));
  const { body } = await client.call('GET', '/api/v1/config', { token: ownerToken(dataDir) });
  client.close();
  return body.config.workspaces.lab.description;
}

it('logs from the level of the file on, reads it at a hang-up, and starts with the last edit after a kill', async () => {
  write('logging: { level: error }\nworkspaces: { lab: { description: first } }\n');
  const gateway = await start();
  expect(gateway.said()).toBe('');
  write('logging: { level: info }\nworkspaces: { lab: { description: second } }\n');
  await until(() => gateway.said().includes('another configuration is in force'));
  expect(await describedAs(gateway)).toBe('second');
  write('workspaces: { lab: { descripton: third } }\n');
  await until(() => gateway.said().includes('is not valid'));
  gateway.child.kill('SIGHUP');
  await until(() => /"why":"SIGHUP".*is not valid/.test(gateway.said()));
  expect(gateway.said()).toContain('workspaces.lab.descripton');
  expect(await describedAs(gateway)).toBe('second');
  write('workspaces: { lab: { description: last } }\n');
  await gateway.kill();
  expect(await describedAs(await start())).toBe('last');
});

it('keeps what runs through broken files, and says of each what is wrong: a sample of those the start refuses', async () => {
  const good = whole('logging: { level: fatal }\n');
  writeFileSync(file, good);
  const gateway = running ?? (await start());
  const client = new Client(Number(new URL(gateway.url).port));
  const tried = { client, token: ownerToken(dataDir), file, good };
  const figures = await tryBroken(someCases(SAMPLE, 1), tried);
  client.close();
  expect(figures).toEqual({ cases: SAMPLE, turns: SAMPLE / 10, wrong: [] });
});

it('is told to read it again by the command line, which says what is applied, what waits and what is wrong', async () => {
  const key = join(folder, 'key.txt');
  const good = (level: string): string =>
    `logging: { level: ${level} }\nproviders: { keyed: { type: openai, api_key: "file://${key}" } }\n`;
  writeFileSync(key, 'first-key-0123456789\n');
  writeFileSync(file, whole(good('fatal')));
  const gateway = running ?? (await start());
  const reload = (...more: string[]) => sigil(['config', 'reload', '--data-dir', dataDir, ...more], folder);
  // Whether the file was seen before or not.
  expect((await reload()).status).toBe(0);
  // Of this one nothing is seen.
  writeFileSync(key, 'second-key-0123456789\n');
  const applied = 'ok a key is applied:\n  providers.keyed.api_key\n';
  expect(await reload()).toEqual({ status: 0, stdout: applied, stderr: '' });
  writeFileSync(key, 'third-key-0123456789\n');
  write(good('info'));
  await until(() => gateway.said().includes('"applied":["logging.level"'));
  writeFileSync(key, 'fourth-key-0123456789\n');
  gateway.child.kill('SIGHUP');
  await until(() => /"why":"SIGHUP","applied":\["providers\.keyed\.api_key"\]/.test(gateway.said()));
  write(`${good('info')}gateway: { threads: 3 }\n`);
  const { status, stdout } = await reload('--json');
  expect([status, JSON.parse(stdout)]).toEqual([
    0,
    { applied: [], restart_pending: ['gateway.threads'], quarantined: [] },
  ]);
  const again = 'ok what is written is in force already.\nwaiting for a restart:\n  gateway.threads\n';
  expect((await reload()).stdout).toBe(again);
  write(good('loud'));
  const wrong = await reload();
  expect([wrong.status, wrong.stdout]).toEqual([1, '']);
  expect(wrong.stderr).toMatch(
    /has a problem; .*\n {2}\S+sigil\.yaml:2:19: logging\.level: found .*loud.*\nCorrect what is/,
  );
});

it('counts messages and streams by new limits at once', async () => {
  const good = whole('logging: { level: fatal }\n');
  writeFileSync(file, good);
  const gateway = running ?? (await start());
  const client = new Client(Number(new URL(gateway.url).port));
  const token = ownerToken(dataDir);
  const limits = async (more: string): Promise<void> => {
    writeFileSync(file, good.replace('chat_rate_limit_rpm: 0', more));
    expect((await client.call('POST', '/api/v1/config/reload', { token })).status).toBe(200);
  };
  const chat = async () => (await client.call('POST', '/api/v1/chat', { token, json: { content: 'hello' } })).status;
  await limits('chat_rate_limit_rpm: 2, chat_rate_limit_burst: 0, chat_max_concurrent_streams: 1');
  expect([await chat(), await chat(), await chat()]).toEqual([200, 200, 429]);
  const stream = () => client.open('GET', '/api/v1/events', { token });
  const first = await stream();
  const second = await stream();
  expect([first.statusCode, second.statusCode]).toEqual([200, 429]);
  await limits('chat_rate_limit_rpm: 0');
  expect(await chat()).toBe(200);
  const third = await stream();
  expect(third.statusCode).toBe(200);
  for (const open of [first, second, third]) open.destroy();
  client.close();
  expect(await gateway.stop()).toBe(0);
});

it('refuses them at the start with one sentence each, and without a stack', async () => {
  for (const broken of someCases(5, 2)) {
    writeFileSync(file, bytesOf(broken));
    const child = spawnGateway({ dataDir, port: null, effects: '' }, onlyFile(file));
    expect([await child.gone, await child.listening], broken.name).toEqual([1, null]);
    const said = child.said();
    expect(said, broken.name).toContain(`${file}:${broken.line}:`);
    expect(said, broken.name).not.toMatch(/^\s+at .*[:(]\S+:\d+/m);
  }
});

it('loses no message and answers none twice while it is edited', async () => {
  const { edits, answered, turns_sent, lost, doubled } = await editUnderLoad(15, 2);
  expect({ edits, lost, doubled }).toEqual({ edits: 15, lost: [], doubled: [] });
  expect(answered).toBe(turns_sent);
  expect(answered).toBeGreaterThan(15);
});
