/** Tests of the account and of the audit log where a server dies: each change is whole or nothing, and none is without a record. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { Catalog } from '../catalog/catalog.ts';
import { systemClock } from '../lib/clock.ts';
import { systemFiles } from '../lib/files.ts';
import { systemRandom } from '../lib/random.ts';
import { Account } from './account.ts';
import type { AuditEvent } from './audit-event.ts';
import { AuditLog } from './audit-log.ts';
import { ensureMasterKey } from './master-key.ts';
import { attachPolicy, createPolicy, deletePolicy } from './policies.ts';
import { Throttle } from './throttle.ts';
import { createKey, createUser } from './users.ts';

const facts = { displayName: '', comments: '', mobilePhone: '', email: '' };
const rootKey = { accessKeyId: 'root', accessKeySecret: 'secret' };
const document = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}';

function makeFolder(): Disposable & { folder: string } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-account-'));
  return { folder, [Symbol.dispose]: () => fs.rmSync(folder, { recursive: true }) };
}

async function open(folder: string, warnings: string[] = [], dying = { at: Infinity }) {
  const catalog = await Catalog.open(path.join(folder, 'catalog.db'), 'held');
  const masterKey = await ensureMasterKey(systemFiles, path.join(folder, 'keys'), systemRandom);
  const log = { info: () => undefined, warn: (text: string) => void warnings.push(text) };
  let statements = 0;
  // Dies at the n-th statement that changes anything, inside its transaction.
  const mortal = new Proxy(catalog, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'transaction') return typeof value === 'function' ? value.bind(target) : value;
      return (work: (transaction: object) => Promise<unknown>) =>
        target.transaction((transaction) => work(mortalQueries(transaction)));
    },
  });
  const mortalQueries = <T extends object>(queries: T): T =>
    new Proxy(queries, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (/^(insertInto|updateTable|deleteFrom)$/.test(String(name)) && ++statements === dying.at)
          throw new Error('died');
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  const account = await Account.open({
    catalog: mortal,
    masterKey,
    rootKey,
    clock: systemClock,
    random: systemRandom,
    log,
  });
  return { catalog, account };
}

test('whatever statement of a change a server dies at, the change is whole or nothing', async () => {
  for (let at = 1; at <= 6; at++) {
    using place = makeFolder();
    fs.mkdirSync(path.join(place.folder, 'keys'));
    const first = await open(place.folder);
    await first.catalog.close();
    const { catalog, account } = await open(place.folder, [], { at: at + 1 }); // the first says the account's id
    const done: string[] = [];
    const attempt = async (name: string, change: () => Promise<unknown>) => {
      await change().then(
        () => done.push(name),
        () => undefined,
      );
    };
    await attempt('user', () => createUser(account, 'eva', facts));
    await attempt('key', () => createKey(account, 'eva'));
    await attempt('policy', () => createPolicy(account, { policyName: 'all', description: '', document }));
    await attempt('attached', () =>
      attachPolicy(account, { policyType: 'Custom', policyName: 'all', to: { userName: 'eva' } }),
    );
    await catalog.close();
    const after = await open(place.folder);
    const { state } = after.account;
    const held = [...state.attachments.values()].flat();
    const found = [
      ...(state.usersByName.has('eva') ? ['user'] : []),
      ...(state.keys.size === 1 ? ['key'] : []),
      ...(state.policies.get('all')?.versions.length === 1 ? ['policy'] : []),
      ...(held.length === 1 ? ['attached'] : []),
    ];
    assert.deepEqual(found, done, `died at ${at}`);
    for (const id of state.keys.keys()) assert.equal(after.account.getSigner(id, null).principal.name, 'eva');
    await after.catalog.close();
  }
});

test('the account id and the master key stay; without the key, users’ keys are refused and the log says so', async () => {
  using place = makeFolder();
  fs.mkdirSync(path.join(place.folder, 'keys'));
  const before = await open(place.folder);
  await createUser(before.account, 'eva', facts);
  const { key, secret } = await createKey(before.account, 'eva');
  await before.catalog.close();
  const again = await open(place.folder);
  assert.equal(again.account.accountId, before.account.accountId);
  assert.equal(again.account.getSigner(key.access_key_id, null).secret, secret);
  await again.catalog.close();
  const file = path.join(place.folder, 'keys/master.json');
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  fs.rmSync(file);
  const warnings: string[] = [];
  const lost = await open(place.folder, warnings);
  assert.match(warnings.join(), /secrets of 1 AccessKeys/);
  assert.throws(() => lost.account.getSigner(key.access_key_id, null), { code: 'InvalidAccessKeyId.Inactive' });
  assert.equal(lost.account.getSigner('root', null).principal.kind, 'root');
  await createUser(lost.account, 'bob', facts);
  const made = await createKey(lost.account, 'bob');
  assert.equal(lost.account.getSigner(made.key.access_key_id, null).secret, made.secret);
  await lost.catalog.close();
  fs.writeFileSync(file, '{}');
  await assert.rejects(open(place.folder), /master\.json holds no key: put it back, or remove it/);
});

test('a sealed secret is of no use in the place of another, or changed', async () => {
  using place = makeFolder();
  const masterKey = await ensureMasterKey(systemFiles, place.folder, systemRandom);
  const sealed = masterKey.seal('secrets', 'one', Buffer.from('secret'));
  assert.equal(masterKey.open('secrets', 'one', sealed)?.toString(), 'secret');
  assert.equal(masterKey.open('secrets', 'two', sealed), null);
  assert.equal(masterKey.open('sessions', 'one', sealed), null);
  for (let at = 0; at < sealed.length; at += 7) {
    const other = sealed[at] === 'A' ? 'B' : 'A';
    assert.equal(masterKey.open('secrets', 'one', sealed.slice(0, at) + other + sealed.slice(at + 1)), null);
  }
  assert.equal(masterKey.open('secrets', 'one', ''), null);
});

test('a policy that somebody has is not deleted', async () => {
  using place = makeFolder();
  fs.mkdirSync(path.join(place.folder, 'keys'));
  const { account, catalog } = await open(place.folder);
  await createUser(account, 'eva', facts);
  await createPolicy(account, { policyName: 'all', description: '', document });
  await attachPolicy(account, { policyType: 'Custom', policyName: 'all', to: { userName: 'eva' } });
  await assert.rejects(deletePolicy(account, 'all'), { code: 'DeleteConflict.Policy.User' });
  await catalog.close();
});

function eventOf(eventId: string, more: Partial<AuditEvent> = {}): AuditEvent {
  return {
    ...{ eventId, atMs: systemClock.nowMs(), service: 'ecs', apiVersion: '2014-05-26', eventName: 'DeleteDisk' },
    ...{ isWrite: true, principal: null, accessKeyId: 'k', sourceIp: '::1', userAgent: '', regionId: 'r' },
    ...{ parameters: {}, resources: ['d-1'], ...more },
  };
}

const everything = { fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER, oldestFirst: true, limit: 5000, after: null };

test('a change whose server died has a record, and its result is unknown', async () => {
  using place = makeFolder();
  const file = path.join(place.folder, 'audit.db');
  const warnings: string[] = [];
  const options = {
    clock: systemClock,
    keepDays: 1,
    log: { info: () => undefined, warn: (text: string) => void warnings.push(text) },
  };
  const dying = AuditLog.open(file, options);
  await Promise.all([dying.begin(eventOf('1')), dying.begin(eventOf('2'))]);
  // What a killed process leaves is what other readers see: nothing that was pending is written.
  using dead = makeFolder();
  fs.cpSync(place.folder, dead.folder, { recursive: true });
  dying.end('1', { errorCode: null, errorMessage: null, created: ['s-1'] });
  await dying.close();
  const found = (name: string) => {
    const log = AuditLog.open(name, options);
    const { events } = log.lookup(everything);
    return { log, codes: events.map(({ outcome }) => outcome?.errorCode) };
  };
  const killed = found(path.join(dead.folder, 'audit.db'));
  assert.deepEqual(killed.codes, ['ResultUnknown', 'ResultUnknown']);
  await killed.log.close();
  const closed = found(file);
  assert.deepEqual(closed.codes, [null, 'ResultUnknown']);
  assert.equal(closed.log.lookup({ ...everything, resource: 's-1' }).events.length, 1);
  await closed.log.close();
  fs.writeFileSync(file, 'x'.repeat(8192));
  const anew = found(file);
  assert.deepEqual(anew.codes, []);
  assert.match(warnings.join(), /damaged and was put aside/);
  await anew.log.close();
});

test('old records go; of a flood of refusals only some are written, with how many were not', async () => {
  let nowMs = 1_000_000;
  const clock = { ...systemClock, nowMs: () => nowMs, monotonicMs: () => nowMs };
  const log = AuditLog.open(':memory:', { clock, keepDays: 1, log: { info: () => undefined, warn: () => undefined } });
  const refused = { errorCode: 'Forbidden.RAM', errorMessage: 'no', created: [] };
  for (let count = 0; count < 2000; count++) log.refuse(eventOf(String(count), { atMs: nowMs }), refused);
  assert.equal(log.lookup(everything).events.length, 500);
  nowMs += 60_000;
  log.refuse(eventOf('later', { atMs: nowMs }), refused);
  assert.match(log.lookup(everything).events.at(-1)?.outcome?.errorMessage ?? '', /1500 refusals before this one/);
  nowMs += 2 * 86_400_000;
  await log.begin(eventOf('new', { atMs: nowMs }));
  assert.deepEqual(
    log.lookup(everything).events.map(({ eventId }) => eventId),
    ['new'],
  );
  await log.close();
});

test('a bucket gives its burst, then its rate, and says how long to wait', () => {
  const throttle = new Throttle({ perSecond: 10, burst: 5 });
  const take = (owner: string, ms: number) => throttle.take(owner, ms);
  for (let count = 0; count < 5; count++) assert.equal(take('a', 0), 0);
  assert.equal(take('a', 0), 100);
  assert.equal(take('b', 0), 0);
  assert.equal(take('a', 50), 50);
  assert.equal(take('a', 100), 0);
  assert.equal(take('a', 1_000_000), 0);
  assert.equal(new Throttle(null).take('a', 0), 0);
});
