/**
 * Users, keys and tokens over HTTP, with the real SDK where it matters: what they may do, what is refused and how, what is
 * written down of it, and that no secret is stored as it is.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import ecs from '@alicloud/ecs20140526';
import RPCClient from '@alicloud/pop-core';
import { Account } from '../../src/access/account.ts';
import { MasterKey } from '../../src/access/master-key.ts';
import { attachPolicy } from '../../src/access/policies.ts';
import { createRole } from '../../src/access/roles.ts';
import { changeKey, deleteUser } from '../../src/access/users.ts';
import { Throttle } from '../../src/access/throttle.ts';
import { formatSecond } from '../../src/ecs/times.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { callAs, makeUser, policyOf, setPolicy, type Key } from './access-fixture.ts';
import {
  ACCESS_KEY_ID,
  ACCESS_KEY_SECRET,
  call,
  commonPairs,
  encodePairs,
  openApi,
  parseRaw,
  send,
  sendRaw,
  signPairs,
  type ApiFixture,
} from './api-fixture.ts';

const rootKey: Key = { accessKeyId: ACCESS_KEY_ID, secret: ACCESS_KEY_SECRET };
const readOnly = policyOf({ Effect: 'Allow', Action: ['ecs:Describe*', 'ecs:List*'], Resource: '*' });
const newDisk = { ZoneId: 'cn-hangzhou-a', Size: '20', DiskCategory: 'cloud_essd' };

async function describeDisks(api: ApiFixture, { accessKeyId, secret: accessKeySecret, securityToken }: Key) {
  const token = securityToken === undefined ? {} : { securityToken };
  const config = { accessKeyId, accessKeySecret, endpoint: api.endpoint, protocol: 'http', ...token };
  // The client asks for a class of a package that it brings itself; it reads nothing but these members.
  const client = new ecs.default(config as unknown as ConstructorParameters<typeof ecs.default>[0]);
  return await client.describeDisks(new ecs.DescribeDisksRequest({ regionId: 'cn-hangzhou' }));
}

/** RAM and STS as `@alicloud/pop-core` asks them. */
function pop(api: ApiFixture, { accessKeyId, secret: accessKeySecret }: Key, apiVersion: string): RPCClient {
  return new RPCClient({ accessKeyId, accessKeySecret, endpoint: `http://${api.endpoint}`, apiVersion });
}

test('users, keys, policies and roles are made by the real client, and work in the real SDK', async () => {
  await using api = await openApi();
  const ram = pop(api, rootKey, '2015-05-01');
  await ram.request('CreateUser', { UserName: 'eva' }, { method: 'POST' });
  const made = await ram.request<{ AccessKey: { AccessKeyId: string; AccessKeySecret: string } }>(
    'CreateAccessKey',
    { UserName: 'eva' },
    { method: 'POST' },
  );
  const eva = { accessKeyId: made.AccessKey.AccessKeyId, secret: made.AccessKey.AccessKeySecret };
  await assert.rejects(describeDisks(api, eva), (error: Error) => {
    const { code, accessDeniedDetail } = error as Error & { code: string; accessDeniedDetail: Record<string, string> };
    assert.equal(code, 'Forbidden.RAM');
    assert.equal(accessDeniedDetail['AuthAction'], 'ecs:DescribeDisks');
    return true;
  });
  const which = { PolicyType: 'System', PolicyName: 'AliyunECSReadOnlyAccess', UserName: 'eva' };
  await ram.request('AttachPolicyToUser', which, { method: 'POST' });
  const listed = await describeDisks(api, eva);
  assert.equal(listed.statusCode, 200);
  await assert.rejects(pop(api, eva, '2014-05-26').request('CreateDisk', newDisk), { code: 'Forbidden.RAM' });
  const identity = await pop(api, eva, '2015-04-01').request<{ IdentityType: string }>('GetCallerIdentity', {});
  assert.equal(identity.IdentityType, 'RAMUser');
});

