import test, { type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FakeEcs, makeContext } from '../../test/support/fake-ecs.ts';
import { writeServedRegions } from '../lib/served-regions.ts';
import { findConnection, findRootKey, formatCommand } from './connection.ts';

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
  assert.throws(() => findConnection({}, makeContext()), /start one with: hupo serve$/, 'where DIR is the default');
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

const endpoints: [endpoint: string, insecure: boolean | undefined, expected: string | RegExp][] = [
  ['http://127.0.0.1:1', undefined, 'http://127.0.0.1:1'],
  ['https://h/', undefined, 'https://h'],
  ['127.0.0.1:1', undefined, 'https://127.0.0.1:1'],
  ['127.0.0.1:1', true, 'http://127.0.0.1:1'],
  ['h', false, 'https://h'],
  ['[::1]:7', true, 'http://[::1]:7'],
  ['http://h:1', true, 'http://h:1'],
  ['https://h:1', true, /--insecure contradicts the endpoint https:\/\/h:1/],
  ['http://h:1', false, /--secure contradicts/],
  ['ftp://x', undefined, /must be of the form http:\/\/HOST:PORT/],
  ['http://h:1/path', undefined, /must be of the form/],
  ['h:port', undefined, /must be of the form/],
  ['', undefined, /must be of the form/],
];

test('an endpoint is a URL, or a host that is https unless the flag says http', () => {
  const context = makeContext(KEY);
  for (const [endpoint, insecure, expected] of endpoints) {
    const find = () =>
      findConnection({ endpoint, ...(insecure === undefined ? {} : { insecure }) }, context).client.endpoint;
    if (typeof expected === 'string') assert.equal(find(), expected, endpoint);
    else assert.throws(find, expected, endpoint);
  }
});

test('the folder of a second region means that region, with the keys and the server of the first', async (t) => {
  const ecs = await FakeEcs.start({ Echo: {} });
  t.after(() => ecs.close());
  const second = makeDataFolder(t, { 'run/endpoint': `${ecs.endpoint}\n` });
  const first = makeDataFolder(t, {
    'keys/root.json': JSON.stringify(KEY),
    'run/endpoint': `${ecs.endpoint}\n`,
  });
  const served = { root: first, folders: { 'cn-hangzhou': first, 'cn-beijing': second } };
  for (const folder of [first, second]) writeServedRegions(path.join(folder, 'run'), served);
  const regionOf = async (options: object) => {
    const { client, dataFolder } = findConnection(options, makeContext({ dataFolder: first }));
    await client.call('Echo');
    return [ecs.calls.at(-1)?.parameters['RegionId'], dataFolder];
  };
  assert.deepEqual(await regionOf({}), [undefined, first]);
  assert.deepEqual(await regionOf({ data: second }), ['cn-beijing', second]);
  assert.deepEqual(await regionOf({ region: 'cn-beijing' }), ['cn-beijing', second]);
  assert.deepEqual(await regionOf({ data: second, region: 'cn-hangzhou' }), ['cn-hangzhou', first]);
  fs.rmSync(path.join(second, 'run', 'endpoint'));
  assert.throws(
    () => findConnection({ data: second }, makeContext({ dataFolder: first })),
    (error: Error) => error.message.endsWith(`start one with: hupo serve --add-region cn-beijing=${second}`),
  );
});

test('id and secret come from one place', () => {
  const endpoint = 'http://127.0.0.1:1';
  const find = (options: object, environment: object) => () =>
    findConnection({ endpoint, ...options }, makeContext(environment));
  assert.throws(find({ accessKeyId: 'a' }, KEY), /--access-key-id and --access-key-secret belong together/);
  assert.throws(find({}, { accessKeySecret: 'a' }), /HUPO_ACCESS_KEY_ID and HUPO_ACCESS_KEY_SECRET belong together/);
});

test('a profile of the aliyun CLI is read only when it is named', async (t) => {
  const ecs = await FakeEcs.start({ Echo: {} });
  t.after(() => ecs.close());
  const homeFolder = makeDataFolder(t, {
    '.aliyun/config.json': JSON.stringify({
      current: 'cloud',
      profiles: [
        { name: 'cloud', mode: 'AK', access_key_id: 'cloudid', access_key_secret: 's', region_id: 'cn-beijing' },
        { name: 'sts', mode: 'StsToken', access_key_id: 'stsid', access_key_secret: 's', sts_token: 'tok' },
        { name: 'role', mode: 'EcsRamRole' },
      ],
    }),
  });
  const context = makeContext({ ...KEY, endpoint: ecs.endpoint, homeFolder });
  const call = async (options: object) => {
    await findConnection(options, context).client.call('Echo');
    const { headers, parameters } = ecs.calls.at(-1) ?? assert.fail('nothing was asked');
    const id = /Credential=([^,]+)/.exec(headers.authorization ?? '')?.[1];
    return [id, headers['x-acs-security-token'], parameters['RegionId']];
  };
  assert.deepEqual(await call({}), ['id', undefined, undefined]);
  assert.deepEqual(await call({ profile: 'cloud' }), ['cloudid', undefined, 'cn-beijing']);
  assert.deepEqual(await call({ profile: 'cloud', region: 'mine' }), ['cloudid', undefined, 'mine']);
  assert.deepEqual(await call({ profile: 'sts' }), ['stsid', 'tok', undefined]);
  assert.throws(() => findConnection({ profile: 'none' }, context), /has no profile "none"; it has: cloud, sts, role/);
  assert.throws(() => findConnection({ profile: 'role' }, context), /has no key pair/);
  assert.throws(() => findConnection({ profile: 'a', profileFile: '/nonexistent/x' }, context), /there is no file/);
});

test('a CA that cannot be read is told, and none is asked for over http', () => {
  const context = makeContext({ ...KEY, caFile: '/nonexistent/ca.pem' });
  assert.throws(() => findConnection({ endpoint: 'https://h' }, context), /there is no file \/nonexistent\/ca\.pem/);
  assert.equal(findConnection({ endpoint: 'http://h' }, context).client.endpoint, 'http://h');
});

test('a command is shown as a person types it here', () => {
  const context = makeContext({ command: 'npx hupo' });
  assert.equal(formatCommand(context, 'stop', '/nonexistent/hupo'), 'npx hupo stop');
  assert.equal(formatCommand(context, 'stop', '/a/b c'), "npx hupo stop --data '/a/b c'");
});
