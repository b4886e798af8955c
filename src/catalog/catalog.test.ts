import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { Kysely, sql } from 'kysely';
import { systemClock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import { emptyTree } from '../repository/tree-ref.ts';
import { Catalog } from './catalog.ts';
import { deleteOldClientTokens, findClientToken, insertClientToken, TOKEN_KEPT_MS } from './client-tokens.ts';
import { listAllDisks } from './disks.ts';
import { findImage, isImageNameTaken, listImageDisks, updateImage } from './images.ts';
import { findInstance } from './instances.ts';
import { DEFAULT_RESOURCE_GROUP_ID } from '../ecs/resource-groups.ts';
import { migrate, migrations } from './migrations.ts';
import { CatalogNonceLog, NONCE_KEPT_MS } from './nonces.ts';
import { advanceOperation, endOperation, findOperation, insertOperation, markUndoing } from './operations.ts';
import type { Schema } from './schema.ts';
import { clearSetting, findSetting, putSetting } from './settings.ts';
import { createSqliteDialect } from './sqlite-dialect.ts';

const silent = { info: () => undefined, warn: () => undefined };

function createFolder(t: TestContext): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-catalog-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, 'catalog.db');
}

test('an open catalog refuses a second opening, also after it was written to, and a closed one does not', async (t) => {
  const file = createFolder(t);
  const first = await Catalog.open(file, 'held');
  await putSetting(first.queries, 'name', 'value');
  const held = (error: unknown) => error instanceof OperationalError && error.message === 'in use';
  await assert.rejects(Catalog.open(file, 'in use'), held);
  await findSetting(first.queries, 'name');
  await assert.rejects(Catalog.open(file, 'in use'), held);
  await first.close();
  const second = await Catalog.open(file, 'held');
  assert.equal(await findSetting(second.queries, 'name'), 'value');
  assert.equal(second.epoch, first.epoch + 1);
  await second.close();
});

test('a catalog file is readable by its owner alone', async (t) => {
  const file = createFolder(t);
  const catalog = await Catalog.open(file, 'held');
  await putSetting(catalog.queries, 'name', 'value');
  for (const name of fs.readdirSync(path.dirname(file))) {
    assert.equal(fs.statSync(path.join(path.dirname(file), name)).mode & 0o077, 0, name);
  }
  await catalog.close();
});

test('a transaction that throws leaves nothing, and others wait for one under way', async (t) => {
  const catalog = await Catalog.open(createFolder(t), 'held');
  await assert.rejects(
    catalog.transaction(async (transaction) => {
      await putSetting(transaction, 'name', 'lost');
      throw new Error('no');
    }),
    /no/,
  );
  assert.equal(await findSetting(catalog.queries, 'name'), undefined);
  const order: string[] = [];
  const slow = catalog.transaction(async (transaction) => {
    await putSetting(transaction, 'name', 'first');
    await new Promise((resolve) => setImmediate(resolve));
    order.push('slow');
  });
  const quick = findSetting(catalog.queries, 'name').then((value) => order.push(value ?? ''));
  await Promise.all([slow, quick]);
  assert.deepEqual(order, ['slow', 'first']);
  await catalog.close();
});

const newestVersion = migrations.at(-1)?.version ?? 0;

test('each migration runs once, and a catalog of a newer hupo is refused', async (t) => {
  const file = createFolder(t);
  const catalog = await Catalog.open(file, 'held');
  const next = { version: newestVersion + 1, statements: ['CREATE TABLE extra (name TEXT)'] };
  await migrate(catalog.queries, [...migrations, next]);
  await migrate(catalog.queries, [...migrations, next]);
  await catalog.close();
  const newer = new RegExp(`version ${newestVersion + 1}, this hupo knows up to ${newestVersion}`);
  await assert.rejects(Catalog.open(file, 'held'), newer);
});

test('a migration that fails half-way leaves the version before it', async (t) => {
  const catalog = await Catalog.open(createFolder(t), 'held');
  const version = newestVersion + 1;
  const broken = { version, statements: ['CREATE TABLE extra (name TEXT)', 'no SQL'] };
  await assert.rejects(migrate(catalog.queries, [...migrations, broken]));
  const whole = { version, statements: ['CREATE TABLE extra (name TEXT)'] };
  await migrate(catalog.queries, [...migrations, whole]);
  await catalog.close();
});

