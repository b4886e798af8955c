/**
 * The server's half of the fixed newstyle handshake: bytes in, bytes out, no socket. What it holds is bounded: an option
 * longer than any that Hupo knows is skipped as it arrives, and a client may ask for so many and no more.
 *
 * TLS and extended headers are not served: their options get NBD_REP_ERR_UNSUP, as every unknown option does, and
 * clients go on without.
 */
import { BLOCK_BYTES } from '../lib/geometry.ts';
import {
  decodeMetaQuery,
  encodeMetaContext,
  listMetaContexts,
  selectMetaContexts,
  type MetaContext,
} from './meta-context.ts';
import {
  HandshakeFlag,
  Info,
  MAX_NAME_BYTES,
  MAX_PAYLOAD_BYTES,
  NBD_MAGIC,
  OPTION_HEADER_BYTES,
  OPTION_MAGIC,
  Option,
  OptionReply,
  TransmissionFlag,
  encodeOptionReply,
} from './protocol.ts';

const CLIENT_FLAGS_BYTES = 4;
const OPTION_LIMIT_BYTES = 4 * MAX_NAME_BYTES;
/** Real clients need fewer than ten. */
const OPTION_COUNT_LIMIT = 128;
const EXPORT_NAME_PADDING_BYTES = 124;
/** Any offset and length may be asked for, so the least block is one byte. */
const LEAST_BLOCK_BYTES = 1;

export interface ExportDescription {
  name: string;
  sizeBytes: number;
  readOnly: boolean;
}

/** `negotiating` wants more bytes; `transmission` is agreed on; `ended` means that the connection must be closed. */
export type HandshakeState = 'negotiating' | 'transmission' | 'ended';

export class Handshake {
  state: HandshakeState = 'negotiating';
  /** Whether the client asked for structured replies. */
  structuredReplies = false;
  /** What block status is to tell of; none: it is not served. */
  contexts: readonly MetaContext[] = [];
  readonly #description: ExportDescription;
  #clientFlags: number | undefined;
  #pending: Buffer = Buffer.alloc(0);
  /** Bytes of a too long option that are still to arrive. */
  #skipBytes = 0;
  #optionCount = 0;
  #replies: Buffer[] = [];

  constructor(description: ExportDescription) {
    this.#description = description;
  }

  /** What the server says first. */
  greet(): Buffer {
    const bytes = Buffer.alloc(18);
    bytes.writeBigUInt64BE(NBD_MAGIC, 0);
    bytes.writeBigUInt64BE(OPTION_MAGIC, 8);
    bytes.writeUInt16BE(HandshakeFlag.fixedNewstyle | HandshakeFlag.noZeroes, 16);
    return bytes;
  }

