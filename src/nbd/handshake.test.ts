import test from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { encodeMetaQuery } from '../../test/support/raw-nbd-client.ts';
import { Handshake } from './handshake.ts';
import { Option, OptionReply, TransmissionFlag, encodeOption } from './protocol.ts';

const DISK = { name: 'd-1', sizeBytes: 20 * 1024 ** 3, readOnly: false };
const CLIENT_FLAGS = Buffer.from([0, 0, 0, 3]);

function begin(flags: Buffer = CLIENT_FLAGS): Handshake {
  const handshake = new Handshake(DISK);
  handshake.accept(flags);
  return handshake;
}

function ask(handshake: Handshake, option: number, data: Buffer = Buffer.alloc(0)): { type: number; data: Buffer }[] {
  const bytes = Buffer.concat(handshake.accept(encodeOption(option, data)).replies);
  const replies = [];
  for (let at = 0; at < bytes.length;) {
    assert.equal(bytes.readBigUInt64BE(at), 0x3e889045565a9n);
    assert.equal(bytes.readUInt32BE(at + 8), option);
    const end = at + 20 + bytes.readUInt32BE(at + 16);
    replies.push({ type: bytes.readUInt32BE(at + 12), data: bytes.subarray(at + 20, end) });
    at = end;
  }
  return replies;
}

function infoRequest(name: string, infos: number[] = []): Buffer {
  const data = Buffer.alloc(6 + name.length + 2 * infos.length);
  data.writeUInt32BE(name.length, 0);
  data.write(name, 4);
  data.writeUInt16BE(infos.length, 4 + name.length);
  for (const [index, info] of infos.entries()) data.writeUInt16BE(info, 6 + name.length + 2 * index);
  return data;
}

function askExportName(flags: number, name: string): { state: string; bytes: number } {
  const handshake = begin(Buffer.from([0, 0, 0, flags]));
  const { replies } = handshake.accept(encodeOption(Option.exportName, Buffer.from(name)));
  return { state: handshake.state, bytes: Buffer.concat(replies).length };
}

test('the greeting offers fixed newstyle without padding', () => {
  assert.equal(new Handshake(DISK).greet().toString('hex'), '4e42444d4147494349484156454f50540003');
});

test('GO answers with size and flags, with name and block sizes where asked, and begins transmission', () => {
  const handshake = begin();
  const replies = ask(handshake, Option.go, infoRequest('d-1', [1, 3, 77]));
  assert.deepEqual(
    replies.map((reply) => reply.type),
    [OptionReply.info, OptionReply.info, OptionReply.info, OptionReply.ack],
  );
  assert.equal(replies[0]?.data.readBigUInt64BE(2), BigInt(DISK.sizeBytes));
  assert.equal(replies[1]?.data.subarray(2).toString(), 'd-1');
  assert.deepEqual(
    [2, 6, 10].map((at) => replies[2]?.data.readUInt32BE(at)),
    [1, 4096, 32 * 1024 ** 2],
  );
  assert.equal(handshake.state, 'transmission');
});

test('INFO tells the same and stays in the handshake', () => {
  const handshake = begin();
  assert.deepEqual(
    ask(handshake, Option.info, infoRequest('d-1')).map((reply) => reply.type),
    [OptionReply.info, OptionReply.ack],
  );
  assert.equal(handshake.state, 'negotiating');
});

test('the empty name is the default export; another name is unknown and the client may go on', () => {
  assert.equal(ask(begin(), Option.go, infoRequest('')).at(-1)?.type, OptionReply.ack);
  const handshake = begin();
  assert.equal(ask(handshake, Option.go, infoRequest('d-2'))[0]?.type, OptionReply.errorUnknown);
  assert.equal(ask(handshake, Option.go, infoRequest('d-1')).at(-1)?.type, OptionReply.ack);
});