/** What hupo 0.1 wrote: an image, an instance with its two disks, and a disk that is attached to nothing. */
const VERSION_1_ROWS = [
  `INSERT INTO images VALUES ('img', 'img', 'old', 'system', 20, 'linux', 'Empty', 'Others Linux', 'x86_64', 5, '{"b":1}')`,
  `INSERT INTO instances VALUES
    ('i-1', 'one', 'host', '', 'z', 'ecs.external.large', 'img', 'Running', 6, 7, 'serial', 'mac', 'ip', 'eni-1')`,
  `INSERT INTO disks VALUES ('d-s', 'z', '', '', 'cloud', NULL, 40, 'In_use', 'system', 6, 6, NULL, 'i-1', '/dev/xvda',
    1, 1, 1, 0, NULL, 'img', 1, '{"b":1}', 1)`,
  `INSERT INTO disks VALUES ('d-d', 'z', '', '', 'cloud', NULL, 40, 'In_use', 'data', 6, 6, NULL, 'i-1', '/dev/xvdb',
    1, 1, 1, 1, 's-1', NULL, 1, '{"b":2}', 1)`,
  `INSERT INTO disks VALUES ('d-f', 'z', '', '', 'cloud', NULL, 40, 'Available', 'data', 6, NULL, NULL, NULL, NULL,
    0, 1, 1, 1, NULL, NULL, 0, '{"b":3}', 1)`,
];

test('a catalog of version 1 keeps its images, instances and disks', async (t) => {
  const file = createFolder(t);
  const old = new Kysely<Schema>({ dialect: createSqliteDialect(new DatabaseSync(file)) });
  await migrate(old, migrations.slice(0, 1));
  for (const row of VERSION_1_ROWS) await sql.raw(row).execute(old);
  await old.destroy();
  const catalog = await Catalog.open(file, 'held');
  const { queries } = catalog;
  assert.deepEqual(
    (await listImageDisks(queries, ['img'])).map((row) => ({ ...row })),
    [{ image_id: 'img', device: '/dev/xvda', type: 'system', size_gib: 20, snapshot_id: null, base: '{"b":1}' }],
  );
  assert.deepEqual(
    { ...(await findImage(queries, 'img')) },
    {
      image_id: 'img',
      image_name: 'img',
      description: 'old',
      owner_alias: 'system',
      size_gib: 20,
      os_type: 'linux',
      os_name: 'Empty',
      platform: 'Others Linux',
      architecture: 'x86_64',
      created_at_ms: 5,
      image_family: '',
      image_version: '',
      boot_mode: 'BIOS',
      status: 'Available',
      failure_reason: null,
      deleted: 0,
      resource_group_id: '',
    },
  );
  const disks = await listAllDisks(queries);
  assert.deepEqual(
    disks.map((row) => [row.disk_id, row.home_instance_id, row.base]),
    [
      ['d-d', null, '{"b":2}'],
      ['d-f', null, '{"b":3}'],
      ['d-s', 'i-1', '{"b":1}'],
    ],
  );
  const instance = await findInstance(queries, 'i-1');
  assert.deepEqual([instance?.host_name, instance?.deletion_protection], ['host', 0]);
  assert.deepEqual(
    [...disks, instance].map((row) => row?.resource_group_id),
    Array(4).fill(DEFAULT_RESOURCE_GROUP_ID),
    'what the migration says is what the rules say',
  );
  assert.deepEqual(await sql`PRAGMA foreign_key_check`.execute(queries).then(({ rows }) => rows), []);
  await catalog.close();
});

test('a snapshot that a server of version 2 was making is found by its own id from then on', async (t) => {
  const file = createFolder(t);
  const old = new Kysely<Schema>({ dialect: createSqliteDialect(new DatabaseSync(file)) });
  await migrate(old, migrations.slice(0, 2));
  const state = JSON.stringify({ diskId: 'd-1', snapshotId: 's-1', token: null });
  await sql`INSERT INTO operations VALUES ('op-1', 'create-snapshot', 'd-1', 'store', ${state}, 0, NULL, 1, 1)`.execute(
    old,
  );
  await old.destroy();
  const catalog = await Catalog.open(file, 'held');
  assert.equal((await findOperation(catalog.queries, 'create-snapshot', 's-1'))?.operationId, 'op-1');
  await catalog.close();
});

