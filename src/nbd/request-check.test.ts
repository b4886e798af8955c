import test from 'node:test';
import assert from 'node:assert/strict';
import { OperationalError } from '../lib/errors.ts';
import { BASE_ALLOCATION } from './meta-context.ts';
import { Command, type Request } from './protocol.ts';
import { refusalOf, refuseRequest } from './request-check.ts';

const SIZE = 1024 ** 3;

interface Given {
  readOnly?: boolean;
  structured?: boolean;
  status?: boolean;
}

function refusal(request: Partial<Request>, options: Given = {}): number {
  const whole = {
    flags: 0,
    command: Command.read,
    cookieHigh: 0,
    cookieLow: 0,
    offset: 0,
    lengthBytes: 4096,
    ...request,
  };
  const device = { sizeBytes: SIZE, readOnly: options.readOnly ?? false };
  const agreed = {
    structuredReplies: options.structured ?? true,
    contexts: options.status === true ? [BASE_ALLOCATION] : [],
  };
  return refuseRequest(whole, device, agreed)?.error ?? 0;
}

test('ranges that end at the end of the disk are served, one byte further is refused by kind', () => {
  const expected = {
    [Command.read]: 22,
    [Command.trim]: 22,
    [Command.cache]: 22,
    [Command.write]: 28,
    [Command.writeZeroes]: 28,
  };
  for (const [command, error] of Object.entries(expected)) {
    assert.equal(refusal({ command: Number(command), offset: SIZE - 4096 }), 0);
    assert.equal(refusal({ command: Number(command), offset: SIZE - 4095 }), error);
    assert.equal(refusal({ command: Number(command), offset: 2 ** 64 }), error);
  }
});

test('reads and writes over 32 MiB are invalid; trimming and zeroing may be longer', () => {
  const lengthBytes = 32 * 1024 ** 2 + 1;
  assert.deepEqual(
    [Command.read, Command.write, Command.trim, Command.writeZeroes].map((command) =>
      refusal({ command, lengthBytes }),
    ),
    [22, 22, 0, 0],
  );
});

test('a read-only disk answers EPERM to every change and serves the rest', () => {
  const changes = [Command.write, Command.trim, Command.writeZeroes].map((command) =>
    refusal({ command }, { readOnly: true }),
  );
  assert.deepEqual(changes, [1, 1, 1]);
  assert.equal(refusal({ command: Command.read }, { readOnly: true }), 0);
  assert.equal(refusal({ command: Command.flush, lengthBytes: 0 }, { readOnly: true }), 0);
});

test('FUA goes with every command, DF with structured reads, NO_HOLE with zeroing, nothing else with any', () => {
  for (const command of [Command.read, Command.write, Command.trim, Command.cache, Command.writeZeroes]) {
    assert.equal(refusal({ command, flags: 1 }), 0);
    assert.equal(refusal({ command, flags: 16 }), 22);
    assert.equal(refusal({ command, flags: 0x8000 }), 22);
  }
  assert.equal(refusal({ flags: 4 }), 0);
  assert.equal(refusal({ flags: 4 }, { structured: false }), 22);
  assert.equal(refusal({ command: Command.writeZeroes, flags: 2 }), 0);
  assert.equal(refusal({ command: Command.write, flags: 2 }), 22);
});

test('block status is served where a context was agreed on: with REQ_ONE, of at least one byte, within the disk', () => {
  const command = Command.blockStatus;
  assert.equal(refusal({ command }), 22);
  assert.equal(refusal({ command }, { status: true }), 0);
  assert.equal(refusal({ command, flags: 8 }, { status: true, readOnly: true }), 0);
  assert.equal(refusal({ command, lengthBytes: 0 }, { status: true }), 22);
  assert.equal(refusal({ command, offset: SIZE - 4095 }, { status: true }), 22);
  assert.equal(refusal({ command: Command.read, flags: 8 }, { status: true }), 22);
});

test('unknown commands and a flush of a range are invalid', () => {
  for (const command of [7, 8, 99, 65535]) assert.equal(refusal({ command }), 22);
  assert.equal(refusal({ command: Command.flush, lengthBytes: 0 }), 0);
  assert.equal(refusal({ command: Command.flush, lengthBytes: 4096 }), 22);
});

test('a full file system below is ENOSPC, wherever in the chain of causes it is; all else is EIO', () => {
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  assert.equal(refusalOf(full).error, 28);
  assert.equal(refusalOf(new OperationalError('cannot write', { retryable: true, cause: full })).error, 28);
  assert.equal(refusalOf(new Error('x')).error, 5);
  assert.equal(refusalOf('x').error, 5);
});
