/**
 * The checkpoint: a small file that is replaced atomically and says where everything of a disk's map was at one moment
 * (`docs/format.md`). Its blocks are in the file `map`, written and synced before. A crash leaves the old checkpoint,
 * perhaps with a `checkpoint.new` beside it, and blocks in `map` that nobody names.
 */
import crypto from 'node:crypto';
import path from 'node:path';
import { CorruptionError, OperationalError, messageOf } from '../lib/errors.ts';
import type { Files } from '../lib/files.ts';
import { findFileBytes } from '../lib/files.ts';
import type { GroupPlace } from './block-table.ts';
import type { FrozenView, MapHead } from './disk-map.ts';
import type { MapGroups } from './map-store.ts';

export const CHECKPOINT_NAME = 'checkpoint';
const MAGIC = 'HUPODISK';
const VERSION = 2;
const PREFIX_BYTES = 16;
const DIGEST_BYTES = 32;
const GROUP_BYTES = 12;

/** What a checkpoint's header says besides the map's head. */
export interface CheckpointLinks {
  /** Numbers of the data folder, and of the journal that goes on from here. */
  data: number;
  journal: number;
  syncFailure: string | null;
}

export interface Checkpoint {
  head: MapHead;
  views: FrozenView[];
  links: CheckpointLinks;
  groups: MapGroups;
}

type StoredView = Omit<FrozenView, 'isDurable'>;

interface Header {
  head: MapHead;
  views: StoredView[];
  links: CheckpointLinks;
  pageGroupCount: number;
  bitmapGroupCount: number;
}

/**
 * Resolves when the new checkpoint survives a power cut. When it throws, the old one is there, unless `onReplaced` was
 * called: then an opening finds the new one, or after a power cut either.
 */
export async function writeCheckpoint(
  files: Files,
  folder: string,
  checkpoint: Checkpoint,
  onReplaced: () => void = () => {},
): Promise<void> {
  const name = path.join(folder, CHECKPOINT_NAME);
  try {
    await writeWhole(files, `${name}.new`, encode(checkpoint));
  } catch (error) {
    removeIfThere(files, `${name}.new`); // it may be what fills the file system
    throw error;
  }
  files.rename(`${name}.new`, name);
  onReplaced();
  await files.syncFolder(folder);
}

/**
 * Makes sure of the checkpoint that an opening found: its rename may have reached the page cache only, and what the one
 * before it names must stay until it is on the device. After a failed sync nothing but another rename helps.
 */
export async function secureCheckpoint(files: Files, folder: string, hasFailedSync: boolean): Promise<void> {
  if (hasFailedSync) await writeCheckpoint(files, folder, readCheckpoint(files, folder));
  else await files.syncFolder(folder);
}

async function writeWhole(files: Files, name: string, bytes: Buffer): Promise<void> {
  const fd = files.open(name, 'create');
  try {
    files.truncate(fd, 0);
    files.write(fd, bytes, 0, bytes.length, 0);
    await files.syncData(fd);
  } finally {
    files.close(fd);
  }
}

function removeIfThere(files: Files, name: string): void {
  try {
    files.unlink(name);
  } catch {
    // The next checkpoint overwrites it, or the next opening removes it.
  }
}

function encode({ head, views, links, groups }: Checkpoint): Buffer {
  const header: Header = {
    head,
    views: views.map(({ snapshotId, generation, frozenAtMs, sizeBytes, lineage }) => {
      return { snapshotId, generation, frozenAtMs, sizeBytes, lineage };
    }),
    links,
    pageGroupCount: groups.pages.length,
    bitmapGroupCount: groups.bitmaps.length,
  };
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(MAGIC, 0, 'latin1');
  prefix.writeUInt16LE(VERSION, 8);
  prefix.writeUInt32LE(json.length, 12);
  const body = Buffer.concat([prefix, json, encodeGroups([...groups.pages, ...groups.bitmaps])]);
  return Buffer.concat([body, crypto.hash('sha256', body, 'buffer')]);
}

function encodeGroups(places: readonly GroupPlace[]): Buffer {
  const bytes = Buffer.alloc(places.length * GROUP_BYTES);
  places.forEach(({ index, unit, crc }, i) => {
    bytes.writeUInt32LE(index, i * GROUP_BYTES);
    bytes.writeUInt32LE(unit, i * GROUP_BYTES + 4);
    bytes.writeUInt32LE(crc, i * GROUP_BYTES + 8);
  });
  return bytes;
}

/**
 * Reads and verifies a disk's checkpoint. Throws a CorruptionError when it is missing or not as written, an
 * OperationalError when another version of Hupo wrote it.
 */
export function readCheckpoint(files: Files, folder: string): Checkpoint {
  const name = path.join(folder, CHECKPOINT_NAME);
  const bytes = findFileBytes(files, name);
  if (bytes === undefined) throw new CorruptionError('the checkpoint', `${name} is missing`);
  if (bytes.length < PREFIX_BYTES + DIGEST_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC) {
    throw new CorruptionError('the checkpoint', `${name} does not begin as one`);
  }
  const body = bytes.subarray(0, bytes.length - DIGEST_BYTES);
  const expected = bytes.subarray(body.length).toString('hex');
  const actual = crypto.hash('sha256', body);
  if (actual !== expected) throw new CorruptionError('the checkpoint', name, { expected, actual });
  assertVersion(name, bytes.readUInt32LE(8));
  try {
    return decode(body);
  } catch (error) {
    throw new CorruptionError('the checkpoint', `${name}: ${messageOf(error)}`);
  }
}

function assertVersion(name: string, version: number): void {
  if (version === VERSION) return;
  const advice =
    version === 1
      ? 'of a format that was never released: this version does not read it; its snapshots are in the repository'
      : 'of a later version than this program reads: upgrade Hupo';
  throw new OperationalError(`${name} is ${advice}`, { retryable: false });
}

function decode(body: Buffer): Checkpoint {
  const headerEnd = PREFIX_BYTES + body.readUInt32LE(12);
  const header = JSON.parse(body.toString('utf8', PREFIX_BYTES, headerEnd)) as Header;
  const { head, views, links, pageGroupCount, bitmapGroupCount } = header;
  const bitmapsAt = headerEnd + pageGroupCount * GROUP_BYTES;
  return {
    head,
    views: views.map((view) => ({ ...view, isDurable: true })),
    links,
    groups: {
      pages: decodeGroups(body.subarray(headerEnd, bitmapsAt), pageGroupCount),
      bitmaps: decodeGroups(body.subarray(bitmapsAt), bitmapGroupCount),
    },
  };
}

function decodeGroups(bytes: Buffer, count: number): GroupPlace[] {
  return Array.from({ length: count }, (_, i) => ({
    index: bytes.readUInt32LE(i * GROUP_BYTES),
    unit: bytes.readUInt32LE(i * GROUP_BYTES + 4),
    crc: bytes.readUInt32LE(i * GROUP_BYTES + 8),
  }));
}
