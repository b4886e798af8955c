/**
 * What an image file is, by its first and last bytes alone: the format, and how large a disk it holds. Images come from anywhere, so
 * nothing that it names is followed: one that is made of other files, or needs a key, is refused.
 *
 * Sources: docs/interop/qcow2.txt of QEMU; "Virtual Hard Disk Image Format Specification" 1.0 of Microsoft.
 */

export const importFormats = ['raw', 'qcow2', 'vhd'] as const;
export type ImportFormat = (typeof importFormats)[number];

export interface ImageFacts {
  format: ImportFormat;
  /** Of the disk that it holds. */
  sizeBytes: number;
}

/** A file's ends: 512 bytes or less each. */
export interface ImageEnds {
  first: Buffer;
  last: Buffer;
  fileBytes: number;
}

export const END_BYTES = 512;

const QCOW2_MAGIC = 0x51_46_49_fb;
/** Incompatible feature bit 2: the data lies in another file. */
const EXTERNAL_DATA = 4;
const VHD_COOKIE = 'conectix';
const VHD_KINDS = { fixed: 2, dynamic: 3 };
const OTHER_FORMATS: readonly [magic: string, name: string][] = [
  ['KDMV', 'VMDK'],
  ['# Disk DescriptorFile', 'VMDK'],
  ['vhdxfile', 'VHDX'],
  ['<<< ', 'VDI'],
];

/** `wanted`: what it must be, or null: whatever it is. A text says what is wrong with it, for people. */
export function inspectImage(ends: ImageEnds, wanted: ImportFormat | null): ImageFacts | string {
  const { first, fileBytes } = ends;
  if (fileBytes === 0) return 'it is empty';
  if (wanted === 'raw') return { format: 'raw', sizeBytes: fileBytes };
  const isQcow2 = first.length >= 4 && first.readUInt32BE(0) === QCOW2_MAGIC;
  const footer = findFooter(ends);
  if (wanted !== null && wanted !== (isQcow2 ? 'qcow2' : footer === null ? 'raw' : 'vhd')) return `it is no ${wanted}`;
  if (isQcow2) return inspectQcow2(first);
  if (footer !== null) return inspectVhd(footer);
  const other = OTHER_FORMATS.find(([magic]) => first.toString('latin1', 0, magic.length) === magic);
  if (other !== undefined)
    return `it is a ${other[1]}, which cannot be imported: convert it to qcow2, vhd or raw first`;
  return { format: 'raw', sizeBytes: fileBytes };
}

function inspectQcow2(header: Buffer): ImageFacts | string {
  if (header.length < 104) return 'its qcow2 header is cut off';
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) return `it is qcow2 of version ${version}; 2 and 3 are known`;
  if (header.readBigUInt64BE(8) !== 0n) return 'it is made on top of another file (a backing file): flatten it first';
  if (header.readUInt32BE(32) !== 0) return 'it is encrypted: decrypt it first';
  const features = version === 3 ? header.readUInt32BE(76) : 0;
  if ((features & EXTERNAL_DATA) !== 0) return 'its data lies in another file: flatten it first';
  return sized('qcow2', header.readBigUInt64BE(24));
}

/** Of a dynamic image a copy lies at the beginning; of a fixed one it is at the end only. */
function findFooter({ first, last }: ImageEnds): Buffer | null {
  const isFooter = (bytes: Buffer) => bytes.length === END_BYTES && bytes.toString('latin1', 0, 8) === VHD_COOKIE;
  if (isFooter(last)) return last;
  return isFooter(first) ? first : null;
}

function inspectVhd(footer: Buffer): ImageFacts | string {
  const kind = footer.readUInt32BE(60);
  if (kind === VHD_KINDS.fixed || kind === VHD_KINDS.dynamic) return sized('vhd', footer.readBigUInt64BE(48));
  return 'it is a vhd that is made on top of another file: flatten it first';
}

function sized(format: ImportFormat, sizeBytes: bigint): ImageFacts | string {
  if (sizeBytes > 0n && sizeBytes <= BigInt(Number.MAX_SAFE_INTEGER)) return { format, sizeBytes: Number(sizeBytes) };
  return `it says that its disk has ${sizeBytes} bytes`;
}
