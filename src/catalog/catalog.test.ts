import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { sql } from 'kysely';
import { systemClock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import { Catalog } from './catalog.ts';
import { deleteOldClientTokens, findClientToken, insertClientToken, TOKEN_KEPT_MS } from './client-tokens.ts';
import { migrate, migrations } from './migrations.ts';
import { CatalogNonceLog, NONCE_KEPT_MS } from './nonces.ts';
import { advanceOperation, endOperation, findOperation, insertOperation, markUndoing } from './operations.ts';
import { clearSetting, findSetting, putSetting } from './settings.ts';

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

test('each migration runs once, and a catalog of a newer hupo is refused', async (t) => {
  const file = createFolder(t);
  const catalog = await Catalog.open(file, 'held');
  const next = { version: 2, statements: ['CREATE TABLE extra (name TEXT)'] };
  await migrate(catalog.queries, [...migrations, next]);
  await migrate(catalog.queries, [...migrations, next]);
  await catalog.close();
  await assert.rejects(Catalog.open(file, 'held'), /version 2, this hupo knows up to 1/);
});

test('a migration that fails half-way leaves the version before it', async (t) => {
  const catalog = await Catalog.open(createFolder(t), 'held');
  const broken = { version: 2, statements: ['CREATE TABLE extra (name TEXT)', 'no SQL'] };
  await assert.rejects(migrate(catalog.queries, [...migrations, broken]));
  const whole = { version: 2, statements: ['CREATE TABLE extra (name TEXT)'] };
  await migrate(catalog.queries, [...migrations, whole]);
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
