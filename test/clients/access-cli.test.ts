/** `hupo user`, `hupo key`, `hupo role`, `hupo audit` and `hupo policy` as a person types them, against the API. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { runCli } from '../../src/cli.ts';
import { readEnvironment } from '../../src/config.ts';
import { ACCESS_KEY_ID, ACCESS_KEY_SECRET, openApi, type ApiFixture } from './api-fixture.ts';
import { policyOf } from './access-fixture.ts';

const TRUST = {
  Version: '1',
  Statement: { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { RAM: 'acs:ram::*:root' } },
};

type Run = (...words: string[]) => Promise<{ code: number; out: string; err: string }>;

interface CliKey {
  accessKeyId: string;
  accessKeySecret: string;
  stsToken?: string;
}

function cliOf(api: ApiFixture, key: CliKey = { accessKeyId: ACCESS_KEY_ID, accessKeySecret: ACCESS_KEY_SECRET }): Run {
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
  assert.match(await good('user', 'list'), /^USER +USER ID +MADE[^]*eva/);
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
  assert.match(await good('user', 'show', 'eva'), /AliyunECSReadOnlyAccess +System/);
  fs.writeFileSync(file, policyOf({ Effect: 'Deny', Action: 'ecs:DescribeDisks', Resource: '*' }));
  await good('user', 'policy', 'create', 'no-disks', file);
  await good('user', 'attach', 'eva', 'no-disks');
  assert.match((await eva('ecs', 'DescribeDisks')).err, /the Custom policy no-disks denies it/);
  fs.writeFileSync(file, policyOf({ Effect: 'Deny', Action: 'ecs:DescribeImages', Resource: '*' }));
  await good('user', 'policy', 'update', 'no-disks', file);
  assert.match(await good('user', 'policy', 'show', 'no-disks'), /DescribeImages/);
  assert.match(await good('user', 'policy', 'list'), /no-disks +Custom/);
  assert.equal((await eva('ecs', 'DescribeDisks')).code, 0);
  await good('key', 'disable', 'eva', accessKeyId);
  assert.match((await eva('ecs', 'DescribeDisks')).err, /InvalidAccessKeyId\.Inactive/);
  await good('key', 'enable', 'eva', accessKeyId);
  await good('key', 'delete', 'eva', accessKeyId);
  for (const policy of ['no-disks', 'AliyunECSReadOnlyAccess']) await good('user', 'detach', 'eva', policy);
  await good('user', 'policy', 'delete', 'no-disks');
  await good('user', 'delete', 'eva');
  const log = await good('audit');
  assert.match(log, /root +127\.0\.0\.1 +DeleteUser +done +eva/);
  assert.match(await good('audit', '--user', 'eva'), /DescribeDisks +Forbidden\.RAM/);
  const events = (await good('audit', '--resource', 'no-disks', '--json')).trim().split('\n');
  assert.ok(events.length >= 4 && events.every((line) => line.includes('no-disks')));
  const refused = await run('user', 'delete', 'eva');
  assert.equal(refused.code, 1);
  assert.match(refused.err, /^hupo: .*eva.* \(EntityNotExist\.User, RequestId [-0-9A-F]+\)\n$/);
  fs.rmSync(folder, { recursive: true });
});

test('what a policy says in vain is told when it is put, and where its file is no JSON', async (t) => {
  await using api = await openApi();
  const run = cliOf(api);
  const file = writeFile(t, policyOf({ Effect: 'Deny', Action: 'ecs:DeleteSnapshoot', Resource: '*' }));
  const made = await run('user', 'policy', 'create', 'vain', file);
  assert.deepEqual([made.code, made.out], [0, 'The policy vain was made.\n']);
  assert.match(made.err, /^hupo: warning: Statement\[0\] \(Deny\): .*did you mean ecs:DeleteSnapshot\?\n$/);
  fs.writeFileSync(file, policyOf({ Effect: 'Deny', Action: '*', Resource: 'acs:ecs:*:*:snapshots/*' }));
  const updated = await run('user', 'policy', 'update', 'vain', file);
  assert.match(updated.err, /did you mean acs:ecs:\*:\*:snapshot\/\*\?\n$/);
  fs.writeFileSync(file, '{"Version": "1",\n  "Statement": [,]}');
  const wrong = await run('user', 'policy', 'update', 'vain', file);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /^hupo: .*not valid at line 2, column 17: it is no JSON, "," cannot be there/);
});

test('a role is made, taken, and its key is good only with its token', async (t) => {
  await using api = await openApi();
  const root = cliOf(api);
  const good = async (run: Run, ...words: string[]): Promise<string> => {
    const { code, out, err } = await run(...words);
    assert.deepEqual([code, err], [0, ''], words.join(' '));
    return out;
  };
  await good(root, 'role', 'create', 'auditor', writeFile(t, JSON.stringify(TRUST)));
  await good(root, 'role', 'attach', 'auditor', 'AliyunECSReadOnlyAccess');
  assert.match(await good(root, 'role', 'list'), /^ROLE +ARN[^]*auditor +acs:ram::\d+:role\/auditor +3600/);
  assert.match(await good(root, 'role', 'show', 'auditor'), /AliyunECSReadOnlyAccess +System/);
  assert.deepEqual(JSON.parse(await good(root, 'role', 'trust', 'auditor')), TRUST);
  assert.match((await root('role', 'assume', 'auditor')).err, /Roles may not be assumed by root/);
  await good(root, 'user', 'create', 'eva');
  await good(root, 'user', 'attach', 'eva', 'AliyunSTSAssumeRoleAccess');
  const made = JSON.parse(await good(root, 'key', 'create', 'eva', '--json')) as { AccessKey: Record<string, string> };
  const { AccessKeyId = '', AccessKeySecret = '' } = made.AccessKey;
  const eva = cliOf(api, { accessKeyId: AccessKeyId, accessKeySecret: AccessKeySecret });
  assert.match(
    await good(eva, 'role', 'assume', 'auditor'),
    /^AccessKeyId +STS\.[^]*SecurityToken +[^]*Expiration +20/,
  );
  const json = JSON.parse(await good(eva, 'role', 'assume', 'auditor', '--json', '--for', '15m')) as {
    Credentials: { AccessKeyId: string; AccessKeySecret: string; SecurityToken: string };
  };
  const lines = await good(eva, 'role', 'assume', 'auditor', '--export');
  const exported = Object.fromEntries(
    lines.split('\n').flatMap((line) => [/^export (\w+)='([^']+)'$/.exec(line)?.slice(1) ?? []]),
  ) as Record<string, string>;
  const temporary = {
    ...{ accessKeyId: exported['HUPO_ACCESS_KEY_ID'] ?? '', accessKeySecret: exported['HUPO_ACCESS_KEY_SECRET'] ?? '' },
    stsToken: exported['HUPO_STS_TOKEN'] ?? '',
  };
  assert.match(await good(cliOf(api, temporary), 'policy', 'list'), /There is no policy/);
  const { Credentials: key } = json;
  const pair = ['--access-key-id', key.AccessKeyId, '--access-key-secret', key.AccessKeySecret];
  assert.match(await good(eva, 'policy', 'list', ...pair, '--sts-token', key.SecurityToken), /There is no policy/);
  const tokenless = await eva('policy', 'list', ...pair);
  assert.match(
    tokenless.err,
    /^hupo: STS\..* is a temporary key, which is nothing without its token: give --sts-token/,
  );
  const foreign = await cliOf(api, { ...temporary, stsToken: key.SecurityToken })('policy', 'list');
  assert.match(foreign.err, /InvalidSecurityToken[^]*\nhupo: The token is not that of this key/);
  assert.match((await eva('role', 'assume', 'auditor', '--for', 'soon')).err, /--for soon is no time/);
  assert.match((await eva('role', 'assume', 'auditor', '--for', '5m')).err, /^hupo: .*--for/);
  await good(root, 'role', 'detach', 'auditor', 'AliyunECSReadOnlyAccess');
  await good(root, 'role', 'delete', 'auditor');
  assert.match(
    await good(root, 'audit', '--action', 'AssumeRole', '--since', '5m'),
    /eva +127\.0\.0\.1 +AssumeRole +done/,
  );
});

test('the log names what a refused request was about, also where a parameter of it was wrong', async () => {
  await using api = await openApi();
  const run = cliOf(api);
  await run('user', 'create', 'eva');
  const made = JSON.parse((await run('key', 'create', 'eva', '--json')).out) as { AccessKey: Record<string, string> };
  const { AccessKeyId = '', AccessKeySecret = '' } = made.AccessKey;
  const eva = cliOf(api, { accessKeyId: AccessKeyId, accessKeySecret: AccessKeySecret });
  assert.equal((await eva('ecs', 'DeleteDisk', '--DiskId', 'd-1')).code, 1);
  assert.equal((await run('ecs', 'ResizeDisk', '--DiskId', 'd-2', '--NewSize', 'big', '--force')).code, 1);
  const { out } = await run('audit');
  assert.match(out, /eva +127\.0\.0\.1 +DeleteDisk +Forbidden\.RAM +d-1\n/);
  assert.match(out, /root +127\.0\.0\.1 +ResizeDisk +\S+ +d-2\n/);
  assert.match((await run('audit', '--resource', 'd-1')).out, /DeleteDisk/);
});

test('a policy of snapshots is shown, and changed in nothing but what is named', async () => {
  await using api = await openApi();
  const run = cliOf(api);
  const terms = ['--at', '8-10', '--keep-days', '7', '--keep-weekly', '4', '--keep-monthly', '12', '--name', 'nightly'];
  const policyId = (await run('policy', 'create', ...terms)).out.trim();
  assert.equal((await run('policy', 'modify', policyId, '--keep-weekly', '8')).code, 0);
  const { out } = await run('policy', 'show', policyId);
  assert.match(out, /^Policy +sp-\w+ \(nightly\), made 20[^]*\nAt \(UTC\+8\) +08:00 09:00 10:00, every day\n/);
  assert.match(out, /\nKeeps +7 days, 8 weekly, 12 monthly\n[^]*\nApplied to +0 disks\n$/);
  const refused = await run('policy', 'modify', policyId, '--keep-days', '0');
  assert.match(refused.err, /^hupo: --keep-days is not valid: "0"[^]* \(ParameterInvalid, RequestId /);
  assert.equal((await run('policy', 'show', 'sp-nothere')).err, 'hupo: there is no policy sp-nothere\n');
});

function writeFile(t: TestContext, text: string): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-access-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'policy.json');
  fs.writeFileSync(file, text);
  return file;
}
