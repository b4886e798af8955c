/** What a reopening after a failed sync may rely on, whatever the device made of what it was given. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { powerCuts, seededPick, systemError } from '../../test/crash/recording-files.ts';
import { CHUNK_BYTES, DiskHarness } from '../../test/model/disk-harness.ts';
import { checkDisk } from './check.ts';

/** The rename of a checkpoint is in the page cache, and its sync fails: on the device may be either, and stay so. */
test('after a checkpoint whose last sync failed, the next opening leaves what the old one names until a new one is there', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const real = await DiskHarness.create({ chunkCount: 600, record: true });
    for (const chunk of [0, 300]) await real.fill(chunk, 1);
    await real.disk.store.checkpoint();
    for (const chunk of [0, 300]) await real.fill(chunk, 2);
    await real.trim(300 * CHUNK_BYTES, CHUNK_BYTES);
    await real.disk.device.flush();
    let isRenamed = false;
    const gate = Promise.withResolvers<void>();
    const isHeld = Promise.withResolvers<void>();
    real.machine.fault = (call) => {
      if (call.name === 'rename') isRenamed = true;
      if (call.name === 'syncData' && call.path.endsWith('checkpoint.new')) {
        real.machine.syncGate = () => gate.promise;
        isHeld.resolve();
      }
      if (call.name !== 'syncFolder' || !isRenamed) return undefined;
      return { error: systemError('EIO', call.path) };
    };
    const checkpoint = real.disk.store.checkpoint();
    checkpoint.catch(() => {});
    await isHeld.promise;
    await setImmediate();
    real.machine.syncGate = undefined;
    // Flushed while the checkpoint is written: the next opening has pages to write.
    await real.fill(5, 5);
    await real.fill(305, 5);
    await real.disk.device.flush();
    gate.resolve();
    await assert.rejects(checkpoint);
    real.machine.fault = undefined;
    const { eventCount } = real.machine;
    await real.disk.store.abandon();
    await real.open();
    for (const chunk of [1, 301, 599]) await real.fill(chunk, 3);
    await real.disk.store.checkpoint();
    await real.fill(2, 4);
    await real.disk.device.flush();
    real.process.kill();
    const pick = seededPick(seed);
    let states = 0;
    for (const cut of powerCuts(real.machine, { pick, statesPerMoment: 3, fromEvent: eventCount })) {
      const after = new DiskHarness(cut.files, { chunkCount: 600 });
      after.bootId = 'boot-2';
      try {
        await after.open();
        const found = [0, 300, 305].map(async (chunk) => (await after.read(chunk * CHUNK_BYTES, 1))[0]);
        assert.deepEqual(await Promise.all(found), [2, 0, 5]);
        await after.disk.close();
        const others = checkDisk(after.process, after.folder, after.bootId).filter(
          ({ what }) => !what.startsWith('a sync failed'),
        );
        assert.deepEqual(others, []);
      } catch (error) {
        throw new Error(`seed ${seed}: ${cut.description}`, { cause: error });
      }
      states++;
    }
    assert.ok(states > 20);
  }
});
