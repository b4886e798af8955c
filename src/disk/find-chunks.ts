/** Chunks that a disk still holds as the repository wants them, where its own copy is damaged (`repository/heal.ts`). */
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { digestOf } from '../repository/digest.ts';
import type { Disk } from './disk.ts';
import type { DiskdCalls } from './protocol.ts';

type FindChunks = DiskdCalls['findChunks'];

/** What cannot be read, as where it is in a base that is damaged, or is another, is left out. */
export async function findChunks(
  { device, store }: Pick<Disk, 'device' | 'store'>,
  wanted: FindChunks['request']['wanted'],
): Promise<FindChunks['reply']> {
  const found: FindChunks['reply']['found'] = [];
  for (const { chunk, digest } of wanted) {
    if (chunk >= store.map.chunkCount) continue;
    const bytes = Buffer.alloc(CHUNK_BYTES);
    try {
      await device.read(chunk * CHUNK_BYTES, bytes);
    } catch {
      continue;
    }
    if (digestOf(bytes).toString('hex') === digest) found.push({ digest, bytes: bytes.toString('base64') });
  }
  return { found };
}
