/** The client's half of the handshake: NBD_OPT_GO with simple replies, which every fixed newstyle server has. */
import type net from 'node:net';
import { OperationalError } from '../lib/errors.ts';
import {
  HandshakeFlag,
  Info,
  MAX_NAME_BYTES,
  NBD_MAGIC,
  OPTION_MAGIC,
  OPTION_REPLY_HEADER_BYTES,
  OPTION_REPLY_MAGIC,
  Option,
  OptionReply,
  TransmissionFlag,
  encodeOption,
} from './protocol.ts';

const GREETING_BYTES = 18;
const REPLY_LIMIT_BYTES = 4 * MAX_NAME_BYTES;

export interface ExportInfo {
  sizeBytes: number;
  readOnly: boolean;
}

/** Leaves the socket at the first byte of the transmission phase. Throws an OperationalError when that is not reached. */
export async function negotiate(socket: net.Socket, exportName: string): Promise<ExportInfo> {
  const reader = new HandshakeReader(socket);
  const greeting = await reader.take(GREETING_BYTES);
  const serverFlags = greeting.readUInt16BE(16);
  if (greeting.readBigUInt64BE(0) !== NBD_MAGIC || greeting.readBigUInt64BE(8) !== OPTION_MAGIC) {
    throw new OperationalError('what answers is no newstyle NBD server', { retryable: false });
  }
  const clientFlags = Buffer.alloc(4);
  clientFlags.writeUInt32BE(serverFlags & (HandshakeFlag.fixedNewstyle | HandshakeFlag.noZeroes), 0);
  socket.write(Buffer.concat([clientFlags, encodeOption(Option.go, encodeGo(exportName))]));
  const found = await awaitExport(reader);
  reader.release();
  return found;
}

function encodeGo(exportName: string): Buffer {
  const name = Buffer.from(exportName);
  const bytes = Buffer.alloc(4 + name.length + 2);
  bytes.writeUInt32BE(name.length, 0);
  name.copy(bytes, 4);
  return bytes;
}

async function awaitExport(reader: HandshakeReader): Promise<ExportInfo> {
  let found: ExportInfo | undefined;
  for (;;) {
    const { type, data } = await readOptionReply(reader);
    if (type === OptionReply.ack && found !== undefined) return found;
    if (type !== OptionReply.info) {
      const detail = data.length > 0 ? `: ${data.toString('utf8')}` : '';
      throw new OperationalError(`the NBD server refused (reply ${type})${detail}`, { retryable: false });
    }
    if (data.length === 12 && data.readUInt16BE(0) === Info.export) found = decodeExport(data);
  }
}

function decodeExport(data: Buffer): ExportInfo {
  return {
    sizeBytes: Number(data.readBigUInt64BE(2)),
    readOnly: (data.readUInt16BE(10) & TransmissionFlag.readOnly) !== 0,
  };
}

async function readOptionReply(reader: HandshakeReader): Promise<{ type: number; data: Buffer }> {
  const header = await reader.take(OPTION_REPLY_HEADER_BYTES);
  const lengthBytes = header.readUInt32BE(16);
  if (header.readBigUInt64BE(0) !== OPTION_REPLY_MAGIC || lengthBytes > REPLY_LIMIT_BYTES) {
    throw new OperationalError('the NBD server sent something that is no answer', { retryable: false });
  }
  return { type: header.readUInt32BE(12), data: await reader.take(lengthBytes) };
}

/** Takes what arrives in the portions that the handshake is made of. */
class HandshakeReader {
  readonly #socket: net.Socket;
  #arrived: Buffer = Buffer.alloc(0);
  #change = Promise.withResolvers<void>();
  readonly #onData = (data: Buffer) => {
    this.#arrived = Buffer.concat([this.#arrived, data]);
    this.#change.resolve();
  };
  readonly #onClose = () => this.#change.resolve();

  constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('close', this.#onClose);
  }

  async take(byteCount: number): Promise<Buffer> {
    while (this.#arrived.length < byteCount) {
      if (this.#socket.destroyed) {
        throw new OperationalError('the NBD server closed the connection during the handshake', { retryable: true });
      }
      this.#change = Promise.withResolvers();
      await this.#change.promise;
    }
    const bytes = this.#arrived.subarray(0, byteCount);
    this.#arrived = this.#arrived.subarray(byteCount);
    return bytes;
  }

  /** Leaves the socket to the transmission phase, in which the server says nothing unasked. */
  release(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('close', this.#onClose);
  }
}
