/**
 * The numbers of the NBD protocol (github.com/NetworkBlockDevice/nbd, doc/proto.md) that Hupo speaks, and its two fixed
 * headers. All integers are big-endian.
 */

export const NBD_MAGIC = 0x4e42444d41474943n;
export const OPTION_MAGIC = 0x49484156454f5054n;
export const OPTION_REPLY_MAGIC = 0x3e889045565a9n;
export const REQUEST_MAGIC = 0x25609513;
export const SIMPLE_REPLY_MAGIC = 0x67446698;
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef;

export const OPTION_HEADER_BYTES = 16;
export const OPTION_REPLY_HEADER_BYTES = 20;
export const REQUEST_HEADER_BYTES = 28;
export const SIMPLE_REPLY_BYTES = 16;
export const STRUCTURED_REPLY_BYTES = 20;

/** The longest READ or WRITE: what the protocol lets a client assume, and what Hupo announces. */
export const MAX_PAYLOAD_BYTES = 32 * 1024 * 1024;
export const MAX_NAME_BYTES = 4096;

/** The same two bits are the server's handshake flags and the client's answer to them. */
export const HandshakeFlag = { fixedNewstyle: 1, noZeroes: 2 } as const;

export const Option = {
  exportName: 1,
  abort: 2,
  list: 3,
  info: 6,
  go: 7,
  structuredReply: 8,
  listMetaContext: 9,
  setMetaContext: 10,
} as const;

export const OptionReply = {
  ack: 1,
  server: 2,
  info: 3,
  metaContext: 4,
  errorUnsupported: 0x80000001,
  errorInvalid: 0x80000003,
  errorUnknown: 0x80000006,
  errorTooBig: 0x80000009,
} as const;

export const Info = { export: 0, name: 1, blockSize: 3 } as const;

export const TransmissionFlag = {
  hasFlags: 1,
  readOnly: 2,
  sendFlush: 4,
  sendFua: 8,
  sendTrim: 32,
  sendWriteZeroes: 64,
  sendDf: 128,
  canMultiConn: 256,
  sendCache: 1024,
} as const;

export const Command = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  trim: 4,
  cache: 5,
  writeZeroes: 6,
  blockStatus: 7,
} as const;

export const CommandFlag = { fua: 1, noHole: 2, df: 4, reqOne: 8 } as const;

export const ReplyFlag = { done: 1 } as const;

export const ReplyType = { none: 0, offsetData: 1, blockStatus: 5, error: 0x8001, errorOffset: 0x8002 } as const;

/** What `base:allocation` says of an extent. */
export const AllocationFlag = { hole: 1, zero: 2 } as const;

/** Errors on the wire; 0 is success. They look like errno values but belong to the protocol. */
export const NbdError = { none: 0, eperm: 1, eio: 5, einval: 22, enospc: 28 } as const;

const ERROR_NAMES = new Map<number, string>([
  [1, 'EPERM'],
  [5, 'EIO'],
  [12, 'ENOMEM'],
  [22, 'EINVAL'],
  [28, 'ENOSPC'],
  [75, 'EOVERFLOW'],
  [95, 'ENOTSUP'],
  [108, 'ESHUTDOWN'],
]);

/** `EIO` for 5, and so on; `error 7` for a number that the protocol does not define. */
export function formatNbdError(error: number): string {
  return ERROR_NAMES.get(error) ?? `error ${error}`;
}

/** A request of the transmission phase. The cookie comes back in the reply and means nothing to a server. */
export interface Request {
  flags: number;
  command: number;
  cookieHigh: number;
  cookieLow: number;
  /** Bytes; exact below 2^53, and larger than any disk above. */
  offset: number;
  lengthBytes: number;
  /** By a server: when it was taken off the stream, on the monotonic clock. */
  takenAtMs?: number;
}

/** Reads the 28 bytes at `position`; undefined when they do not begin with the magic number. */
export function decodeRequest(bytes: Buffer, position: number): Request | undefined {
  if (bytes.readUInt32BE(position) !== REQUEST_MAGIC) return undefined;
  return {
    flags: bytes.readUInt16BE(position + 4),
    command: bytes.readUInt16BE(position + 6),
    cookieHigh: bytes.readUInt32BE(position + 8),
    cookieLow: bytes.readUInt32BE(position + 12),
    offset: bytes.readUInt32BE(position + 16) * 2 ** 32 + bytes.readUInt32BE(position + 20),
    lengthBytes: bytes.readUInt32BE(position + 24),
    takenAtMs: 0,
  };
}

export function encodeRequest(request: Request): Buffer {
  const bytes = Buffer.allocUnsafe(REQUEST_HEADER_BYTES);
  bytes.writeUInt32BE(REQUEST_MAGIC, 0);
  bytes.writeUInt16BE(request.flags, 4);
  bytes.writeUInt16BE(request.command, 6);
  bytes.writeUInt32BE(request.cookieHigh, 8);
  bytes.writeUInt32BE(request.cookieLow, 12);
  bytes.writeBigUInt64BE(BigInt(request.offset), 16);
  bytes.writeUInt32BE(request.lengthBytes, 24);
  return bytes;
}

/** An option of the handshake, from client to server. */
export function encodeOption(option: number, data: Buffer): Buffer {
  const header = Buffer.allocUnsafe(OPTION_HEADER_BYTES);
  header.writeBigUInt64BE(OPTION_MAGIC, 0);
  header.writeUInt32BE(option, 8);
  header.writeUInt32BE(data.length, 12);
  return Buffer.concat([header, data]);
}

/** An answer to an option, from server to client. */
export function encodeOptionReply(option: number, type: number, data: Buffer): Buffer {
  const header = Buffer.allocUnsafe(OPTION_REPLY_HEADER_BYTES);
  header.writeBigUInt64BE(OPTION_REPLY_MAGIC, 0);
  header.writeUInt32BE(option, 8);
  header.writeUInt32BE(type, 12);
  header.writeUInt32BE(data.length, 16);
  return Buffer.concat([header, data]);
}