test('DF is announced only after structured replies were agreed on, read-only when the disk is', () => {
  const flagsOf = (handshake: Handshake) => ask(handshake, Option.info, infoRequest(''))[0]?.data.readUInt16BE(10) ?? 0;
  const plain = begin();
  assert.equal(flagsOf(plain) & TransmissionFlag.sendDf, 0);
  assert.equal(ask(plain, Option.structuredReply)[0]?.type, OptionReply.ack);
  assert.notEqual(flagsOf(plain) & TransmissionFlag.sendDf, 0);
  const readOnly = new Handshake({ ...DISK, readOnly: true });
  readOnly.accept(CLIENT_FLAGS);
  assert.notEqual(flagsOf(readOnly) & TransmissionFlag.readOnly, 0);
});

test('LIST names the export; data where none belongs is invalid', () => {
  const replies = ask(begin(), Option.list);
  assert.equal(replies[0]?.data.subarray(4).toString(), 'd-1');
  assert.equal(replies[1]?.type, OptionReply.ack);
  assert.equal(ask(begin(), Option.list, Buffer.from('x'))[0]?.type, OptionReply.errorInvalid);
  assert.equal(ask(begin(), Option.structuredReply, Buffer.from('x'))[0]?.type, OptionReply.errorInvalid);
});

function metaReplies(handshake: Handshake, option: number, queries: string[], name = 'd-1'): string[] {
  return ask(handshake, option, encodeMetaQuery(name, queries)).map(({ type, data }) => {
    if (type === OptionReply.metaContext) return `${data.readUInt32BE(0)} ${data.subarray(4).toString()}`;
    return type === OptionReply.ack ? 'ack' : `error ${type - 0x80000000}`;
  });
}

test('metadata contexts are listed and set once structured replies are agreed on; unknown ones are passed over', () => {
  const handshake = begin();
  assert.deepEqual(metaReplies(handshake, Option.setMetaContext, ['base:allocation']), ['error 3']);
  assert.deepEqual(metaReplies(handshake, Option.listMetaContext, []), ['error 3']);
  ask(handshake, Option.structuredReply);
  for (const queries of [[], ['base:'], ['qemu:dirty-bitmap:x', 'base:allocation', 'base:allocation']]) {
    assert.deepEqual(metaReplies(handshake, Option.listMetaContext, queries), ['0 base:allocation', 'ack']);
    assert.deepEqual(handshake.contexts, [], 'listing chooses nothing');
  }
  for (const queries of [['base:other'], ['qemu:'], [''], ['base:allocation ']]) {
    assert.deepEqual(metaReplies(handshake, Option.listMetaContext, queries), ['ack']);
    assert.deepEqual(metaReplies(handshake, Option.setMetaContext, queries), ['ack']);
  }
  const set = metaReplies(handshake, Option.setMetaContext, ['x-y:z', 'base:allocation', 'base:allocation']);
  assert.deepEqual(set, ['1 base:allocation', 'ack']);
  assert.equal(ask(handshake, Option.go, infoRequest('d-1')).at(-1)?.type, OptionReply.ack);
  assert.deepEqual(
    handshake.contexts.map(({ id }) => id),
    [1],
  );
});

test('setting metadata contexts replaces those set before, even when it fails', () => {
  const failures: [Buffer, number][] = [
    [encodeMetaQuery('d-2', ['base:allocation']), OptionReply.errorUnknown],
    [encodeMetaQuery('d-1', ['base:allocation']).subarray(0, -1), OptionReply.errorInvalid],
    [Buffer.from('00000003642d3100000002', 'hex'), OptionReply.errorInvalid],
    [Buffer.from('00000003642d3100000000ffffffff', 'hex'), OptionReply.errorInvalid],
    [Buffer.from('ffffffff', 'hex'), OptionReply.errorInvalid],
    [Buffer.alloc(3), OptionReply.errorInvalid],
    [Buffer.alloc(20_000), OptionReply.errorTooBig],
    [encodeMetaQuery('', []), OptionReply.ack],
    [encodeMetaQuery('', ['base:']), OptionReply.ack],
  ];
  for (const [data, type] of failures) {
    const handshake = begin();
    ask(handshake, Option.structuredReply);
    assert.equal(metaReplies(handshake, Option.setMetaContext, ['base:allocation'], '').length, 2);
    assert.equal(handshake.contexts.length, 1);
    assert.equal(ask(handshake, Option.setMetaContext, data)[0]?.type, type);
    assert.deepEqual(handshake.contexts, []);
  }
});