test('disks of version 1 know what they began as, also those that were rolled back, unless nobody can', async (t) => {
  const file = createFolder(t);
  const old = new Kysely<Schema>({ dialect: createSqliteDialect(new DatabaseSync(file)) });
  await migrate(old, migrations.slice(0, 1));
  for (const row of VERSION_1_ROWS) await sql.raw(row).execute(old);
  const disk = (id: string, made: { snapshot?: string; image?: string; base: string; incarnation: number }) =>
    sql`INSERT INTO disks VALUES (${id}, 'z', '', '', 'cloud', NULL, 40, 'Available', 'data', 6, NULL, NULL, NULL, NULL,
      0, 1, 1, 1, ${made.snapshot ?? null}, ${made.image ?? null}, 1, ${made.base}, ${made.incarnation})`.execute(old);
  const snapshot = { snapshotId: 's-1', tree: { root: 'ab', levels: 1, dataChunkCount: 3 } };
  await sql`INSERT INTO snapshots VALUES ('s-1', NULL, '', 'accomplished', 1, 100, 0, 1, 1, 'd-x', 40, 'data', NULL, NULL,
    ${JSON.stringify(snapshot.tree)}, 1, 1)`.execute(old);
  await disk('r-empty', { base: '{"b":4}', incarnation: 2 });
  await disk('r-gone', { snapshot: 's-gone', base: '{"b":5}', incarnation: 2 });
  await disk('r-image', { image: 'img', base: '{"b":6}', incarnation: 3 });
  await disk('r-snapshot', { snapshot: 's-1', base: '{"b":7}', incarnation: 2 });
  await old.destroy();
  const catalog = await Catalog.open(file, 'held');
  const found = (await listAllDisks(catalog.queries)).map((row) => [row.disk_id, JSON.parse(row.first_base ?? 'null')]);
  assert.deepEqual(Object.fromEntries(found), {
    'd-d': { b: 2 },
    'd-f': { b: 3 },
    'd-s': { b: 1 },
    'r-empty': { snapshotId: null, tree: emptyTree },
    'r-gone': null,
    'r-image': { b: 1 },
    'r-snapshot': snapshot,
  });
  await catalog.close();
});

test('an image name is free again once the image is deleted, or has failed, and only then', async (t) => {
  const catalog = await Catalog.open(createFolder(t), 'held');
  const image = {
    image_id: 'm-1',
    image_name: 'name',
    description: '',
    owner_alias: 'self',
    size_gib: 20,
    os_type: 'linux',
    os_name: '',
    platform: '',
    architecture: 'x86_64',
    created_at_ms: 1,
    image_family: '',
    image_version: '',
    boot_mode: 'BIOS',
    status: 'Available' as const,
    failure_reason: null,
    deleted: 0,
    resource_group_id: 'rg-1',
  };
  const insert = (imageId: string) =>
    catalog.queries
      .insertInto('images')
      .values({ ...image, image_id: imageId })
      .execute();
  await insert('m-1');
  await assert.rejects(insert('m-2'), /UNIQUE/);
  assert.equal(await isImageNameTaken(catalog.queries, 'name', 'm-2'), true);
  await updateImage(catalog.queries, 'm-1', { deleted: 1 });
  await insert('m-2');
  await assert.rejects(insert('m-3'), /UNIQUE/);
  await updateImage(catalog.queries, 'm-2', { status: 'CreateFailed' });
  assert.equal(await isImageNameTaken(catalog.queries, 'name', 'm-3'), false);
  await insert('m-3');
  await catalog.close();
});

test('rows that contradict themselves are refused', async (t) => {
  const catalog = await Catalog.open(createFolder(t), 'held');
  const snapshot = {
    snapshot_id: 's-1',
    snapshot_name: null,
    description: '',
    status: 'accomplished' as const,
    frozen: 1,
    progress_percent: 100,
    remaining_seconds: 0,
    created_at_ms: 1,
    modified_at_ms: 1,
    source_disk_id: 'd-1',
    source_disk_size_gib: 1,
    source_disk_type: 'data' as const,
    retention_days: null,
    failure_reason: null,
    tree: null,
    generation: 1,
    incarnation: 1,
    instant: 0,
    resource_group_id: 'rg-1',
    category: 'standard' as const,
    automatic: 0,
    kept_since_ms: null,
  };
  const insert = (change: Partial<typeof snapshot> & { failure_reason?: null }) =>
    catalog.queries
      .insertInto('snapshots')
      .values({ ...snapshot, ...change })
      .execute();
  await assert.rejects(insert({}), /CHECK/, 'accomplished without a tree');
  await assert.rejects(insert({ status: 'failed' as 'accomplished' }), /CHECK/, 'failed without a reason');
  await catalog.close();
});

