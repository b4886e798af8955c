/** What a repository of an earlier version must restore to: `repository-<version>.json`. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

export interface ImageExpectation {
  sizeBytes: number;
  /** Of the whole image, hex. */
  sha256: string;
}

export interface Expectation {
  /** In the order of the list. */
  snapshots: ({ snapshotId: string; diskId: string; createdAtMs: number } & ImageExpectation)[];
  deletedIds: string[];
  /** Of the latest copy. */
  catalog: ImageExpectation;
  ownerEpoch: number;
}

export function fixtureFolder(version: number): string {
  return path.join(import.meta.dirname, `repository-${version}`);
}

export function expectationFile(version: number): string {
  return `${fixtureFolder(version)}.json`;
}

/** Of what comes, joined. */
export async function expectationOf(parts: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<ImageExpectation> {
  const hash = crypto.createHash('sha256');
  let sizeBytes = 0;
  for await (const part of parts) {
    hash.update(part);
    sizeBytes += part.length;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

export async function expectationOfFile(file: string): Promise<ImageExpectation> {
  return expectationOf(fs.createReadStream(file, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>);
}
