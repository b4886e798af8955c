/**
 * The file that `hupo backup` writes: all that a service needs besides its disks and its repository, in one file.
 *
 * ```
 * hupo-backup 1 <SHA-256 of the header, 64 hexadecimal digits> <header, JSON in one line>\n
 * <the bytes of the files, one behind the other, in the order of the header>
 * ```
 *
 * The header: `{ takenAtMs, hupoVersion, regionId, files: [{ name, sizeBytes, sha256 }] }`; names are relative, with `/`. Written under
 * another name and renamed when it is synced, so a crash leaves `<name>.partial` and never half a backup. Reading verifies all of it
 * before anything is made of it; what a crash of restoring leaves is below DIR without a catalog, and restoring again goes over it.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { CorruptionError, OperationalError, errnoOf } from '../lib/errors.ts';

const MAGIC = 'hupo-backup';
const VERSION = 1;
const PIECE_BYTES = 1 << 20;
const HEADER_LIMIT_BYTES = 1 << 20;

export interface BackupHeader {
  takenAtMs: number;
  hupoVersion: string;
  regionId: string;
  files: { name: string; sizeBytes: number; sha256: string }[];
}

/** Writes `file` (0600), which must not be there, of files by their name in it and where they are now. */
export function writeBackup(
  file: string,
  about: Omit<BackupHeader, 'files'>,
  sources: readonly { name: string; from: string }[],
): BackupHeader {
  const files = sources.map(({ name, from }) => ({ name, ...digestOf(from) }));
  const header = { ...about, files };
  const text = JSON.stringify(header);
  const partial = `${file}.partial`;
  const fd = openNew(partial, file);
  try {
    fs.writeSync(fd, `${MAGIC} ${VERSION} ${createHash('sha256').update(text).digest('hex')} ${text}\n`);
    for (const [index, { from }] of sources.entries()) copyAs(files[index]?.sha256 ?? '', fd, from);
    fs.fsyncSync(fd);
  } catch (error) {
    fs.rmSync(partial, { force: true });
    throw error;
  } finally {
    fs.closeSync(fd);
  }
  fs.renameSync(partial, file);
  syncFolder(path.dirname(path.resolve(file)));
  return header;
}

/** Throws where the file is not any more what the header says: a key may have been added between the two reads. */
function copyAs(sha256: string, fd: number, from: string): void {
  const hash = createHash('sha256');
  for (const piece of piecesOf(from)) {
    hash.update(piece);
    writeWhole(fd, piece);
  }
  if (hash.digest('hex') === sha256) return;
  throw new OperationalError(`${from} was changed while it was read: back up once more`, { retryable: true });
}

/** Of a backup whose every byte is right. Throws a CorruptionError, or an OperationalError for what is none or newer. */
export function verifyBackup(file: string): BackupHeader {
  const fd = fs.openSync(file, 'r');
  try {
    const { header, at } = readHeader(fd, file);
    let position = at;
    for (const { name, sizeBytes, sha256 } of header.files) {
      const hash = createHash('sha256');
      for (const piece of readPieces(fd, position, sizeBytes)) hash.update(piece);
      const actual = hash.digest('hex');
      if (actual !== sha256) throw new CorruptionError('the backup', `${file}, ${name}`, { expected: sha256, actual });
      position += sizeBytes;
    }
    if (fs.fstatSync(fd).size !== position)
      throw new CorruptionError('the backup', `${file}: it does not end where it should`);
    return header;
  } finally {
    fs.closeSync(fd);
  }
}

/** Puts one file of a verified backup to `target` (0600), durably: whole or not at all. */
export function extractFile(file: string, name: string, target: string): void {
  const fd = fs.openSync(file, 'r');
  try {
    const { header, at } = readHeader(fd, file);
    const index = header.files.findIndex((one) => one.name === name);
    const position = header.files.slice(0, index).reduce((sum, { sizeBytes }) => sum + sizeBytes, at);
    const fresh = `${target}.partial`;
    const out = fs.openSync(fresh, 'w', 0o600);
    try {
      for (const piece of readPieces(fd, position, header.files[index]?.sizeBytes ?? 0)) writeWhole(out, piece);
      fs.fsyncSync(out);
    } finally {
      fs.closeSync(out);
    }
    fs.renameSync(fresh, target);
    syncFolder(path.dirname(target));
  } finally {
    fs.closeSync(fd);
  }
}

function readHeader(fd: number, file: string): { header: BackupHeader; at: number } {
  const start = Buffer.alloc(HEADER_LIMIT_BYTES);
  const read = fs.readSync(fd, start, 0, start.length, 0);
  const end = start.subarray(0, read).indexOf('\n');
  const line = start.toString('utf8', 0, Math.max(0, end));
  const [, version, digest, text = ''] = /^hupo-backup (\d+) ([0-9a-f]{64}) (.*)$/s.exec(line) ?? [];
  if (version === undefined || Number(version) === 0) throw refusal(`${file} is no backup of hupo`);
  if (Number(version) > VERSION) throw refusal(`${file} is a backup of version ${version}: use a newer hupo`);
  const actual = createHash('sha256').update(text).digest('hex');
  if (actual !== digest)
    throw new CorruptionError('the backup', `${file}, its header`, { expected: digest ?? '', actual });
  const header = JSON.parse(text) as BackupHeader;
  const isPlain = ({ name }: { name: string }) => /^[\w.-]+(\/[\w.-]+)?$/.test(name) && !name.includes('..');
  if (!header.files.every(isPlain)) throw refusal(`${file} names files that are not below a data folder`);
  return { header, at: end + 1 };
}

function* piecesOf(file: string): Generator<Buffer> {
  const fd = fs.openSync(file, 'r');
  try {
    yield* readPieces(fd, 0, fs.fstatSync(fd).size);
  } finally {
    fs.closeSync(fd);
  }
}

/** Ends early where the file does. */
function* readPieces(fd: number, from: number, sizeBytes: number): Generator<Buffer> {
  const piece = Buffer.alloc(PIECE_BYTES);
  for (let done = 0; done < sizeBytes;) {
    const count = fs.readSync(fd, piece, 0, Math.min(PIECE_BYTES, sizeBytes - done), from + done);
    if (count === 0) return;
    yield piece.subarray(0, count);
    done += count;
  }
}

function writeWhole(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length;) done += fs.writeSync(fd, bytes, done);
}

function digestOf(file: string): { sizeBytes: number; sha256: string } {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for (const piece of piecesOf(file)) {
    hash.update(piece);
    sizeBytes += piece.length;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

function openNew(partial: string, file: string): number {
  if (fs.existsSync(file)) throw refusal(`${file} is there already: name another file`);
  try {
    fs.rmSync(partial, { force: true });
    return fs.openSync(partial, 'wx', 0o600);
  } catch (cause) {
    throw new OperationalError(`${partial} cannot be made (${errnoOf(cause)})`, { retryable: false, cause });
  }
}

function syncFolder(folder: string): void {
  const fd = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function refusal(message: string): OperationalError {
  return new OperationalError(message, { retryable: false });
}
