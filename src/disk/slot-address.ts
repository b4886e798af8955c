/** Where a slot's bytes lie: segment files of 16 384 slots (`docs/format.md`). Pure, and shared with readers of views. */
import path from 'node:path';
import { CHUNK_BYTES, GIB } from '../lib/geometry.ts';

export const SEGMENT_BYTES = GIB;
export const SEGMENT_SLOTS = SEGMENT_BYTES / CHUNK_BYTES;

/** The segment file that holds `slot`. */
export function slotFile(dataFolder: string, slot: number): string {
  return segmentFile(dataFolder, Math.floor(slot / SEGMENT_SLOTS));
}

/** The byte at which `slot` begins in its segment file. */
export function slotOffset(slot: number): number {
  return (slot % SEGMENT_SLOTS) * CHUNK_BYTES;
}

export function segmentFile(dataFolder: string, segment: number): string {
  return path.join(dataFolder, `${String(segment).padStart(6, '0')}.seg`);
}

/** The segment's number from its file name, or undefined for a stranger's file. */
export function parseSegmentName(name: string): number | undefined {
  const match = /^(\d{6,})\.seg$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}
