import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { MemoryDevice } from '../../test/support/block-devices.ts';
import { systemClock } from '../lib/clock.ts';
import { NbdClient } from './client.ts';
import type { Answered } from './device.ts';
import { serveNbd } from './server.ts';

/** A device that takes as long as a test says, of a time that only moves then. */
class TimedDevice extends MemoryDevice {
  nowMs = 1000;
  lookCount = 0;
  takesMs = 0;
  readonly told: Answered[] = [];
  readonly clock = {
    ...systemClock,
    monotonicMs: () => {
      this.lookCount++;
      return this.nowMs;
    },
  };

  override read(offset: number, target: Buffer): Promise<void> | undefined {
    const pending = super.read(offset, target);
    return this.isSlow ? pending?.then(() => void (this.nowMs += this.takesMs)) : void (this.nowMs += this.takesMs);
  }

  override write(offset: number, data: Buffer): Promise<void> | undefined {
    this.nowMs += this.takesMs;
    return super.write(offset, data);
  }

  override async flush(): Promise<void> {
    await super.flush();
    this.nowMs += 100;
  }

  answered(answered: Answered): void {
    this.told.push(answered);
  }

  /** Of all that was told since this was last asked. */
  take(): number[] {
    const told = this.told.splice(0);
    const sum = (of: (one: Answered) => number) => told.reduce((total, one) => total + of(one), 0);
    return [
      sum((one) => one.readCount),
      sum((one) => one.readMs),
      sum((one) => one.writeCount),
      sum((one) => one.writeMs),
    ];
  }
}

test('reads and writes are timed from when they are taken until their replies leave', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-nbd-'));
  const socketPath = path.join(folder, 'd-1.sock');
  const device = new TimedDevice(1024 * 1024);
  const onError = () => undefined;
  const server = await serveNbd({ socketPath, exportName: 'd-1', device, onError, clock: device.clock });
  const client = await NbdClient.connect({ socketPath, exportName: 'd-1' });
  device.takesMs = 5;
  const looksBefore = device.lookCount;
  await client.read(0, 4096);
  assert.deepEqual(device.take(), [1, 5, 0, 0], 'at once');
  assert.ok(device.lookCount - looksBefore <= 2, 'one look at the clock more than before');
  device.isSlow = true;
  await Promise.all([client.read(0, 4096), client.write(4096, Buffer.alloc(4096, 1))]);
  const [reads, readMs = 0, writes, writeMs = 0] = device.take();
  assert.deepEqual([reads, writes], [1, 1]);
  assert.ok(readMs >= 5 && readMs <= 10 && writeMs >= 5 && writeMs <= 10, `${readMs} ${writeMs}`);
  await client.write(0, Buffer.alloc(512, 1), { fua: true });
  assert.deepEqual(device.take(), [0, 0, 1, 105], 'with the flush that it waits for');
  device.failures.set('read', new Error('no'));
  await assert.rejects(client.read(0, 512));
  await client.flush();
  assert.deepEqual(device.take(), [0, 0, 0, 0], 'a failure is no answer, and a flush neither a read nor a write');
  await client.close();
  await server.close();
  fs.rmSync(folder, { recursive: true });
});
