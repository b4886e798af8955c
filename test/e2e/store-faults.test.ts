/**
 * The file system where the disks lie misbehaves: it is full, its device fails, it becomes read-only. The guest gets the
 * error, nothing that was acknowledged and flushed is lost, and the disk goes on when the cause is gone.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { BLOCK_BYTES, CHUNK_BYTES } from '../../src/lib/geometry.ts';
import type { NbdClient } from '../../src/nbd/client.ts';
import { needsMounts } from '../requires.ts';
import { abandonDisks } from './mounted-disk.ts';
import { TestServer, waitFor } from './server.ts';
import { SmallStore } from './small-store.ts';

const MIB = 1024 ** 2;
const STORE_MIB = 300;
const skip = needsMounts('nbdkit', 'nbdfuse', 'losetup', 'fusermount3', 'mount', 'mkfs.ext4', 'e2fsck', 'fallocate');

test(
  'a full file system is ENOSPC for the guest, and room given back is used without a restart',
  { skip },
  async () => {
    await withStore({ journal: true }, async (server, store, guest) => {
      await guest.write(0, 800);
      await guest.flush();
      store.takeRoom(40 * MIB);
      const failedAt = await guest.writeUntilRefused(800);
      assert.match(guest.lastError, /ENOSPC/);
      await guest.flush();
      await guest.expectAll('while it is full');
      assert.match(await guest.refusal(failedAt), /ENOSPC/);

      await server.killDiskd();
      await guest.reconnect();
      await guest.expectAll('after a death while it is full');
      assert.match(await guest.refusalAfterSome(), /ENOSPC/);

      const fromTrim = guest.chunkCount;
      await guest.trim(0, 400);
      await guest.flush();
      await waitFor('trimmed space to be used again', 20_000, async () => guest.attempt(fromTrim, 200));

      store.giveRoom();
      await waitFor('the room that was given back to be used', 20_000, async () => guest.attempt(fromTrim + 200, 600));
      await guest.flush();
      await guest.expectAll('after room was given back');
    });
  },
);

test(
  'a device that fails is EIO for the guest; reopened when it is well, the disk holds what was flushed',
  { skip },
  async () => {
    await withStore({ journal: false }, async (server, store, guest) => {
      await guest.write(0, 200);
      await guest.flush();
      store.fail('pwrite');
      await guest.write(200, 300).catch(() => undefined);
      assert.match(await guest.failedFlush(), /EIO/);
      store.heal();
      assert.match(await guest.failedFlush(), /EIO/, 'a flush after a failed one is believed');
      await guest.expectAll('after a failed flush', 200);
      assert.equal(typeof (await server.diskState(guest.diskId)).syncFailure, 'string');

      // Stopping tells what was not flushed, once, and leaves the instance running on the disk opened anew.
      await assert.rejects(server.call('StopInstance', { InstanceId: guest.instanceId }), /was not flushed/);
      await server.instanceStatus(guest.instanceId, 'Running');
      await guest.reconnect();
      await guest.flush();
      await guest.expectFlushed(200, 'after it was reopened');
      await guest.write(200, 320);
      await guest.flush();
      await guest.expectAll('after it went on');
      await server.killDiskd();
      await guest.reconnect();
      await guest.expectAll('after a death of the data plane');
    });
  },
);

test('a device that cannot be read is EIO for that read only', { skip }, async () => {
  await withStore({ journal: true }, async (server, store, guest) => {
    await guest.write(0, 300);
    await guest.flush();
    await guest.close();
    assert.equal(server.cli('stop', '--data', server.dataFolder).status, 0);
    await store.forgetCaches();
    await server.start();
    await server.instanceStatus(guest.instanceId, 'Running');
    await guest.reconnect();
    await guest.expect(0, 10);
    store.fail('pread');
    assert.match(await guest.failedRead(250), /EIO/);
    await guest.expect(0, 10);
    store.heal();
    await guest.expectAll('after it was well again');
    await guest.write(0, 40);
    await guest.flush();
    await guest.expectAll('after it went on');
  });
});

test(
  'a file system that becomes read-only fails writes and no reads; mounted again, everything flushed is there',
  { skip },
  async () => {
    await withStore({ journal: true }, async (server, store, guest) => {
      await guest.write(0, 200);
      await guest.flush();
      const writing = guest.writeUntilRefused(200, 4);
      await delay(100);
      store.becomeReadOnly();
      await writing;
      assert.match(await guest.failedFlush(), /EIO/);
      await guest.expect(0, 200);
      await guest.close();

      assert.equal(
        server.cli('stop', '--data', server.dataFolder).status,
        0,
        'stop must end although nothing can be synced',
      );
      store.repair();
      await server.start();
      await server.instanceStatus(guest.instanceId, 'Running');
      await guest.reconnect();
      await guest.expectFlushed(200, 'after it was repaired');
      await guest.write(200, 320);
      await guest.flush();
      await guest.expectAll('after it went on');
    });
  },
);

async function withStore(
  { journal }: { journal: boolean },
  body: (server: TestServer, store: SmallStore, guest: ChunkGuest) => Promise<void>,
): Promise<void> {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-store-'));
  const server = new TestServer();
  let store: SmallStore | undefined;
  try {
    const disks = path.join(server.dataFolder, 'disks');
    store = await SmallStore.open(path.join(scratch, 'store'), disks, { sizeMib: STORE_MIB, journal });
    await server.start();
    const made = await server.runInstance({ Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 1 });
    const guest = new ChunkGuest(server, made.instanceId, made.diskId);
    await guest.reconnect();
    await body(server, store, guest);
    await guest.close();
    assert.equal(server.cli('stop', '--data', server.dataFolder).status, 0);
    if (!journal) forgetFailedSync(server);
    server.checkClean();
    await store.close();
  } finally {
    for (const left of server.leftProcesses()) process.kill(Number(left.split(' ')[0]), 'SIGKILL');
    store?.abandon();
    abandonDisks(path.join(scratch, 'store'));
    fs.rmSync(scratch, { recursive: true, force: true });
    server.abandon();
  }
}

/** That a sync failed once is a finding until somebody has read it; there must be no other. */
function forgetFailedSync(server: TestServer): void {
  const { stdout, stderr } = server.cli('check', '--repair', '--data', server.dataFolder);
  for (const line of `${stdout}${stderr}`.split('\n').filter((text) => text.startsWith('the disk '))) {
    assert.match(line, /sync failed/);
  }
}