test('a client token is found for a week and longer, then forgotten', async (t) => {
  const catalog = await Catalog.open(createFolder(t), 'held');
  const row = { action: 'CreateDisk', token: 't', parameters_digest: 'p', result: '{}', created_at_ms: 1000 };
  await insertClientToken(catalog.queries, row);
  await deleteOldClientTokens(catalog.queries, 1000 + 8 * 24 * 3_600_000);
  assert.deepEqual({ ...(await findClientToken(catalog.queries, 'CreateDisk', 't')) }, row);
  assert.equal(await findClientToken(catalog.queries, 'CreateSnapshot', 't'), undefined);
  await deleteOldClientTokens(catalog.queries, 1001 + TOKEN_KEPT_MS);
  assert.equal(await findClientToken(catalog.queries, 'CreateDisk', 't'), undefined);
  await catalog.close();
});

test('a nonce is accepted once a key, also by the next server, until its timestamp is too old anyway', async (t) => {
  const file = createFolder(t);
  const catalog = await Catalog.open(file, 'held');
  const nonces = await CatalogNonceLog.open(catalog, systemClock, silent);
  const nowMs = systemClock.nowMs();
  assert.equal(nonces.accept('key', 'n', nowMs), true);
  assert.equal(nonces.accept('key', 'n', nowMs), false);
  assert.equal(nonces.accept('other', 'n', nowMs), true);
  await nonces.close();
  await catalog.close();
  const again = await Catalog.open(file, 'held');
  const later = await CatalogNonceLog.open(again, systemClock, silent);
  assert.equal(later.accept('key', 'n', nowMs + 1000), false);
  assert.equal(later.accept('key', 'm', nowMs + NONCE_KEPT_MS + 1000), true);
  assert.equal(later.accept('key', 'n', nowMs + NONCE_KEPT_MS + 1000), true);
  await later.close();
  await again.close();
});

test('a mark is lowered only while it is the one that was seen', async (t) => {
  const catalog = await Catalog.open(createFolder(t), 'held');
  await putSetting(catalog.queries, 'garbage', 'a');
  await putSetting(catalog.queries, 'garbage', 'b');
  assert.equal(await clearSetting(catalog.queries, 'garbage', 'a'), false);
  assert.equal(await clearSetting(catalog.queries, 'garbage', 'b'), true);
  await catalog.close();
});

test('an operation advances only in the hands that took it, and not once it is being undone', async (t) => {
  const catalog = await Catalog.open(createFolder(t), 'held');
  const { queries } = catalog;
  const operation = {
    operationId: 'op-1',
    kind: 'k',
    subjectId: 'd-1',
    step: 'a',
    state: {},
    undoing: false,
    reason: null,
  };
  await insertOperation(queries, operation, { epoch: 5, createdAtMs: 1 });
  const twice = insertOperation(queries, { ...operation, operationId: 'op-2' }, { epoch: 5, createdAtMs: 1 });
  await assert.rejects(twice, /UNIQUE/);
  assert.equal(await advanceOperation(queries, { operationId: 'op-1', step: 'b', state: {} }, 4), false);
  assert.equal(await advanceOperation(queries, { operationId: 'op-1', step: 'b', state: { x: 1 } }, 5), true);
  await markUndoing(queries, 'op-1', 'first');
  await markUndoing(queries, 'op-1', 'second');
  assert.equal(await advanceOperation(queries, { operationId: 'op-1', step: 'c', state: {} }, 5), false);
  assert.deepEqual(await findOperation(queries, 'k', 'd-1'), {
    ...operation,
    step: 'b',
    state: { x: 1 },
    undoing: true,
    reason: 'first',
  });
  assert.equal(await endOperation(queries, 'op-1', { epoch: 5, undoing: false }), false);
  assert.equal(await endOperation(queries, 'op-1', { epoch: 5, undoing: true }), true);
  await catalog.close();
});

test('a full disk is an error that says so and may pass, inside a transaction too, and nothing of it stays', async (t) => {
  const catalog = await Catalog.open(createFolder(t), 'held');
  await sql`PRAGMA max_page_count = 1`.execute(catalog.queries);
  const full = (error: unknown) =>
    error instanceof OperationalError && error.retryable && /catalog.db: .* full/.test(error.message);
  const fill = async (transaction: typeof catalog.queries) => {
    await putSetting(transaction, 'small', 'x');
    await putSetting(transaction, 'big', 'x'.repeat(100_000));
  };
  await assert.rejects(catalog.transaction(fill), full);
  await assert.rejects(fill(catalog.queries), full);
  await sql`PRAGMA max_page_count = 100000`.execute(catalog.queries);
  assert.equal(await findSetting(catalog.queries, 'big'), undefined);
  await catalog.transaction(fill);
  await catalog.close();
});