test('a client that asks for one option after another is ended', () => {
  const handshake = begin();
  for (let count = 0; count < 128; count++) {
    assert.equal(handshake.state, 'negotiating');
    ask(handshake, Option.list);
  }
  assert.deepEqual(ask(handshake, Option.go, infoRequest('d-1')), []);
  assert.equal(handshake.state, 'ended');
});

test('lengths that disagree within GO are invalid', () => {
  for (const data of ['', '00000004', '00000003642d310001', 'ffffffff642d310000', '00000003642d3100000000']) {
    assert.equal(ask(begin(), Option.go, Buffer.from(data, 'hex'))[0]?.type, OptionReply.errorInvalid, data);
  }
});

test('unknown options, extended headers and TLS are unsupported, however long, and their data is skipped', () => {
  const handshake = begin();
  for (const option of [5, 11, 4711]) {
    assert.equal(ask(handshake, option, Buffer.alloc(9))[0]?.type, OptionReply.errorUnsupported);
    assert.equal(ask(handshake, option, Buffer.alloc(1_000_000))[0]?.type, OptionReply.errorUnsupported);
  }
  assert.equal(ask(handshake, Option.go, Buffer.alloc(1_000_000))[0]?.type, OptionReply.errorTooBig);
  assert.equal(ask(handshake, Option.go, infoRequest('d-1')).at(-1)?.type, OptionReply.ack);
});

test('EXPORT_NAME pads with zeros unless that was declined, and ends the connection for another name', () => {
  assert.deepEqual(askExportName(1, 'd-1'), { state: 'transmission', bytes: 134 });
  assert.deepEqual(askExportName(3, ''), { state: 'transmission', bytes: 10 });
  assert.deepEqual(askExportName(3, 'd-2'), { state: 'ended', bytes: 0 });
});

test('ABORT is acknowledged; a wrong magic number or unknown client flags end the connection', () => {
  const aborted = begin();
  assert.equal(ask(aborted, Option.abort)[0]?.type, OptionReply.ack);
  assert.equal(aborted.state, 'ended');
  assert.equal(begin(Buffer.from([0, 0, 0, 4])).state, 'ended');
  const confused = begin();
  confused.accept(Buffer.alloc(16));
  assert.equal(confused.state, 'ended');
});

test('what follows the handshake in the same bytes is left over, however they are cut', () => {
  const options = [encodeOption(99, Buffer.alloc(20_000)), encodeOption(Option.go, infoRequest('d-1', [3]))];
  const all = Buffer.concat([CLIENT_FLAGS, ...options, Buffer.from('rest')]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: all.length - 1 })), (cuts) => {
      const handshake = new Handshake(DISK);
      const rest: Buffer[] = [];
      let from = 0;
      for (const to of [...new Set([...cuts, all.length])].sort((a, b) => a - b)) {
        const piece = all.subarray(from, to);
        const before: string = handshake.state;
        const taken = before === 'transmission' ? { rest: piece } : handshake.accept(piece);
        if (handshake.state === 'transmission') rest.push(taken.rest);
        from = to;
      }
      assert.equal(Buffer.concat(rest).toString(), 'rest');
    }),
    { numRuns: 200 },
  );
});

test('random options never make it throw, hang or keep more than it may', () => {
  const option = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(fc.integer({ min: 0, max: 12 }), fc.uint8Array({ maxLength: 40 }))
      .map(([number, data]) => encodeOption(number, Buffer.from(data))),
  );
  fc.assert(
    fc.property(fc.array(option, { maxLength: 20 }), (pieces) => {
      const handshake = begin();
      for (const piece of pieces) {
        const { rest } = handshake.accept(piece);
        if (handshake.state !== 'negotiating') break;
        assert.ok(rest.length <= 16 * 1024 + 16);
      }
    }),
    { numRuns: 3000 },
  );
});
