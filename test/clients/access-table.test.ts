/**
 * No action works that no policy allows: every action of every product, over HTTP, as users who may do nothing, this alone,
 * everything but this, and everything but on one of the resources that the request names.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { findAccessRule, listRuledActions } from '../../src/api/access-rules.ts';
import { actions } from '../../src/api/action-list.ts';
import type { Action } from '../../src/api/action.ts';
import { coveredNames } from '../../src/api/parameters.ts';
import { accountActions } from '../../src/api/products.ts';
import { attachPolicy, createPolicy } from '../../src/access/policies.ts';
import { createRole } from '../../src/access/roles.ts';
import { createUser } from '../../src/access/users.ts';
import { recipesOf, type Parameters } from '../conformance/recipes.ts';
import { openScene, type Scene } from '../conformance/scene.ts';
import { callAs, everyAction, makeUser, policyOf, setPolicy, type TestUser } from './access-fixture.ts';
import type { Answer } from './api-fixture.ts';

const isFree = ({ service, name }: Action) => findAccessRule(service, name)?.isFree === true;
const nameOf = ({ service, name }: Action) => `${service}:${name}`;
const isDenied = ({ status, body }: Answer) =>
  status === 403 &&
  ['Forbidden.RAM', 'NoPermission'].includes(String(body['Code'])) &&
  body['AccessDeniedDetail'] !== undefined;

const trust = policyOf({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { RAM: ['*'] } });
const document = policyOf({ Effect: 'Allow', Action: 'ecs:*', Resource: '*' });
const attachment = { PolicyType: 'Custom', PolicyName: 'that' };

/** A good request for each of the account's own actions; what they name is made by `openAccount`. */
const accountRecipes: Record<string, Parameters> = {
  CreateUser: { UserName: 'new' },
  UpdateUser: { UserName: 'somebody', NewComments: 'x' },
  UpdateAccessKey: { UserName: 'somebody', UserAccessKeyId: 'LTAIx', Status: 'Inactive' },
  DeleteAccessKey: { UserName: 'somebody', UserAccessKeyId: 'LTAIx' },
  CreatePolicy: { PolicyName: 'new', PolicyDocument: document },
  CreatePolicyVersion: { PolicyName: 'that', PolicyDocument: document },
  DeletePolicyVersion: { PolicyName: 'that', VersionId: 'v2' },
  SetDefaultPolicyVersion: { PolicyName: 'that', VersionId: 'v1' },
  GetPolicyVersion: { ...attachment, VersionId: 'v1' },
  CreateRole: { RoleName: 'new', AssumeRolePolicyDocument: trust },
};

function requestsOf(action: Action, scene: Scene): Parameters[] {
  if (action.service === 'ecs') return [{}, ...goodOnes(action.name, scene)];
  const arn = scene.api.guard.account.resourceName('ram', 'role/somerole');
  const usual = {
    ...(/(User|AccessKey|AccessKeys)$/.test(action.name) && { UserName: 'somebody' }),
    ...(/Polic/.test(action.name) && attachment),
    ...(action.name.endsWith('Role') && { RoleName: 'somerole', RoleArn: arn, RoleSessionName: 'me' }),
  };
  return [{}, accountRecipes[action.name] ?? usual];
}

/** The two of imports write over NBD, which nothing here does. */
function goodOnes(name: string, scene: Scene): Parameters[] {
  if (name === 'HupoCompleteImport') return [{ DiskId: scene.usedDisk }];
  if (name === 'HupoBeginImport') return goodOnes('CreateDisk', scene).slice(0, 1);
  return recipesOf(name).map((recipe) => recipe(scene));
}

async function openAccount({ api }: Scene): Promise<void> {
  const { account } = api.guard;
  await createUser(account, 'somebody', { displayName: '', comments: '', mobilePhone: '', email: '' });
  await createPolicy(account, { policyName: 'that', description: '', document });
  const role = { roleName: 'somerole', description: '', trustDocument: trust, maxSessionSeconds: 3600 };
  await createRole(account, role);
}

test('every action has a rule, and every rule an action', () => {
  const named = everyAction.map(nameOf).sort();
  assert.deepEqual(listRuledActions().sort(), named);
  assert.ok(named.length > 110, `only ${named.length} actions`);
});

