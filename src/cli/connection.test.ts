import test, { type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeContext } from '../../test/support/fake-ecs.ts';
import { findConnection, findRootKey } from './connection.ts';

const KEY = { accessKeyId: 'id', accessKeySecret: 'secret' };

function makeDataFolder(t: TestContext, files: Record<string, string>): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-cli-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

test('server and key come from flags, then the environment, then DIR', (t) => {
  const dataFolder = makeDataFolder(t, {
    'run/endpoint': 'http://127.0.0.1:3\n',
    'keys/root.json': JSON.stringify(KEY),
  });
  const plain = makeContext({ dataFolder });
  assert.equal(findConnection({}, plain).client.endpoint, 'http://127.0.0.1:3');
  assert.equal(findConnection({ data: dataFolder }, makeContext()).dataFolder, dataFolder);
  const environment = makeContext({ dataFolder, endpoint: 'http://127.0.0.1:2/' });
  assert.equal(findConnection({}, environment).client.endpoint, 'http://127.0.0.1:2');
  assert.equal(findConnection({ endpoint: 'http://127.0.0.1:1' }, environment).client.endpoint, 'http://127.0.0.1:1');
});

test('without a server it is said what to start', (t) => {
  const dataFolder = makeDataFolder(t, {});
  const hint = /no Hupo server runs on .*; start one with: hupo serve --data \//;
  assert.throws(() => findConnection({ data: dataFolder }, makeContext()), hint);
  assert.throws(() => findConnection({}, makeContext()), hint);
});

test('without a key, or with a damaged one, it is said what is missing', (t) => {
  const dataFolder = makeDataFolder(t, { 'run/endpoint': 'http://127.0.0.1:3' });
  assert.throws(
    () => findConnection({ data: dataFolder }, makeContext()),
    /there is no AccessKey: .*root\.json is absent/,
  );
  const damaged = makeDataFolder(t, { 'keys/root.json': '{"accessKeyId":1}' });
  assert.throws(() => findRootKey(damaged), /does not hold accessKeyId and accessKeySecret/);
});

test('an endpoint that is no http URL is refused', () => {
  const context = makeContext(KEY);
  for (const endpoint of ['127.0.0.1:7400', 'ftp://x', '']) {
    assert.throws(() => findConnection({ endpoint }, context), /must be of the form http:\/\/HOST:PORT/);
  }
});
