/** The room that is kept for deleting: real bytes, given up when nothing else is left, and made again. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fillUp, mountSmall } from '../../test/support/small-file-system.ts';
import { Catalog } from '../catalog/catalog.ts';
import { putSetting } from '../catalog/settings.ts';
import { freeSpaceSync } from '../lib/disk-space.ts';
import { systemRandom } from '../lib/random.ts';
import { ReserveFile, planReserveFile } from './reserve-file.ts';

const MIB = 1024 ** 2;

test('its size follows the reserve, within bounds; without a reserve there is none', () => {
  assert.deepEqual([0, 5 * MIB, 512 * MIB, 1024 * MIB, 50 * 1024 * MIB].map(planReserveFile), [
    0,
    8 * MIB,
    16 * MIB,
    32 * MIB,
    32 * MIB,
  ]);
});

for (const kind of ['tmpfs', 'ext4'] as const) {
  test(`on a full ${kind} it gives its bytes to whoever writes next`, async (t) => {
    const folder = mountSmall(t, kind, 96 * MIB);
    if (folder === null) return;
    fs.writeFileSync(path.join(folder, 'reserve.new'), 'of one that died', { mode: 0o600 });
    const reserve = new ReserveFile(folder, systemRandom);
    assert.equal(reserve.giveUpWhenFull(), false, 'there is room, and nothing to give up');
    assert.equal(await reserve.fill(8 * MIB, 1024 * MIB), false, 'that would leave too little');
    assert.equal(await reserve.fill(8 * MIB, 16 * MIB), true);
    assert.deepEqual(
      fs.readdirSync(folder).filter((name) => name.startsWith('reserve')),
      ['reserve'],
    );
    const { size, blocks, mode } = fs.statSync(path.join(folder, 'reserve'));
    assert.equal(size, 8 * MIB);
    assert.ok(blocks * 512 >= 8 * MIB, 'it is not sparse');
    assert.equal(mode & 0o777, 0o600);
    assert.equal(reserve.giveUpWhenFull(), false);

    fillUp(folder);
    assert.throws(() => fs.writeFileSync(path.join(folder, 'more'), Buffer.alloc(MIB)), { code: 'ENOSPC' });
    assert.equal(reserve.giveUpWhenFull(), true);
    assert.equal(reserve.sizeBytes, 0);
    fs.writeFileSync(path.join(folder, 'more'), Buffer.alloc(6 * MIB, 1));
    assert.equal(reserve.giveUpWhenFull(), false, 'there is nothing more to give up');
    assert.equal(await reserve.fill(8 * MIB, 16 * MIB), false);

    fs.rmSync(path.join(folder, 'ballast'));
    assert.equal(await reserve.fill(8 * MIB, 16 * MIB), true);
    assert.equal(reserve.sizeBytes, 8 * MIB);
  });
}

test('a catalog on a full file system writes on with the room that is made for it', async (t) => {
  const folder = mountSmall(t, 'ext4', 96 * MIB);
  if (folder === null) return;
  const reserve = new ReserveFile(folder, systemRandom);
  assert.equal(await reserve.fill(8 * MIB, 0), true);
  const file = path.join(folder, 'catalog.db');
  const catalog = await Catalog.open(file, 'held');
  const write = async (name: string, text: string) =>
    catalog.transaction((transaction) => putSetting(transaction, name, text));
  await write('before', 'x');
  fillUp(folder);
  const much = 'y'.repeat(MIB);
  await assert.rejects(write('much', much), /full/);
  catalog.makeRoom = () => reserve.giveUpWhenFull();
  await write('much', much);
  assert.equal(reserve.sizeBytes, 0);
  await catalog.close();

  fillUp(folder);
  assert.equal(freeSpaceSync(folder).freeBytes, 0);
  await assert.rejects(Catalog.open(file, 'held'), /full/);
});
