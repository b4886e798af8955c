/**
 * A guest that writes: `node write-log.ts FILE` puts sequence n into block n of a file that is already there, each write
 * synchronous, and prints `n issued acknowledged` (CLOCK_MONOTONIC nanoseconds) a line until its standard input ends.
 */
import fs from 'node:fs';

const BLOCK_BYTES = 4096;

const file = process.argv[2] ?? '';
const fd = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_DSYNC);
const blockCount = fs.fstatSync(fd).size / BLOCK_BYTES;
let ended = false;
process.stdin.on('end', () => (ended = true)).resume();
writeNext(1);

function writeNext(sequence: number): void {
  if (ended || sequence >= blockCount) {
    fs.closeSync(fd);
    return;
  }
  const block = Buffer.alloc(BLOCK_BYTES);
  for (let at = 0; at < BLOCK_BYTES; at += 8) block.writeBigUInt64LE(BigInt(sequence), at);
  const issued = process.hrtime.bigint();
  fs.writeSync(fd, block, 0, BLOCK_BYTES, sequence * BLOCK_BYTES);
  process.stdout.write(`${sequence} ${issued} ${process.hrtime.bigint()}\n`);
  setImmediate(() => writeNext(sequence + 1));
}