async function openRole(api: ApiFixture, document: string) {
  const { account } = api.guard;
  const trustDocument = policyOf({
    ...{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { RAM: [account.resourceName('ram', 'root')] } },
  });
  await createRole(account, { roleName: 'worker', description: '', trustDocument, maxSessionSeconds: 3600 });
  const sts = policyOf({ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' });
  const user = await makeUser(api, 'eva', sts);
  await makeUser(api, 'powers', document);
  await attachPolicy(account, { policyType: 'Custom', policyName: 'powers', to: { roleName: 'worker' } });
  const assume = async (more: Record<string, string> = {}): Promise<Key> => {
    const RoleArn = account.resourceName('ram', 'role/worker');
    const { status, body } = await callAs(api, user.key, 'AssumeRole', { RoleArn, RoleSessionName: 'night', ...more });
    assert.equal(status, 200, JSON.stringify(body));
    const { AccessKeyId, AccessKeySecret, SecurityToken } = body['Credentials'] as Record<string, string>;
    return { accessKeyId: AccessKeyId ?? '', secret: AccessKeySecret ?? '', securityToken: SecurityToken ?? '' };
  };
  return { user, assume };
}

test('a temporary key does what its role may, narrowed by its own policy, and ends with whatever it stands on', async () => {
  await using api = await openApi();
  const { account } = api.guard;
  const { user, assume } = await openRole(api, policyOf({ Effect: 'Allow', Action: 'ecs:*', Resource: '*' }));
  const key = await assume();
  assert.equal((await describeDisks(api, key)).statusCode, 200);
  assert.equal((await callAs(api, key, 'CreateDisk', newDisk)).status, 200);
  assert.equal((await callAs(api, key, 'ListUsers')).status, 403);
  const narrow = await assume({ Policy: readOnly });
  assert.equal((await callAs(api, narrow, 'DescribeDisks')).status, 200);
  assert.equal((await callAs(api, narrow, 'CreateDisk', newDisk)).body['Code'], 'Forbidden.RAM');
  const wide = await assume({ Policy: policyOf({ Effect: 'Allow', Action: '*', Resource: '*' }) });
  assert.equal((await callAs(api, wide, 'ListUsers')).status, 403, 'a session policy gives nothing');
  const codeOf = async (one: Key) => (await callAs(api, one, 'DescribeDisks')).body['Code'];
  assert.equal(
    await codeOf({ ...key, securityToken: narrow.securityToken ?? '' }),
    'InvalidSecurityToken.MismatchWithAccessKey',
  );
  assert.equal(await codeOf({ ...key, securityToken: `${key.securityToken}x` }), 'InvalidSecurityToken.Malformed');
  assert.equal(await codeOf({ accessKeyId: key.accessKeyId, secret: key.secret }), 'InvalidAccessKeyId.NotFound');
  assert.equal(await codeOf({ ...key, secret: 'other' }), 'SignatureDoesNotMatch');
  const status = { userName: user.userName, accessKeyId: user.key.accessKeyId };
  await changeKey(account, { ...status, status: 'Inactive' });
  assert.equal(await codeOf(key), 'InvalidSecurityToken.Expired');
  await changeKey(account, { ...status, status: 'Active' });
  assert.equal(await codeOf(key), undefined);
  const late = { ...systemClock, nowMs: () => systemClock.nowMs() + 3_601_000 };
  const options = { catalog: api.world.catalog, masterKey: account.masterKey, clock: late, random: systemRandom };
  const rootPair = { accessKeyId: ACCESS_KEY_ID, accessKeySecret: ACCESS_KEY_SECRET };
  const later = await Account.open({
    ...options,
    rootKey: rootPair,
    log: { info: () => undefined, warn: () => undefined },
  });
  assert.throws(() => later.getSigner(key.accessKeyId, key.securityToken ?? ''), {
    code: 'InvalidSecurityToken.Expired',
  });
  await callAs(api, rootKey, 'DetachPolicyFromRole', {
    PolicyType: 'Custom',
    PolicyName: 'powers',
    RoleName: 'worker',
  });
  assert.equal((await callAs(api, rootKey, 'DeleteRole', { RoleName: 'worker' })).status, 200);
  assert.equal(await codeOf(key), 'InvalidSecurityToken.Expired');
  assert.equal(
    (
      await callAs(api, rootKey, 'AssumeRole', {
        RoleArn: account.resourceName('ram', 'role/worker'),
        RoleSessionName: 'me',
      })
    ).body['Code'],
    'NoPermission',
  );
});

test('tampered, replayed, stale, foreign and anonymous requests have their codes, and are in the audit log', async () => {
  await using api = await openApi();
  const user = await makeUser(api, 'eva', readOnly);
  const codeOf = async (query: string) => (await send(api, query)).body['Code'];
  const target = (changes: Record<string, string> = {}, tamper: (query: string) => string = (query) => query) => {
    const pairs = signPairs('GET', [...new Map([...commonPairs('DescribeDisks'), ...Object.entries(changes)])]);
    return tamper(`/?${encodePairs(pairs)}`);
  };
  const replayed = target();
  assert.equal(await codeOf(replayed), undefined);
  assert.equal(await codeOf(replayed), 'SignatureNonceUsed');
  assert.equal(
    await codeOf(target({ PageSize: '10' }, (query) => query.replace('PageSize=10', 'PageSize=20'))),
    'SignatureDoesNotMatch',
  );
  assert.equal(
    await codeOf(target({}, (query) => query.replace('DescribeDisks', 'DescribeSnapshots'))),
    'SignatureDoesNotMatch',
  );
  assert.equal(await codeOf(target({}, (query) => `${query}&DiskIds=%5B%5D`)), 'SignatureDoesNotMatch');
  assert.equal(
    await codeOf(target({ Timestamp: formatSecond(systemClock.nowMs() - 1_800_000) })),
    'InvalidTimeStamp.Expired',
  );
  assert.equal(await codeOf(target({ AccessKeyId: 'LTAIother' })), 'InvalidAccessKeyId.NotFound');
  assert.equal(
    await codeOf(target({ AccessKeyId: user.key.accessKeyId })),
    'SignatureDoesNotMatch',
    "another's secret",
  );
  assert.equal(await codeOf('/?Action=DescribeDisks&Version=2014-05-26'), 'MissingAccessKeyId');
  await changeKey(api.guard.account, { userName: 'eva', accessKeyId: user.key.accessKeyId, status: 'Inactive' });
  assert.equal((await callAs(api, user.key, 'DescribeDisks')).body['Code'], 'InvalidAccessKeyId.Inactive');
  const { body } = await callAs(api, rootKey, 'LookupEvents', { Direction: 'FORWARD', MaxResults: '50' });
  const codes = (body['Events'] as Record<string, unknown>[]).map((event) => event['errorCode']);
  assert.deepEqual(codes, [
    'SignatureNonceUsed',
    ...Array(3).fill('SignatureDoesNotMatch'),
    'InvalidTimeStamp.Expired',
    'InvalidAccessKeyId.NotFound',
    'SignatureDoesNotMatch',
    'MissingAccessKeyId',
    'InvalidAccessKeyId.Inactive',
  ]);
});

test('policies by resource, tag and address are as they are written', async () => {
  await using api = await openApi();
  const make = async (team: string) =>
    String((await call(api, 'CreateDisk', { ...newDisk, 'Tag.1.Key': 'team', 'Tag.1.Value': team })).body['DiskId']);
  const [ours, theirs] = [await make('a'), await make('b')];
  const user = await makeUser(api, 'eva', readOnly);
  const codeOf = async (action: string, parameters: Record<string, string> = {}) =>
    (await callAs(api, user.key, action, parameters)).body['Code'] ?? 'fine';
  const tagged = { StringEquals: { 'acs:ResourceTag/team': 'a' } };
  await setPolicy(api, user, policyOf({ Effect: 'Allow', Action: 'ecs:*', Resource: '*', Condition: tagged }));
  const rename = (DiskId: string) => codeOf('ModifyDiskAttribute', { DiskId, DiskName: 'renamed' });
  assert.equal(await rename(ours), 'fine');
  assert.equal(await rename(theirs), 'Forbidden.RAM');
  assert.equal(await rename('d-bp1absent0000000000'), 'Forbidden.RAM', 'as if it were there');
  assert.equal(await codeOf('DescribeDisks'), 'Forbidden.RAM');
  assert.equal(await codeOf('DescribeDisks', { DiskIds: JSON.stringify([ours]) }), 'fine');
  assert.equal(await codeOf('DescribeDisks', { DiskIds: JSON.stringify([ours, theirs]) }), 'Forbidden.RAM');
  assert.equal(await codeOf('DescribeDisks', { 'Tag.1.Key': 'team', 'Tag.1.Value': 'a' }), 'fine');
  assert.equal(await codeOf('DescribeDisks', { 'Tag.1.Key': 'team' }), 'Forbidden.RAM');
  const put = { StringEquals: { 'acs:RequestTag/team': 'a' } };
  await setPolicy(api, user, policyOf({ Effect: 'Allow', Action: 'ecs:*', Resource: '*', Condition: put }));
  assert.equal(await codeOf('CreateDisk', newDisk), 'Forbidden.RAM');
  assert.equal(await codeOf('CreateDisk', { ...newDisk, 'Tag.1.Key': 'team', 'Tag.1.Value': 'a' }), 'fine');
  const near = (range: string) => ({ IpAddress: { 'acs:SourceIp': range }, Bool: { 'acs:SecureTransport': 'false' } });
  await setPolicy(api, user, policyOf({ Effect: 'Allow', Action: '*', Resource: '*', Condition: near('127.0.0.0/8') }));
  assert.equal(await codeOf('DescribeDisks'), 'fine');
  await setPolicy(api, user, policyOf({ Effect: 'Allow', Action: '*', Resource: '*', Condition: near('10.0.0.0/8') }));
  assert.equal(await codeOf('DescribeDisks'), 'Forbidden.RAM');
});

test('a ClientToken is of the user who sent it', async () => {
  await using api = await openApi();
  const all = policyOf({ Effect: 'Allow', Action: '*', Resource: '*' });
  const [eva, bob] = [await makeUser(api, 'eva', all), await makeUser(api, 'bob', all)];
  const make = async (key: Key) =>
    (await callAs(api, key, 'CreateDisk', { ...newDisk, ClientToken: 'same' })).body['DiskId'];
  const ids = [await make(eva.key), await make(bob.key), await make(rootKey)];
  assert.equal(new Set(ids).size, 3);
  assert.deepEqual([await make(eva.key), await make(bob.key), await make(rootKey)], ids);
  const other = await callAs(api, eva.key, 'CreateDisk', { ...newDisk, Size: '30', ClientToken: 'same' });
  assert.match(String(other.body['Message']), /The ClientToken same was used/);
});

test('the audit log tells who changed what, from where and what came of it, and no secrets', async () => {
  await using api = await openApi();
  const eva = await makeUser(api, 'eva', readOnly);
  const disk = String((await call(api, 'CreateDisk', newDisk)).body['DiskId']);
  await call(api, 'DescribeDisks');
  await callAs(api, eva.key, 'DeleteDisk', { DiskId: disk });
  await call(api, 'DeleteDisk', { DiskId: 'd-bp1absent0000000000' });
  await call(api, 'ModifyInstanceAttribute', { InstanceId: 'i-x', UserData: 'c2VjcmV0', Password: 'Secret-123' });
  const created = await callAs(api, rootKey, 'CreateAccessKey', { UserName: 'eva' });
  const { AccessKeySecret: secret } = created.body['AccessKey'] as Record<string, string>;
  const lookup = async (filter: Record<string, string> = {}) => {
    const given = Object.entries(filter).flatMap(([key, value], at) => [
      [`LookupAttribute.${at + 1}.Key`, key],
      [`LookupAttribute.${at + 1}.Value`, value],
    ]);
    const { status, body } = await callAs(
      api,
      rootKey,
      'LookupEvents',
      Object.fromEntries(given) as Record<string, string>,
    );
    assert.equal(status, 200, JSON.stringify(body));
    return body['Events'] as Record<string, unknown>[];
  };
  const all = await lookup();
  assert.deepEqual(
    all.map(({ eventName, errorCode }) => [eventName, errorCode]),
    [
      ['CreateAccessKey', undefined],
      ['ModifyInstanceAttribute', all[1]?.['errorCode']],
      ['DeleteDisk', 'InvalidDiskId.NotFound'],
      ['DeleteDisk', 'Forbidden.RAM'],
      ['CreateDisk', undefined],
    ],
  );
  const text = JSON.stringify(all);
  for (const hidden of ['c2VjcmV0', 'Secret-123', secret ?? '', 'Signature']) assert.ok(!text.includes(hidden), hidden);
  assert.deepEqual(
    (await lookup({ ResourceName: disk })).map(({ eventName, errorCode }) => [eventName, errorCode]),
    [
      ['DeleteDisk', 'Forbidden.RAM'],
      ['CreateDisk', undefined],
    ],
  );
  const [refused] = await lookup({ User: 'eva' });
  assert.equal(refused?.['sourceIpAddress'], '127.0.0.1');
  assert.match(JSON.stringify(refused?.['userIdentity']), new RegExp(`"accessKeyId":"${eva.key.accessKeyId}"`));
  assert.equal((await lookup({ EventName: 'DeleteDisk' })).length, 2);
  assert.equal((await lookup({ EventRW: 'Read' })).length, 0);
  const first = await callAs(api, rootKey, 'LookupEvents', { MaxResults: '2' });
  const next = await callAs(api, rootKey, 'LookupEvents', {
    MaxResults: '50',
    NextToken: String(first.body['NextToken']),
  });
  assert.equal((next.body['Events'] as unknown[]).length, 3);
});

test('whoever asks too often waits, and nobody else does; failures take nothing from a key', async () => {
  await using api = await openApi();
  const { guard } = api;
  const [eva, bob] = [await makeUser(api, 'eva', readOnly), await makeUser(api, 'bob', readOnly)];
  Object.assign(guard, { reads: new Throttle({ perSecond: 0.01, burst: 3 }) });
  for (const _ of [1, 2, 3]) assert.equal((await callAs(api, eva.key, 'DescribeDisks')).status, 200);
  const { status, body, headers } = await callAs(api, eva.key, 'DescribeDisks');
  assert.deepEqual([status, body['Code']], [400, 'Throttling.User']);
  const waitMs = Number(headers.get('x-acs-retry-after'));
  assert.ok(waitMs > 90_000 && waitMs <= 100_000, `${waitMs}`);
  assert.equal(
    (await callAs(api, eva.key, 'CreateDisk', newDisk)).body['Code'],
    'Forbidden.RAM',
    'changes count apart',
  );
  Object.assign(guard, { failures: new Throttle({ perSecond: 0.01, burst: 20 }) });
  for (let index = 0; index < 20; index++) await callAs(api, { ...bob.key, secret: 'guessed' }, 'DescribeDisks');
  const guess = await callAs(api, { ...bob.key, secret: 'guessed' }, 'DescribeDisks');
  assert.deepEqual([guess.body['Code'], guess.headers.has('x-acs-retry-after')], ['Throttling.User', true]);
  assert.equal((await callAs(api, bob.key, 'DescribeDisks')).status, 200, 'from the same address');
});

test('no secret is in the catalog; without its master key users wait for new ones, and root does not', async () => {
  await using api = await openApi();
  const eva = await makeUser(api, 'eva', readOnly);
  const folder = api.world.folder;
  const stored = fs.readdirSync(folder).filter((name) => name.startsWith('catalog.db'));
  const bytes = stored.map((name) => fs.readFileSync(path.join(folder, name), 'latin1')).join('');
  assert.ok(bytes.includes(eva.key.accessKeyId));
  assert.ok(!bytes.includes(eva.key.secret));
  const warnings: string[] = [];
  const other = await Account.open({
    ...{ catalog: api.world.catalog, masterKey: new MasterKey(systemRandom.bytes(32), systemRandom) },
    rootKey: { accessKeyId: ACCESS_KEY_ID, accessKeySecret: ACCESS_KEY_SECRET },
    ...{
      clock: systemClock,
      random: systemRandom,
      log: { info: () => undefined, warn: (text) => void warnings.push(text) },
    },
  });
  assert.match(warnings.join(), /secrets of 1 AccessKeys.*master\.json/);
  assert.throws(() => other.getSigner(eva.key.accessKeyId, null), { code: 'InvalidAccessKeyId.Inactive' });
  assert.equal(other.getSigner(ACCESS_KEY_ID, null).principal.kind, 'root');
});

test('clients that reach RAM and STS by their own names through a proxy are served', async () => {
  await using api = await openApi();
  for (const [host, action, version] of [
    ['ram.aliyuncs.com', 'ListUsers', '2015-05-01'],
    ['sts.cn-hangzhou.aliyuncs.com', 'GetCallerIdentity', '2015-04-01'],
  ] as const) {
    const pairs = signPairs('GET', [...new Map([...commonPairs(action), ['Version', version]])]);
    const line = `GET http://${host}/?${encodePairs(pairs)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    assert.equal(parseRaw(await sendRaw(api, line)).status, 200, host);
  }
});

test('what a user still has is taken away before the user is', async () => {
  await using api = await openApi();
  await makeUser(api, 'eva', readOnly);
  await assert.rejects(deleteUser(api.guard.account, 'eva'), { code: 'DeleteConflict.User.AccessKey' });
  const codeOf = async (action: string, parameters: Record<string, string>) =>
    (await callAs(api, rootKey, action, parameters)).body['Code'] ?? 'fine';
  assert.equal(await codeOf('CreateUser', { UserName: 'eva' }), 'EntityAlreadyExist.User');
  assert.equal(await codeOf('CreateUser', { UserName: 'e v a' }), 'InvalidParameter.UserName.InvalidChars');
  assert.equal(await codeOf('GetUser', { UserName: 'bob' }), 'EntityNotExist.User');
  assert.equal(await codeOf('DeletePolicy', { PolicyName: 'eva' }), 'DeleteConflict.Policy.User');
  assert.equal(await codeOf('CreateAccessKey', { UserName: 'eva' }), 'fine');
  assert.equal(await codeOf('CreateAccessKey', { UserName: 'eva' }), 'LimitExceeded.User.AccessKey');
  assert.equal(await codeOf('CreatePolicy', { PolicyName: 'p', PolicyDocument: '{}' }), 'MalformedPolicyDocument');
});
