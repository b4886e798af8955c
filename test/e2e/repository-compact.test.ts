/** `hupo repository compact` and `collect --dry-run`: smaller, the same bytes, and what a deletion would free is what it frees. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { TestServer } from './server.ts';

const CHUNKS = 320;

/** Lines of words, as logs have them. */
function logLines(): Buffer {
  let state = 1;
  const next = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const words = Array.from({ length: 3000 }, () => next(36 ** 5).toString(36));
  const lines: string[] = [];
  for (let length = 0; length < CHUNKS * CHUNK_BYTES; length += lines.at(-1)?.length ?? 0) {
    lines.push(`${Array.from({ length: 12 }, () => words[next(words.length)]).join(' ')}\n`);
  }
  return Buffer.from(lines.join('')).subarray(0, CHUNKS * CHUNK_BYTES);
}

test('packs are compressed better later, and what a snapshot frees is what was said', async () => {
  const server = new TestServer();
  try {
    await server.start();
    const { diskId } = await server.runInstance({ Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 1 });
    const bytes = logLines();
    const client = await server.connect(diskId);
    await client.write(0, bytes);
    await client.flush();
    const first = await server.takeSnapshot(diskId);
    await server.finishedSnapshot(first);
    const options = ['--data', server.dataFolder];
    const packBytes = () =>
      JSON.parse(server.cli('repository', 'show', '--json', ...options).stdout).packs.bytes as number;
    const before = packBytes();
    const compacted = server.cli('repository', 'compact', ...options);
    assert.equal(compacted.status, 0, compacted.stderr);
    assert.match(compacted.stdout, /rewritten: [12]; that saves \d/); // a copy of the catalog may have come
    assert.ok(packBytes() < 0.95 * before, `${before} → ${packBytes()}`);
    assert.match(server.cli('repository', 'compact', ...options).stdout, /rewritten: [01];/); // as above
    const file = path.join(server.dataFolder, 'out.img');
    assert.equal(server.cli('snapshot', 'export', first, file, ...options).status, 0);
    assert.ok(fs.readFileSync(file).subarray(0, bytes.length).equals(bytes));

    await client.write(0, Buffer.alloc(CHUNK_BYTES, 'changed'));
    await client.flush();
    await client.close();
    const second = await server.takeSnapshot(diskId);
    await server.finishedSnapshot(second);
    const sizes = () =>
      JSON.parse(server.cli('repository', 'snapshots', '--json', ...options).stdout) as {
        snapshotId: string;
        ownBytes: number;
        freedBytes: number;
      }[];
    const of = (snapshotId: string) => sizes().find((size) => size.snapshotId === snapshotId);
    assert.deepEqual([of(first)?.ownBytes, of(second)?.ownBytes], [CHUNKS * CHUNK_BYTES, CHUNK_BYTES]);
    assert.ok((of(first)?.freedBytes ?? 0) < 200_000);
    await server.call('DeleteSnapshot', { SnapshotId: second });
    await server.call('DeleteSnapshot', { SnapshotId: first });
    for (let looks = 0; packBytes() > before / 10 && looks < 30; looks++) await delay(500);
    assert.match(
      server.cli('repository', 'collect', '--dry-run', ...options).stdout,
      /^Packs that would be deleted: 0,/,
    );
    assert.match(server.cli('repository', 'collect', ...options).stdout, /^Packs that are deleted/);
    await server.stop();
  } finally {
    server.abandon();
  }
});
