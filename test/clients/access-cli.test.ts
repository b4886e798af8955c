/** `hupo user`, `hupo key` and `hupo audit` as a person types them, against the API. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { runCli } from '../../src/cli.ts';
import { readEnvironment } from '../../src/config.ts';
import { ACCESS_KEY_ID, ACCESS_KEY_SECRET, openApi, type ApiFixture } from './api-fixture.ts';
import { policyOf } from './access-fixture.ts';

type Run = (...words: string[]) => Promise<{ code: number; out: string; err: string }>;

function cliOf(api: ApiFixture, key = { accessKeyId: ACCESS_KEY_ID, accessKeySecret: ACCESS_KEY_SECRET }): Run {
  return async (...words) => {
    const text = { out: '', err: '' };
    const code = await runCli(words, {
      environment: { ...readEnvironment(), ...key, endpoint: `http://${api.endpoint}` },
      program: { execPath: process.execPath, args: [] },
      out: (more) => void (text.out += more),
      err: (more) => void (text.err += more),
    });
    return { code, ...text };
  };
}

test('a user is made, may read, is narrowed, and is gone; the log tells all of it', async () => {
  await using api = await openApi();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-access-'));
  const file = path.join(folder, 'policy.json');
  const run = cliOf(api);
  const good = async (...words: string[]): Promise<string> => {
    const { code, out, err } = await run(...words);
    assert.deepEqual([code, err], [0, ''], words.join(' '));
    return out;
  };
  assert.equal(await good('user', 'create', 'eva'), 'The user eva was made.\n');
  assert.match(await good('user', 'list'), /^UserName +\| UserId[^]*eva/);
  const made = JSON.parse(await good('key', 'create', 'eva', '--json')) as { AccessKey: Record<string, string> };
  const { AccessKeyId: accessKeyId = '', AccessKeySecret: accessKeySecret = '' } = made.AccessKey;
  assert.ok(!(await good('key', 'list', 'eva', '--json')).includes(accessKeySecret));
  const eva = cliOf(api, { accessKeyId, accessKeySecret });
  assert.match(
    (await eva('ecs', 'DescribeDisks')).err,
    /ErrorCode: Forbidden\.RAM[^]*eva may not do ecs:DescribeDisks/,
  );
  await good('user', 'attach', 'eva', 'AliyunECSReadOnlyAccess');
  assert.equal((await eva('ecs', 'DescribeDisks')).code, 0);
  assert.match(await good('user', 'show', 'eva'), /AliyunECSReadOnlyAccess \| System/);
  fs.writeFileSync(file, policyOf({ Effect: 'Deny', Action: 'ecs:DescribeDisks', Resource: '*' }));
  await good('user', 'policy', 'create', 'no-disks', file);
  await good('user', 'attach', 'eva', 'no-disks');
  assert.match((await eva('ecs', 'DescribeDisks')).err, /the Custom policy no-disks denies it/);
  fs.writeFileSync(file, policyOf({ Effect: 'Deny', Action: 'ecs:DescribeImages', Resource: '*' }));
  await good('user', 'policy', 'update', 'no-disks', file);
  assert.match(await good('user', 'policy', 'show', 'no-disks'), /DescribeImages/);
  assert.match(await good('user', 'policy', 'list'), /no-disks +\| Custom/);
  assert.equal((await eva('ecs', 'DescribeDisks')).code, 0);
  await good('key', 'disable', 'eva', accessKeyId);
  assert.match((await eva('ecs', 'DescribeDisks')).err, /InvalidAccessKeyId\.Inactive/);
  await good('key', 'enable', 'eva', accessKeyId);
  await good('key', 'delete', 'eva', accessKeyId);
  for (const policy of ['no-disks', 'AliyunECSReadOnlyAccess']) await good('user', 'detach', 'eva', policy);
  await good('user', 'policy', 'delete', 'no-disks');
  await good('user', 'delete', 'eva');
  const log = await good('audit');
  assert.match(log, /root +\| 127\.0\.0\.1 +\| DeleteUser +\| done +\| eva/);
  assert.match(await good('audit', '--user', 'eva'), /DescribeDisks +\| Forbidden\.RAM/);
  const events = (await good('audit', '--resource', 'no-disks', '--json')).trim().split('\n');
  assert.ok(events.length >= 4 && events.every((line) => line.includes('no-disks')));
  const refused = await run('user', 'delete', 'eva');
  assert.deepEqual([refused.code, /EntityNotExist\.User/.test(refused.err)], [1, true]);
  fs.rmSync(folder, { recursive: true });
});