/** Parameters that are called as ids are, and that no policy need be asked about. */
const NOT_ASKED = new Map([
  [
    /^(RegionId|DestinationRegionId|ZoneId|OwnerId|ImageOwnerId|NextToken|RamRoleName|KeyPairName)(\.N)?$/,
    'places, pages, and what there is none of',
  ],
  [/ResourceGroupId$/, 'a name that resources carry, with nothing of its own behind it'],
  [/^(VpcId|VSwitchId|SecurityGroupId|SecurityGroupIds(\.N)?)$/, 'the one network that there is'],
  [/(KMSKeyId|StorageClusterId|ClusterId|PrivatePoolOptions\.Id|TaskGroupId)(\.N)?$/, 'there are none'],
  [/^ExcludeDiskId\.N$/, 'what is not touched'],
  [/^SubscriptionId(\.N)?$/, 'subscriptions have no resource name: they are asked about as *'],
  [/^AutoSnapshotPolicyName$/i, 'a name for people'],
  [/^CopyEncryptionConfiguration\.Arn$/, 'there is no encryption that a role would be taken for'],
  [/^(TaskId|TaskIds|ResourceIds\.N)$/, 'tasks have no resource name: they are asked about as *'],
  [
    /^(EventId|LookupAttribute\.N\.\w+|SnapshotLinkIds|SnapshotLinkId|VersionId)$/,
    'a part of what is asked about as a whole',
  ],
]);
/** Filters of lists of something else: what is listed is asked about, not what it is limited by. */
const FILTERS = new Map([
  ['DescribeDisks', ['InstanceId', 'SnapshotId', 'AutoSnapshotPolicyId']],
  ['HupoDescribeRecycleBin', ['DiskId']],
  ['HupoDescribeEvents', ['ResourceId.N']],
  ['DescribeSnapshots', ['DiskId', 'InstanceId']],
  ['DescribeSnapshotGroups', ['InstanceId']],
  ['DescribeSnapshotLinks', ['InstanceId']],
  ['DescribeImages', ['SnapshotId']],
  ['DescribeInstances', ['ImageId']],
  ['DescribeNetworkInterfaces', ['InstanceId']],
]);

test('every parameter that names a resource is asked about, and rules name parameters that are there', () => {
  for (const action of everyAction) {
    const rule = findAccessRule(action.service, action.name);
    assert.ok(rule);
    const names = coveredNames(
      Object.fromEntries(Object.entries(action.parameters).filter(([, { use }]) => use === 'used')),
    );
    const plain = new Set(names.map((name) => name.replaceAll('.N', '')));
    const asked = rule.touches.flatMap((touch) => [
      ...('path' in touch ? [touch.path] : []),
      ...('type' in touch && typeof touch.type === 'object' ? [touch.type.named] : []),
      ...('region' in touch ? [touch.region ?? ''] : []),
    ]);
    for (const path of asked)
      assert.ok(plain.has(path.replaceAll('.N', '')), `${nameOf(action)} has no parameter ${path}`);
    for (const name of names.filter((one) => /(Id|Ids|Arn|UserName|RoleName|PolicyName)(\.N)?$/.test(one))) {
      const isNew = /^Create(User|Role|Policy)$/.test(action.name) || name.startsWith('New');
      const isExcused =
        isNew ||
        [...NOT_ASKED.keys()].some((pattern) => pattern.test(name)) ||
        (FILTERS.get(action.name) ?? []).includes(name) ||
        name === 'UserAccessKeyId';
      assert.ok(
        isExcused || asked.some((path) => path.replaceAll('.N', '') === name.replaceAll('.N', '')),
        `${nameOf(action)} acts on ${name} unasked`,
      );
    }
  }
});

test('every action, as a user without policies, is refused and says nothing of what there is', async () => {
  await using scene = await openScene();
  await openAccount(scene);
  const nobody = await makeUser(scene.api, 'nobody', null);
  const before = scene.api.calls.length;
  for (const action of everyAction.filter((one) => !isFree(one))) {
    for (const parameters of requestsOf(action, scene)) {
      const answer = await callAs(scene.api, nobody.key, action.name, parameters);
      assert.ok(isDenied(answer), `${nameOf(action)} ${JSON.stringify(answer.body)}`);
      const detail = answer.body['AccessDeniedDetail'] as Record<string, string>;
      assert.deepEqual(
        [
          detail['AuthAction'],
          detail['NoPermissionType'],
          detail['AuthPrincipalType'],
          detail['AuthPrincipalDisplayName'],
        ],
        [nameOf(action), 'ImplicitDeny', 'SubUser', nobody.userId],
      );
      assert.match(String(answer.body['Message']), new RegExp(`nobody may not do ${nameOf(action)} on `));
    }
  }
  assert.equal(scene.api.calls.length, before, 'nothing reached the control plane');
});

test('every action, as a user who may do this alone, is not refused; and no other is done', async () => {
  await using scene = await openScene();
  await openAccount(scene);
  const user = await makeUser(scene.api, 'one', policyOf({ Effect: 'Allow', Action: 'ecs:None', Resource: '*' }));
  const other = (action: Action) => (action.name === 'DescribeDisks' ? 'DescribeInstances' : 'DescribeDisks');
  let good = 0;
  for (const action of everyAction) {
    await setPolicy(scene.api, user, policyOf({ Effect: 'Allow', Action: nameOf(action), Resource: '*' }));
    for (const parameters of requestsOf(action, scene)) {
      const answer = await callAs(scene.api, user.key, action.name, parameters);
      assert.ok(!isDenied(answer), `${nameOf(action)} ${JSON.stringify(answer.body)}`);
      good += answer.status === 200 ? 1 : 0;
    }
    assert.ok(isDenied(await callAs(scene.api, user.key, other(action))), nameOf(action));
  }
  assert.ok(good > 90, `only ${good} requests were good ones`);
});

