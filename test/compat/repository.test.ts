/** Repositories as released versions wrote them: this one reads each, whole and chunk by chunk. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { restoreCatalog } from '../../src/control/import-repository.ts';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { checkTombstone, listManifests } from '../../src/repository/manifest.ts';
import type { Manifest } from '../../src/repository/manifest.ts';
import { findOwner } from '../../src/repository/owner.ts';
import { PACK_VERSION } from '../../src/repository/pack.ts';
import { openRepositoryReader } from '../../src/repository/reader.ts';
import { restoreToFile } from '../../src/repository/restore.ts';
import { openStores, repositoryIn } from '../../src/repository/stores.ts';
import type { RepositoryPlace } from '../../src/repository/stores.ts';
import { assertChecksClean } from '../support/repositories.ts';
import { expectationFile, expectationOf, expectationOfFile, fixtureFolder } from './expectation.ts';
import type { Expectation, ImageExpectation } from './expectation.ts';

const versions = Array.from({ length: PACK_VERSION }, (_, index) => index + 1);

/** A copy: reading makes caches, and nothing may touch the fixture. */
async function withFixture(
  version: number,
  body: (place: RepositoryPlace, expected: Expectation) => Promise<void>,
): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-compat-'));
  try {
    const place = repositoryIn(folder);
    fs.cpSync(fixtureFolder(version), place.storeFolder, { recursive: true });
    await body(place, JSON.parse(fs.readFileSync(expectationFile(version), 'utf8')) as Expectation);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** The snapshots that are there, with what is expected of each. */
async function listExpected(place: RepositoryPlace, { snapshots }: Expectation) {
  const stores = await openStores(place);
  const manifests = await Array.fromAsync(listManifests(stores.store));
  stores.index.close();
  return manifests.map((manifest, index): [Manifest, ImageExpectation] => {
    const expected = snapshots[index];
    assert.ok(expected, `${manifest.snapshotId} is one too many`);
    return [manifest, { sizeBytes: expected.sizeBytes, sha256: expected.sha256 }];
  });
}

for (const version of versions) {
  test(`a repository of version ${version} checks clean, and lists what was stored`, async () => {
    await withFixture(version, async (place, { snapshots, deletedIds, ownerEpoch }) => {
      const stores = await openStores(place);
      await assertChecksClean(stores);
      const manifests = await Array.fromAsync(listManifests(stores.store));
      assert.deepEqual(
        manifests.map(({ snapshotId, diskId, createdAtMs, sizeBytes }) => ({
          ...{ snapshotId, diskId, createdAtMs, sizeBytes },
        })),
        snapshots.map(({ sha256: _sha256, ...facts }) => facts),
      );
      for (const snapshotId of deletedIds) assert.equal(await checkTombstone(stores.store, snapshotId), true);
      assert.equal((await findOwner(stores.store))?.ownerEpoch, ownerEpoch);
      assert.deepEqual(new Set(stores.index.listPacks().map(({ isDense }) => isDense)), new Set([false, true]));
      stores.index.close();
    });
  });

  test(`every snapshot of version ${version} restores to a file`, async () => {
    await withFixture(version, async (repository, expected) => {
      const file = `${repository.storeFolder}.img`;
      for (const [{ tree, sizeBytes, snapshotId }, image] of await listExpected(repository, expected)) {
        await restoreToFile({ repository, tree, sizeBytes, file });
        assert.deepEqual(await expectationOfFile(file), image, snapshotId);
        fs.rmSync(file);
      }
    });
  });

  test(`every snapshot of version ${version} is read chunk by chunk`, async () => {
    await withFixture(version, async (place, expected) => {
      const reader = await openRepositoryReader(place);
      const zeros = Buffer.alloc(CHUNK_BYTES);
      async function* readAll({ tree, sizeBytes }: Manifest): AsyncGenerator<Buffer> {
        for (let chunk = 0; chunk * CHUNK_BYTES < sizeBytes; chunk++) {
          yield (await reader.readChunk(tree, chunk)) ?? zeros;
        }
      }
      for (const [manifest, image] of await listExpected(place, expected)) {
        assert.deepEqual(await expectationOf(readAll(manifest)), image, manifest.snapshotId);
      }
      reader.close();
    });
  });

  test(`the latest copy of the catalog in a repository of version ${version} restores`, async () => {
    await withFixture(version, async (place, { catalog }) => {
      const { store, index } = await openStores(place);
      index.close();
      const file = `${place.storeFolder}.db`;
      const copy = await restoreCatalog(place, store, file, (sentence) => assert.fail(sentence));
      assert.equal(copy?.sizeBytes, catalog.sizeBytes);
      assert.deepEqual(await expectationOfFile(file), catalog);
    });
  });
}
