/**
 * The checkpoint: a disk's whole state at one moment in one file, replaced atomically (`docs/format.md`). Whoever
 * writes one has synced everything it refers to. A crash leaves the old one, perhaps with a `checkpoint.new` beside it.
 */
import crypto from 'node:crypto';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Files } from '../lib/files.ts';
import { findFileBytes } from '../lib/files.ts';
import { CorruptionError, OperationalError, messageOf } from '../lib/errors.ts';
import type { Entry, MapHead, MapPage } from './map-state.ts';
import { MapState, PAGE_CHUNKS } from './map-state.ts';

export const CHECKPOINT_NAME = 'checkpoint';
const MAGIC = 'HUPODISK';
const VERSION = 1;
const PREFIX_BYTES = 16;
const DIGEST_BYTES = 32;
const PAGE_BYTES = 8 + PAGE_CHUNKS * 8;
const SAVED_BYTES = 12;
/** Pages written in one go, between which other work gets its turn. */
const PAGES_A_TURN = 64;

/** What a checkpoint's header says besides the map's head. */
export interface CheckpointLinks {
  /** Numbers of the data folder, and of the journal that goes on from here. */
  data: number;
  journal: number;
  syncFailure: string | null;
}

interface ViewHead {
  snapshotId: string;
  generation: number;
  frozenAtMs: number;
  savedCount: number;
}

type Header = MapHead & CheckpointLinks & { view: ViewHead | null; pageCount: number };

/** A moment's state, held while the file is written; its pages are shared with the living map (copy-on-write). */
export interface Capture {
  links: CheckpointLinks;
  head: MapHead;
  view: ViewHead | null;
  saved: [number, Entry][];
  pages: { index: number; page: MapPage }[];
}

export function captureState(state: MapState, links: CheckpointLinks): Capture {
  const { view } = state;
  const saved = [...(view?.saved ?? [])].sort(([a], [b]) => a - b);
  return {
    links,
    head: { ...state.head },
    view: view && {
      snapshotId: view.snapshotId,
      generation: view.generation,
      frozenAtMs: view.frozenAtMs,
      savedCount: saved.length,
    },
    saved,
    pages: state.sharePages(),
  };
}

/**
 * Resolves when the new checkpoint survives a power cut. When it throws, the old one is there, unless `onReplaced` was
 * called: then an opening finds the new one, or after a power cut either.
 */
export async function writeCheckpoint(
  files: Files,
  folder: string,
  capture: Capture,
  onReplaced: () => void = () => {},
): Promise<void> {
  const name = path.join(folder, CHECKPOINT_NAME);
  try {
    await writeWhole(files, `${name}.new`, capture);
  } catch (error) {
    removeIfThere(files, `${name}.new`); // it may be what fills the file system
    throw error;
  }
  files.rename(`${name}.new`, name);
  onReplaced();
  await files.syncFolder(folder);
}

async function writeWhole(files: Files, name: string, capture: Capture): Promise<void> {
  const fd = files.open(name, 'create');
  try {
    files.truncate(fd, 0);
    const digest = crypto.createHash('sha256');
    let position = 0;
    for (const part of encodeParts(capture)) {
      digest.update(part);
      files.write(fd, part, 0, part.length, position);
      position += part.length;
      await setImmediate();
    }
    files.write(fd, digest.digest(), 0, DIGEST_BYTES, position);
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

function* encodeParts(capture: Capture): Generator<Buffer> {
  yield encodeHeader(capture);
  for (let from = 0; from < capture.pages.length; from += PAGES_A_TURN) {
    yield Buffer.concat(capture.pages.slice(from, from + PAGES_A_TURN).map(encodePage));
  }
  if (capture.saved.length > 0) yield encodeSaved(capture.saved);
}

function encodeHeader({ head, links, view, pages }: Capture): Buffer {
  const header: Header = { ...head, ...links, view, pageCount: pages.length };
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(MAGIC, 0, 'latin1');
  prefix.writeUInt16LE(VERSION, 8);
  prefix.writeUInt32LE(json.length, 12);
  return Buffer.concat([prefix, json]);
}

function encodePage({ index, page }: { index: number; page: MapPage }): Buffer {
  const bytes = Buffer.alloc(PAGE_BYTES);
  bytes.writeUInt32LE(index, 0);
  bytes.writeUInt32LE(page.entryCount, 4);
  bytes.set(bytesOf(page.places), 8);
  bytes.set(bytesOf(page.generations), 8 + PAGE_CHUNKS * 4);
  return bytes;
}

function encodeSaved(saved: readonly [number, Entry][]): Buffer {
  const bytes = Buffer.alloc(saved.length * SAVED_BYTES);
  saved.forEach(([chunk, entry], i) => {
    bytes.writeUInt32LE(chunk, i * SAVED_BYTES);
    bytes.writeUInt32LE(entry.place, i * SAVED_BYTES + 4);
    bytes.writeUInt32LE(entry.generation, i * SAVED_BYTES + 8);
  });
  return bytes;
}

/** Little-endian, as every machine that Node 26 runs on. */
function bytesOf(numbers: Uint32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/**
 * Reads and verifies a disk's checkpoint. Throws a CorruptionError when it is missing or not as written, an
 * OperationalError when a newer Hupo wrote it.
 */
export function readCheckpoint(files: Files, folder: string): { state: MapState; links: CheckpointLinks } {
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
  if (bytes.readUInt32LE(8) !== VERSION) {
    throw new OperationalError(`${name} is of a later version than this program reads: upgrade Hupo`, {
      retryable: false,
    });
  }
  try {
    return decodeBody(body);
  } catch (error) {
    throw new CorruptionError('the checkpoint', `${name}: ${messageOf(error)}`);
  }
}

function decodeBody(body: Buffer): { state: MapState; links: CheckpointLinks } {
  const headerEnd = PREFIX_BYTES + body.readUInt32LE(12);
  const header = JSON.parse(body.toString('utf8', PREFIX_BYTES, headerEnd)) as Header;
  const { data, journal, syncFailure, view, pageCount, ...head } = header;
  const state = new MapState(head);
  for (let i = 0; i < pageCount; i++) decodePage(body, headerEnd + i * PAGE_BYTES, state);
  if (view !== null) {
    const { savedCount, ...rest } = view;
    state.view = { ...rest, saved: decodeSaved(body, headerEnd + pageCount * PAGE_BYTES, savedCount) };
  }
  return { state, links: { data, journal, syncFailure } };
}

function decodePage(body: Buffer, offset: number, state: MapState): void {
  const index = body.readUInt32LE(offset);
  const places = new Uint32Array(PAGE_CHUNKS);
  const generations = new Uint32Array(PAGE_CHUNKS);
  bytesOf(places).set(body.subarray(offset + 8, offset + 8 + PAGE_CHUNKS * 4));
  bytesOf(generations).set(body.subarray(offset + 8 + PAGE_CHUNKS * 4, offset + PAGE_BYTES));
  state.adoptPage(index, places, generations);
}

function decodeSaved(body: Buffer, offset: number, count: number): Map<number, Entry> {
  const saved = new Map<number, Entry>();
  for (let at = offset; at < offset + count * SAVED_BYTES; at += SAVED_BYTES) {
    saved.set(body.readUInt32LE(at), { place: body.readUInt32LE(at + 4), generation: body.readUInt32LE(at + 8) });
  }
  return saved;
}
