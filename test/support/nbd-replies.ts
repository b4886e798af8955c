/** Reads what an NBD server said to one client from the greeting to the end, and checks it against what was asked. */
import assert from 'node:assert/strict';
import {
  Command,
  Option,
  OptionReply,
  OPTION_REPLY_MAGIC,
  ReplyType,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
  type Request,
} from '../../src/nbd/protocol.ts';

const GREETING_BYTES = 18;

/**
 * Each of `requests` must be answered exactly once, in the form that was agreed on, and nothing else be said. Returns
 * the number of answers. `received` begins transmission by NBD_OPT_GO.
 */
export function checkReplies(received: Buffer, requests: readonly Request[]): number {
  const { at: start, structured } = skipHandshake(received);
  const open = new Map(requests.map((request) => [request.cookieLow, request]));
  let at = start;
  while (at < received.length) {
    const reply = readReply(received, at, open, structured);
    if (reply.isLast) assert.ok(open.delete(reply.cookie), `cookie ${reply.cookie} was answered twice`);
    at = reply.end;
  }
  assert.equal(at, received.length, 'the last reply is whole');
  assert.deepEqual([...open.values()], [], 'every request is answered');
  return requests.length;
}

function skipHandshake(received: Buffer): { at: number; structured: boolean } {
  let at = GREETING_BYTES;
  let structured = false;
  for (;;) {
    assert.equal(received.readBigUInt64BE(at), OPTION_REPLY_MAGIC);
    const option = received.readUInt32BE(at + 8);
    const type = received.readUInt32BE(at + 12);
    at += 20 + received.readUInt32BE(at + 16);
    if (option === Option.structuredReply && type === OptionReply.ack) structured = true;
    if (option === Option.go && type === OptionReply.ack) return { at, structured };
  }
}

interface Reply {
  cookie: number;
  isLast: boolean;
  end: number;
}

function readReply(received: Buffer, at: number, open: Map<number, Request>, structured: boolean): Reply {
  assert.equal(received.readUInt32BE(at + 8), 0xabcd);
  const cookie = received.readUInt32BE(at + 12);
  const request = open.get(cookie);
  assert.ok(request !== undefined, `cookie ${cookie} was not asked for, or is answered already`);
  if (received.readUInt32BE(at) === SIMPLE_REPLY_MAGIC) {
    const error = received.readUInt32BE(at + 4);
    const isRead = request.command === Command.read;
    assert.ok(!structured || !isRead, 'a read is answered as agreed on');
    return { cookie, isLast: true, end: at + 16 + (isRead && error === 0 ? request.lengthBytes : 0) };
  }
  assert.ok(structured && received.readUInt32BE(at) === STRUCTURED_REPLY_MAGIC, 'the magic number of a reply');
  const lengthBytes = received.readUInt32BE(at + 16);
  checkChunk(received.readUInt16BE(at + 6), received.subarray(at + 20, at + 20 + lengthBytes), request);
  return { cookie, isLast: received.readUInt16BE(at + 4) === 1, end: at + 20 + lengthBytes };
}

function checkChunk(type: number, payload: Buffer, request: Request): void {
  switch (type) {
    case ReplyType.none:
      return assert.equal(payload.length, 0);
    case ReplyType.offsetData:
      assert.equal(Number(payload.readBigUInt64BE(0)), request.offset);
      return assert.equal(payload.length, 8 + request.lengthBytes);
    case ReplyType.blockStatus:
      return checkDescriptors(payload, request);
    case ReplyType.error:
      return assert.equal(payload.length, 6 + payload.readUInt16BE(4));
    case ReplyType.errorOffset: {
      const messageBytes = payload.readUInt16BE(4);
      assert.equal(payload.length, 14 + messageBytes);
      const offset = Number(payload.readBigUInt64BE(6 + messageBytes));
      return assert.ok(offset >= request.offset && offset < request.offset + request.lengthBytes);
    }
    default:
      return assert.fail(`a chunk of type ${type}`);
  }
}

function checkDescriptors(payload: Buffer, request: Request): void {
  assert.equal(payload.readUInt32BE(0), 1);
  let coveredBytes = 0;
  for (let at = 4; at < payload.length; at += 8) coveredBytes += payload.readUInt32BE(at);
  assert.ok(coveredBytes > 0 && coveredBytes <= request.lengthBytes);
}
