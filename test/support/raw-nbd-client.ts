/** An NBD client that says what it is told to, byte by byte, and shows what comes back as it is. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import {
  Option,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
  encodeOption,
  encodeRequest,
} from '../../src/nbd/protocol.ts';

const ALLOCATION = 'base:allocation';

export class RawNbdClient {
  readonly socket: net.Socket;
  received: Buffer = Buffer.alloc(0);

  constructor(socketPath: string) {
    this.socket = net.connect(socketPath).setMaxListeners(0);
    this.socket.on('error', () => this.socket.destroy());
    this.socket.on('data', (data: Buffer) => {
      this.received = Buffer.concat([this.received, data]);
    });
  }

  /** Takes the first bytes off what was received, waiting for them. */
  async take(byteCount: number): Promise<Buffer> {
    while (this.received.length < byteCount) await Promise.race([once(this.socket, 'data'), this.#failWhenClosed()]);
    const bytes = this.received.subarray(0, byteCount);
    this.received = this.received.subarray(byteCount);
    return bytes;
  }

  /** With `status`, `base:allocation` is agreed on. */
  async enterTransmission(options: { structured: boolean; status?: boolean }): Promise<void> {
    this.socket.write(Buffer.from([0, 0, 0, 3]));
    if (options.structured) this.socket.write(encodeOption(Option.structuredReply, Buffer.alloc(0)));
    if (options.status === true)
      this.socket.write(encodeOption(Option.setMetaContext, encodeMetaQuery('d-1', [ALLOCATION])));
    this.socket.write(encodeOption(Option.exportName, Buffer.from('d-1')));
    await this.take(
      18 + (options.structured ? 20 : 0) + (options.status === true ? 20 + 4 + ALLOCATION.length + 20 : 0) + 10,
    );
  }

  request(command: number, cookie: number, offset = 0, lengthBytes = 0, flags = 0): void {
    this.socket.write(encodeRequest({ command, flags, cookieHigh: 7, cookieLow: cookie, offset, lengthBytes }));
  }

  async takeSimple(): Promise<{ error: number; cookie: number }> {
    const reply = await this.take(16);
    assert.equal(reply.readUInt32BE(0), SIMPLE_REPLY_MAGIC);
    assert.equal(reply.readUInt32BE(8), 7);
    return { error: reply.readUInt32BE(4), cookie: reply.readUInt32BE(12) };
  }

  /** One chunk of a structured reply. */
  async takeChunk(): Promise<{ isLast: boolean; type: number; cookie: number; payload: Buffer }> {
    const header = await this.take(20);
    assert.equal(header.readUInt32BE(0), STRUCTURED_REPLY_MAGIC);
    const payload = await this.take(header.readUInt32BE(16));
    return {
      isLast: header.readUInt16BE(4) === 1,
      type: header.readUInt16BE(6),
      cookie: header.readUInt32BE(12),
      payload,
    };
  }

  async #failWhenClosed(): Promise<never> {
    await once(this.socket, 'close');
    throw new Error('closed');
  }
}

/** The data of an option that is about metadata contexts. */
export function encodeMetaQuery(exportName: string, queries: readonly string[]): Buffer {
  const strings = [exportName, ...queries].map((text) => {
    const bytes = Buffer.from(`....${text}`);
    bytes.writeUInt32BE(bytes.length - 4, 0);
    return bytes;
  });
  const count = Buffer.alloc(4);
  count.writeUInt32BE(queries.length, 0);
  return Buffer.concat([...strings.slice(0, 1), count, ...strings.slice(1)]);
}
