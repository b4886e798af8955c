/** What image files are told to be, by their ends alone; made by hand from the formats' specifications. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { END_BYTES, inspectImage } from './image-header.ts';
import type { ImportFormat } from './image-header.ts';

const GIB = 1024 ** 3;

function qcow2(change: (header: Buffer) => void = () => undefined): Buffer {
  const header = Buffer.alloc(END_BYTES);
  header.writeUInt32BE(0x51_46_49_fb, 0);
  header.writeUInt32BE(3, 4);
  header.writeBigUInt64BE(BigInt(5 * GIB), 24);
  change(header);
  return header;
}

function vhd(kind: number, sizeBytes = 7 * GIB): Buffer {
  const footer = Buffer.alloc(END_BYTES);
  footer.write('conectix', 0, 'latin1');
  footer.writeBigUInt64BE(BigInt(sizeBytes), 48);
  footer.writeUInt32BE(kind, 60);
  return footer;
}

function inspect(ends: { first?: Buffer; last?: Buffer }, wanted: ImportFormat | null = null) {
  const zeros = Buffer.alloc(END_BYTES);
  return inspectImage({ first: zeros, last: zeros, fileBytes: 2 * GIB, ...ends }, wanted);
}

/** What is wrong with it. */
function problemOf(ends: { first?: Buffer; last?: Buffer }): string {
  const found = inspect(ends);
  return typeof found === 'string' ? found : '';
}

test('raw, qcow2 and vhd are told apart, with the size of the disk that they hold', () => {
  assert.deepEqual(inspect({}), { format: 'raw', sizeBytes: 2 * GIB });
  assert.deepEqual(inspect({ first: qcow2() }), { format: 'qcow2', sizeBytes: 5 * GIB });
  assert.deepEqual(inspect({ first: qcow2((header) => header.writeUInt32BE(2, 4)) }), {
    format: 'qcow2',
    sizeBytes: 5 * GIB,
  });
  assert.deepEqual(inspect({ first: vhd(3), last: vhd(3) }), { format: 'vhd', sizeBytes: 7 * GIB });
  assert.deepEqual(inspect({ last: vhd(2) }), { format: 'vhd', sizeBytes: 7 * GIB });
});

test('what is asked for is what it must be; raw may be anything', () => {
  assert.equal(inspect({}, 'qcow2'), 'it is no qcow2');
  assert.equal(inspect({ first: qcow2() }, 'vhd'), 'it is no vhd');
  assert.deepEqual(inspect({ first: qcow2() }, 'raw'), { format: 'raw', sizeBytes: 2 * GIB });
});

test('an image that leads to another file, or is encrypted, is refused', () => {
  const backed = qcow2((header) => header.writeBigUInt64BE(4096n, 8));
  assert.match(problemOf({ first: backed }), /backing file/);
  const external = qcow2((header) => header.writeUInt32BE(4, 76));
  assert.match(problemOf({ first: external }), /data lies in another file/);
  const encrypted = qcow2((header) => header.writeUInt32BE(2, 32));
  assert.match(problemOf({ first: encrypted }), /encrypted/);
  assert.match(problemOf({ last: vhd(4) }), /on top of another file/);
});

test('other formats, broken headers and empty files are refused', () => {
  const named = (text: string) => ({ first: Buffer.concat([Buffer.from(text), Buffer.alloc(END_BYTES)]) });
  assert.match(problemOf(named('KDMV')), /VMDK/);
  assert.match(problemOf(named('# Disk DescriptorFile')), /VMDK/);
  assert.match(problemOf(named('vhdxfile')), /VHDX/);
  assert.match(problemOf(named('<<< QEMU VM')), /VDI/);
  assert.match(problemOf({ first: qcow2().subarray(0, 60) }), /cut off/);
  assert.match(problemOf({ first: qcow2((header) => header.writeUInt32BE(9, 4)) }), /version 9/);
  assert.match(problemOf({ first: qcow2((header) => header.writeBigUInt64BE(0n, 24)) }), /has 0 bytes/);
  assert.match(problemOf({ first: qcow2((header) => header.writeBigUInt64BE(2n ** 63n, 24)) }), /bytes/);
  assert.equal(inspectImage({ first: Buffer.alloc(0), last: Buffer.alloc(0), fileBytes: 0 }, 'raw'), 'it is empty');
});