test('every action, where all but this is allowed, is refused; so it is where a statement denies it', async () => {
  await using scene = await openScene();
  await openAccount(scene);
  const user = await makeUser(scene.api, 'rest', policyOf({ Effect: 'Allow', Action: 'ecs:None', Resource: '*' }));
  for (const action of everyAction.filter((one) => !isFree(one))) {
    const name = nameOf(action);
    const everything = { Effect: 'Allow', Action: '*', Resource: '*' };
    const [bare = {}, full = bare] = requestsOf(action, scene);
    await setPolicy(scene.api, user, policyOf({ Effect: 'Allow', NotAction: name, Resource: '*' }));
    assert.ok(isDenied(await callAs(scene.api, user.key, action.name, full)), name);
    await setPolicy(scene.api, user, policyOf(everything, { Effect: 'Deny', Action: name, Resource: '*' }));
    const answer = await callAs(scene.api, user.key, action.name, full);
    assert.ok(isDenied(answer), name);
    const detail = answer.body['AccessDeniedDetail'] as Record<string, string>;
    assert.equal(detail['NoPermissionType'], 'ExplicitDeny', name);
  }
});

test('every id in a request counts: denied on any one of them, the whole request is refused', async () => {
  await using scene = await openScene();
  await openAccount(scene);
  const user = await makeUser(scene.api, 'picky', policyOf({ Effect: 'Allow', Action: 'ecs:None', Resource: '*' }));
  let compared = 0;
  for (const action of actions) {
    for (const parameters of goodOnes(action.name, scene)) {
      for (const id of idsOf(parameters)) {
        compared += 1;
        await expectDenied(scene, user, { action, parameters, id });
      }
    }
  }
  assert.ok(compared > 60, `only ${compared} compared`);
});

async function expectDenied(
  scene: Scene,
  user: TestUser,
  { action, parameters, id }: { action: Action; parameters: Parameters; id: string },
): Promise<void> {
  const everything = { Effect: 'Allow', Action: '*', Resource: '*' };
  const not = { Effect: 'Deny', Action: '*', Resource: `acs:ecs:*:*:*/${id}` };
  await setPolicy(scene.api, user, policyOf(everything, not));
  const answer = await callAs(scene.api, user.key, action.name, parameters);
  assert.ok(isDenied(answer), `${action.name} ${id} ${JSON.stringify(answer.body)}`);
  assert.match(String(answer.body['Message']), new RegExp(`on acs:ecs:cn-hangzhou:\\d{16}:[a-z]+/${id};`));
  await setPolicy(scene.api, user, policyOf({ ...everything, Resource: `acs:ecs:*:*:*/not-${id}` }));
  const other = await callAs(scene.api, user.key, action.name, parameters);
  assert.ok(isDenied(other), `${action.name} ${JSON.stringify(other.body)}`);
}

/** Those of disks, snapshots, groups, instances and images; other ids have no resource of their own. */
function idsOf(parameters: Parameters): string[] {
  return Object.values(parameters).flatMap((value) => value.match(/\b(?:d|s|ssg|i|m)-[0-9a-z]{20}\b/g) ?? []);
}

test('the actions of the account name users, roles and policies that count', async () => {
  await using scene = await openScene();
  await openAccount(scene);
  const allowed = policyOf({ Effect: 'Allow', Action: 'ram:*', Resource: 'acs:ram:*:*:user/some*' });
  const user = await makeUser(scene.api, 'clerk', allowed);
  const outcomes: Record<string, boolean> = {};
  for (const { name } of accountActions.filter(({ service }) => service === 'ram')) {
    const action = everyAction.find((one) => one.name === name);
    const full = action === undefined ? {} : (requestsOf(action, scene)[1] ?? {});
    outcomes[name] = !isDenied(await callAs(scene.api, user.key, name, full));
  }
  const may = Object.keys(outcomes).filter((name) => outcomes[name]);
  assert.deepEqual(may, [
    ...[
      'GetUser',
      'UpdateUser',
      'DeleteUser',
      'CreateAccessKey',
      'ListAccessKeys',
      'UpdateAccessKey',
      'DeleteAccessKey',
    ],
    'ListPoliciesForUser',
  ]);
  const attach = { PolicyType: 'System', PolicyName: 'AdministratorAccess', UserName: 'clerk' };
  assert.ok(isDenied(await callAs(scene.api, user.key, 'AttachPolicyToUser', attach)), 'nobody makes themselves root');
  await attachPolicy(scene.api.guard.account, {
    ...{ policyType: 'System', policyName: 'AliyunRAMReadOnlyAccess', to: { userName: 'clerk' } },
  });
  assert.equal((await callAs(scene.api, user.key, 'ListRoles')).status, 200);
});