/** A guest that writes whole chunks of random bytes, and knows of each block what was acknowledged. */
class ChunkGuest {
  readonly instanceId: string;
  readonly diskId: string;
  readonly #server: TestServer;
  /** Per block of a chunk what may stand there: the acknowledged bytes, or also what was tried since. */
  readonly #digests = new Map<number, string[][]>();
  #client: NbdClient | null = null;
  lastError = '';

  constructor(server: TestServer, instanceId: string, diskId: string) {
    this.#server = server;
    this.instanceId = instanceId;
    this.diskId = diskId;
  }

  /** One more than the last chunk that was ever written. */
  get chunkCount(): number {
    return Math.max(-1, ...this.#digests.keys()) + 1;
  }

  async reconnect(): Promise<void> {
    this.#client?.destroy();
    this.#client = await this.#server.connect(this.diskId);
  }

  async close(): Promise<void> {
    await this.#client?.close();
    this.#client = null;
  }

  /** Chunks `first` … `end - 1`; rejects at the first that fails. */
  async write(first: number, end: number): Promise<void> {
    for (let chunk = first; chunk < end; chunk += 1) await this.#writeChunk(chunk);
  }

  /** Writes on from `first` until a write is refused; returns which. */
  async writeUntilRefused(first: number, pauseMs = 0): Promise<number> {
    for (let chunk = first; chunk < first + 8000; chunk += 1) {
      try {
        await this.#writeChunk(chunk);
        if (pauseMs > 0) await delay(pauseMs);
      } catch (error) {
        this.lastError = (error as Error).message;
        return chunk;
      }
    }
    return assert.fail('no write was ever refused');
  }

  /** The message of a write that must fail. */
  async refusal(chunk: number): Promise<string> {
    return messageOf(this.#writeChunk(chunk));
  }

  /** As `refusal`, after as many chunks as there is room for. */
  async refusalAfterSome(): Promise<string> {
    await this.writeUntilRefused(this.chunkCount);
    return this.lastError;
  }

  /** True when `count` chunks could be written, null when one was refused. */
  async attempt(first: number, count: number): Promise<true | null> {
    return this.write(first, first + count).then(
      () => true,
      (error: Error) => {
        assert.match(error.message, /ENOSPC/);
        return null;
      },
    );
  }

  async trim(first: number, end: number): Promise<void> {
    await this.#open().trim(first * CHUNK_BYTES, (end - first) * CHUNK_BYTES);
    for (let chunk = first; chunk < end; chunk += 1) this.#digests.set(chunk, emptyChunk());
  }

  async flush(): Promise<void> {
    await this.#open().flush();
  }

  async failedFlush(): Promise<string> {
    return messageOf(this.#open().flush());
  }

  async failedRead(chunk: number): Promise<string> {
    return messageOf(this.#read(chunk));
  }

  /** Every chunk that was ever written, or those before `end`. */
  async expectAll(when: string, end = this.chunkCount): Promise<void> {
    await this.expect(0, end, when);
  }

  /** Those before `end` were flushed; the later ones hold what was written or nothing, or cannot be read. */
  async expectFlushed(end: number, when: string): Promise<void> {
    await this.expect(0, end, when);
    for (let chunk = end; chunk < this.chunkCount; chunk += 1) {
      const allowed = this.#digests.get(chunk)?.map((block, index) => [...block, ...(emptyChunk()[index] ?? [])]);
      if (allowed !== undefined) this.#digests.set(chunk, allowed);
      const isReadable = await this.#read(chunk).then(
        () => true,
        () => false,
      );
      if (isReadable) await this.expect(chunk, chunk + 1, when);
    }
  }

  async expect(first: number, end: number, when = 'now'): Promise<void> {
    for (let chunk = first; chunk < end; chunk += 1) {
      const allowed = this.#digests.get(chunk);
      if (allowed === undefined) continue;
      const found = blockDigests(await this.#read(chunk));
      found.forEach((digest, block) => {
        const isRight = allowed[block]?.includes(digest) === true;
        assert.ok(isRight, `${when}: block ${block} of chunk ${chunk} is not what was acknowledged`);
      });
    }
  }

  async #writeChunk(chunk: number): Promise<void> {
    const bytes = crypto.randomBytes(CHUNK_BYTES);
    const written = blockDigests(bytes).map((digest) => [digest]);
    const before = this.#digests.get(chunk) ?? emptyChunk();
    this.#digests.set(
      chunk,
      written.map((digest, block) => [...(before[block] ?? []), ...digest]),
    );
    await this.#open().write(chunk * CHUNK_BYTES, bytes);
    this.#digests.set(chunk, written);
  }

  async #read(chunk: number): Promise<Buffer> {
    return this.#open().read(chunk * CHUNK_BYTES, CHUNK_BYTES);
  }

  #open(): NbdClient {
    assert.ok(this.#client, 'the guest is not connected');
    return this.#client;
  }
}

function blockDigests(chunk: Buffer): string[] {
  return Array.from({ length: CHUNK_BYTES / BLOCK_BYTES }, (_, block) =>
    crypto.hash('sha256', chunk.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)),
  );
}

function emptyChunk(): string[][] {
  return blockDigests(Buffer.alloc(CHUNK_BYTES)).map((digest) => [digest]);
}

async function messageOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => assert.fail('it succeeded'),
    (error: Error) => error.message,
  );
}
