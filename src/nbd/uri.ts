/** The one form in which Hupo tells where a disk is served: `nbd+unix:///<DiskId>?socket=<percent-encoded absolute path>`. */
import path from 'node:path';
import { OperationalError } from '../lib/errors.ts';
import { assert } from '../lib/assert.ts';

export interface NbdTarget {
  /** Absolute. */
  socketPath: string;
  exportName: string;
}

/** Source: github.com/NetworkBlockDevice/nbd, doc/uri.md. libnbd, QEMU, nbdkit and fio read it as it is. */
export function formatNbdUri(target: NbdTarget): string {
  assert(path.isAbsolute(target.socketPath), `the socket path ${target.socketPath} must be absolute`);
  return `nbd+unix:///${encodeURIComponent(target.exportName)}?socket=${encodeURIComponent(target.socketPath)}`;
}

/** Throws an OperationalError for anything but an `nbd+unix` URI with an absolute `socket`. */
export function parseNbdUri(uri: string): NbdTarget {
  const match = /^nbd\+unix:\/\/\/([^?#/]*)\?socket=([^&#]+)$/.exec(uri);
  const target = match === null ? undefined : decodeParts(match[1] ?? '', match[2] ?? '');
  if (target === undefined || !path.isAbsolute(target.socketPath)) {
    throw new OperationalError(`${uri} is not of the form nbd+unix:///NAME?socket=/PATH`, { retryable: false });
  }
  return target;
}

function decodeParts(exportName: string, socketPath: string): NbdTarget | undefined {
  try {
    return { exportName: decodeURIComponent(exportName), socketPath: decodeURIComponent(socketPath) };
  } catch {
    return undefined; // a % that no two hexadecimal digits follow
  }
}