  /** Takes what arrived. Returns what to send, and what is left over once the state is `transmission`. */
  accept(data: Buffer): { replies: Buffer[]; rest: Buffer } {
    this.#pending = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data]);
    while (this.state === 'negotiating' && this.#step());
    const replies = this.#replies;
    this.#replies = [];
    return { replies, rest: this.#pending };
  }

  /** Takes one item off the pending bytes; false when they do not hold a whole one. */
  #step(): boolean {
    if (this.#skipBytes > 0) return this.#skip();
    if (this.#clientFlags === undefined) return this.#takeClientFlags();
    if (this.#pending.length < OPTION_HEADER_BYTES) return false;
    if (this.#pending.readBigUInt64BE(0) !== OPTION_MAGIC) return this.#end();
    if (this.#optionCount === OPTION_COUNT_LIMIT) return this.#end();
    const option = this.#pending.readUInt32BE(8);
    const lengthBytes = this.#pending.readUInt32BE(12);
    if (lengthBytes > OPTION_LIMIT_BYTES) return this.#refuseLongOption(option, lengthBytes);
    if (this.#pending.length < OPTION_HEADER_BYTES + lengthBytes) return false;
    const data = this.#pending.subarray(OPTION_HEADER_BYTES, OPTION_HEADER_BYTES + lengthBytes);
    this.#pending = this.#pending.subarray(OPTION_HEADER_BYTES + lengthBytes);
    this.#optionCount++;
    this.#answer(option, data);
    return true;
  }

  #skip(): boolean {
    const count = Math.min(this.#skipBytes, this.#pending.length);
    this.#skipBytes -= count;
    this.#pending = this.#pending.subarray(count);
    return count > 0;
  }

  #takeClientFlags(): boolean {
    if (this.#pending.length < CLIENT_FLAGS_BYTES) return false;
    this.#clientFlags = this.#pending.readUInt32BE(0);
    this.#pending = this.#pending.subarray(CLIENT_FLAGS_BYTES);
    const known = HandshakeFlag.fixedNewstyle | HandshakeFlag.noZeroes;
    return (this.#clientFlags & ~known) === 0 || this.#end();
  }

  #refuseLongOption(option: number, lengthBytes: number): boolean {
    if (option === Option.exportName) return this.#end(); // the only option that has no error reply
    this.#pending = this.#pending.subarray(OPTION_HEADER_BYTES);
    this.#skipBytes = lengthBytes;
    this.#optionCount++;
    if (option === Option.setMetaContext) this.contexts = [];
    const known = Object.values<number>(Option).includes(option);
    const type = known ? OptionReply.errorTooBig : OptionReply.errorUnsupported;
    this.#reply(option, type, `an option may have ${OPTION_LIMIT_BYTES} bytes`);
    return true;
  }

  #end(): false {
    this.state = 'ended';
    return false;
  }

  #answer(option: number, data: Buffer): void {
    switch (option) {
      case Option.exportName:
        return this.#answerExportName(data);
      case Option.abort:
        this.#reply(option, OptionReply.ack);
        this.state = 'ended';
        return undefined;
      case Option.list:
        return this.#answerList(data);
      case Option.info:
      case Option.go:
        return this.#answerInfo(option, data);
      case Option.structuredReply:
        if (data.length > 0) return this.#reply(option, OptionReply.errorInvalid, 'this option has no data');
        this.structuredReplies = true;
        return this.#reply(option, OptionReply.ack);
      case Option.listMetaContext:
      case Option.setMetaContext:
        return this.#answerMetaContext(option, data);
      default:
        return this.#reply(option, OptionReply.errorUnsupported, 'this server does not know the option');
    }
  }

  #answerExportName(data: Buffer): void {
    if (!this.#isOurs(data)) {
      this.state = 'ended';
      return;
    }
    const padded = ((this.#clientFlags ?? 0) & HandshakeFlag.noZeroes) === 0;
    const bytes = Buffer.alloc(10 + (padded ? EXPORT_NAME_PADDING_BYTES : 0));
    bytes.writeBigUInt64BE(BigInt(this.#description.sizeBytes), 0);
    bytes.writeUInt16BE(this.#transmissionFlags(), 8);
    this.#replies.push(bytes);
    this.state = 'transmission';
  }

  #answerList(data: Buffer): void {
    if (data.length > 0) return this.#reply(Option.list, OptionReply.errorInvalid, 'this option has no data');
    const name = Buffer.from(this.#description.name);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(name.length, 0);
    this.#reply(Option.list, OptionReply.server, Buffer.concat([length, name]));
    return this.#reply(Option.list, OptionReply.ack);
  }

  #answerInfo(option: number, data: Buffer): void {
    const asked = decodeInfoRequest(data);
    if (asked === undefined) return this.#reply(option, OptionReply.errorInvalid, 'the lengths in the data disagree');
    if (!this.#isOurs(asked.name)) return this.#refuseName(option);
    this.#reply(option, OptionReply.info, this.#encodeExportInfo());
    if (asked.infos.includes(Info.name)) {
      this.#reply(
        option,
        OptionReply.info,
        Buffer.concat([encodeInfoType(Info.name), Buffer.from(this.#description.name)]),
      );
    }
    if (asked.infos.includes(Info.blockSize)) this.#reply(option, OptionReply.info, encodeBlockSizes());
    this.#reply(option, OptionReply.ack);
    if (option === Option.go) this.state = 'transmission';
    return undefined;
  }

  /**
   * Setting replaces what was set before, even when it fails. What is chosen belongs to the export that is named, which is
   * the one that any later NBD_OPT_GO can begin.
   */
  #answerMetaContext(option: number, data: Buffer): void {
    if (option === Option.setMetaContext) this.contexts = [];
    if (!this.structuredReplies) {
      return this.#reply(option, OptionReply.errorInvalid, 'ask for structured replies first');
    }
    const asked = decodeMetaQuery(data);
    if (asked === undefined) return this.#reply(option, OptionReply.errorInvalid, 'the lengths in the data disagree');
    if (!this.#isOurs(asked.exportName)) return this.#refuseName(option);
    if (option === Option.setMetaContext) {
      this.contexts = selectMetaContexts(asked.queries);
      for (const { id, name } of this.contexts)
        this.#reply(option, OptionReply.metaContext, encodeMetaContext(id, name));
    } else {
      for (const { name } of listMetaContexts(asked.queries)) {
        this.#reply(option, OptionReply.metaContext, encodeMetaContext(0, name)); // an id only once it is set
      }
    }
    return this.#reply(option, OptionReply.ack);
  }

  #refuseName(option: number): void {
    this.#reply(option, OptionReply.errorUnknown, `the only export here is ${this.#description.name}`);
  }

  /** The empty name asks for the default export, which is the only one. */
  #isOurs(name: Buffer): boolean {
    return name.length === 0 || name.toString('utf8') === this.#description.name;
  }

  #encodeExportInfo(): Buffer {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt16BE(Info.export, 0);
    bytes.writeBigUInt64BE(BigInt(this.#description.sizeBytes), 2);
    bytes.writeUInt16BE(this.#transmissionFlags(), 10);
    return bytes;
  }

  /** One thread owns the disk with all its connections and a flush covers every answered write: hence canMultiConn. */
  #transmissionFlags(): number {
    return (
      TransmissionFlag.hasFlags |
      TransmissionFlag.sendFlush |
      TransmissionFlag.sendFua |
      TransmissionFlag.sendTrim |
      TransmissionFlag.sendWriteZeroes |
      TransmissionFlag.canMultiConn |
      TransmissionFlag.sendCache |
      (this.#description.readOnly ? TransmissionFlag.readOnly : 0) |
      (this.structuredReplies ? TransmissionFlag.sendDf : 0)
    );
  }

  #reply(option: number, type: number, data: Buffer | string = ''): void {
    this.#replies.push(encodeOptionReply(option, type, Buffer.from(data)));
  }
}

/** NBD_OPT_INFO and NBD_OPT_GO: the export's name and the kinds of information wanted. Undefined when malformed. */
function decodeInfoRequest(data: Buffer): { name: Buffer; infos: number[] } | undefined {
  if (data.length < 6) return undefined;
  const nameEnd = 4 + data.readUInt32BE(0);
  if (nameEnd + 2 > data.length) return undefined;
  const infoCount = data.readUInt16BE(nameEnd);
  if (nameEnd + 2 + 2 * infoCount !== data.length) return undefined;
  const infos = Array.from({ length: infoCount }, (_, index) => data.readUInt16BE(nameEnd + 2 + 2 * index));
  return { name: data.subarray(4, nameEnd), infos };
}

function encodeInfoType(info: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(info, 0);
  return bytes;
}

function encodeBlockSizes(): Buffer {
  const bytes = Buffer.alloc(14);
  bytes.writeUInt16BE(Info.blockSize, 0);
  bytes.writeUInt32BE(LEAST_BLOCK_BYTES, 2);
  bytes.writeUInt32BE(BLOCK_BYTES, 6);
  bytes.writeUInt32BE(MAX_PAYLOAD_BYTES, 10);
  return bytes;
}
